#!/usr/bin/env python3
"""millrace-coordinator and millrace-worker as a service manager starts and ends them: alone, on the loopback address.

    tests/system/daemons_test.py [build/release/bin/millrace] [CASE...]

The programs are beside it.
"""
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from program import ROOT, Outcome, ProgramTest, main, program  # noqa: E402

END_SECONDS_MAX = 30
WRONG_USAGE, CONFLICT = 2, 4
ANY_PORT = "127.0.0.1:0"
FLAGS = {  # nobody listens where the worker looks for its coordinator
    "millrace-coordinator": ["--listen", ANY_PORT, "--control", f"tcp://{ANY_PORT}", "--metrics", ANY_PORT],
    "millrace-worker": ["--listen", ANY_PORT, "--predictions", f"tcp://{ANY_PORT}", "--metrics", ANY_PORT,
                        "--coordinator", "127.0.0.1:1"]}


class Daemons(ProgramTest):
    def setUp(self):
        super().setUp()
        self.manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(self.manager.close)
        self.manager.settimeout(END_SECONDS_MAX)
        self.manager.bind(str(self.folder / "notify"))

    def words(self, name, *flags):
        return [program().with_name(name), *FLAGS[name], "--state", self.state, *flags]

    def start(self, name, watchdog_usec):
        environment = dict(os.environ, NOTIFY_SOCKET=str(self.folder / "notify"), WATCHDOG_USEC=str(watchdog_usec))
        environment.pop("WATCHDOG_PID", None)
        with (self.folder / f"{name}.log").open("w") as log:
            process = subprocess.Popen(self.words(name), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                       env=environment)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def fails(self, name, *flags):
        """What it says where it cannot run."""
        done = subprocess.run(list(map(str, self.words(name, *flags))), capture_output=True, text=True,
                              timeout=END_SECONDS_MAX, check=False)
        return Outcome(done.returncode, done.stdout, done.stderr)

    def heard(self):
        return self.manager.recv(4096).decode()

    def hear(self, wanted):
        """Skips the watchdog's lines."""
        while (line := self.heard()) == "WATCHDOG=1" != wanted:
            pass
        self.assertEqual(wanted, line.splitlines()[0])

    def test_the_service_manager_hears_of_beginning_life_and_end(self):
        for name in FLAGS:
            with self.subTest(name):
                process = self.start(name, watchdog_usec=400_000)
                self.hear("READY=1")
                for _ in range(3):
                    self.hear("WATCHDOG=1")
                process.send_signal(signal.SIGTERM)
                self.hear("STOPPING=1")
                self.assertEqual(0, process.wait(END_SECONDS_MAX), (self.folder / f"{name}.log").read_text())

    def test_a_second_one_of_the_same_state_is_refused(self):
        for name in FLAGS:
            with self.subTest(name):
                self.start(name, watchdog_usec=3_600_000_000)
                self.hear("READY=1")
                self.require_said(self.require_code(self.fails(name), CONFLICT), self.state, "--state")

    def test_a_flag_that_does_not_exist_is_refused_with_its_name(self):
        for name in FLAGS:
            with self.subTest(name):
                self.require_said(self.require_code(self.fails(name, "--http=127.0.0.1:0"), WRONG_USAGE), "--http")

    def test_a_flag_without_effect_is_refused_with_what_it_needs(self):
        said = self.require_code(self.fails("millrace-worker", "--roles", "train,parameters"), WRONG_USAGE)
        self.require_said(said, "--predictions", "serve")

    def test_every_option_that_the_documents_show_exists(self):
        shown = [words for page in sorted((ROOT / "docs").glob("*.md"))
                 for words in re.findall(r"^(millrace-(?:coordinator|worker) (?:.*\\\n)*.*)$", page.read_text(), re.M)]
        self.assertGreaterEqual(len(shown), len(FLAGS))
        for command in shown:
            name = command.split()[0]
            told = subprocess.run([program().with_name(name), "--help"], capture_output=True, text=True, check=True,
                                  timeout=END_SECONDS_MAX).stdout
            for flag in re.findall(r" (--[a-z-]+)", command):
                with self.subTest(f"{name} {flag}"):
                    self.assertIn(f" {flag} ", told)


if __name__ == "__main__":
    main()
