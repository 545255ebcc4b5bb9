#!/usr/bin/env python3
"""A real object store on the loopback address, for tests and measurements: versitygw over a folder.

    tests/support/s3_server.py FOLDER                 starts one, prints the URL of a store in it, ends with Ctrl-C
    tests/support/s3_server.py -- COMMAND [WORD...]   runs a command with one and gives its exit code

The command finds MILLRACE_TEST_S3_URL (of a bucket), MILLRACE_TEST_S3_SECRETS (a secrets folder) and
MILLRACE_TEST_S3_PORT in its environment. The server is built from Go modules once, into
${XDG_CACHE_HOME:-~/.cache}/millrace/tools; what it stores stays in FOLDER. Needs go. Python's standard library only.
"""
import contextlib
import fcntl
import hashlib
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

MODULE = "github.com/versity/versitygw/cmd/versitygw@v1.8.0"
FLAGS = ("-trimpath", "-ldflags", "-s -w")
BUILD_SECONDS_MAX = 900
START_SECONDS_MAX = 30
ACCESS_KEY_ID, SECRET_ACCESS_KEY = "millrace-test", "not-a-secret-of-anybody"
BUCKET = "checkpoints"


class Missing(Exception):
    """What the server needs is not there."""


def server_program():
    """The server's program, built once for each version of the lines above; whoever comes second waits."""
    cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache")
    told = hashlib.sha256(repr((MODULE, FLAGS)).encode()).hexdigest()[:12]
    folder = cache / "millrace" / "tools" / f"versitygw-{told}"
    program = folder / "versitygw"
    if program.is_file():
        return program
    go = shutil.which("go")
    if go is None:
        raise Missing("go is not installed, and the object store is built from Go modules")
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if program.is_file():
            return program
        with tempfile.TemporaryDirectory(dir=folder) as fresh:
            environment = dict(os.environ, GOBIN=fresh, CGO_ENABLED="0", GOFLAGS="-buildvcs=false")
            done = subprocess.run([go, "install", *FLAGS, MODULE], env=environment, capture_output=True, text=True,
                                  timeout=BUILD_SECONDS_MAX, check=False)
            if done.returncode != 0:
                raise Missing("the object store could not be built: " + done.stderr[-500:])
            (pathlib.Path(fresh) / "versitygw").rename(program)
    return program


class S3Server:
    """One server; `start` after `stop` or `kill` goes on with the same objects at the same address."""

    def __init__(self, folder):
        self.program = server_program()
        self.folder = pathlib.Path(folder).resolve() / "s3"
        self.secrets = self.folder / "secrets"
        (self.folder / "data" / BUCKET).mkdir(parents=True)
        self.secrets.mkdir()
        for name, text in (("access-key-id", ACCESS_KEY_ID), ("secret-access-key", SECRET_ACCESS_KEY)):
            path = self.secrets / f"s3-{name}"
            path.write_text(text + "\n")
            path.chmod(0o600)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.log = self.folder / "server.log"
        self.process = None

    def url(self, prefix="", port=None):
        """Of a store in the bucket; by another port where something stands in between."""
        place = f"{BUCKET}/{prefix}" if prefix else BUCKET
        return f"s3://{place}?endpoint=http://127.0.0.1:{port or self.port}&region=us-east-1"

    def objects(self, prefix=""):
        """The files of the bucket below a prefix, as paths."""
        return sorted(path for path in (self.folder / "data" / BUCKET / prefix).rglob("*") if path.is_file())

    def start(self):
        environment = dict(os.environ, ROOT_ACCESS_KEY=ACCESS_KEY_ID, ROOT_SECRET_KEY=SECRET_ACCESS_KEY)
        with self.log.open("a") as log:
            self.process = subprocess.Popen(
                [self.program, "--port", f"127.0.0.1:{self.port}", "posix", self.folder / "data"],
                env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        deadline = time.monotonic() + START_SECONDS_MAX
        while time.monotonic() < deadline and self.process.poll() is None:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return self
            time.sleep(0.05)
        self.kill()
        raise RuntimeError("the object store did not start:\n" + self.log.read_text()[-2000:])

    def stop(self):
        """An orderly end."""
        if self.process is not None:
            self.process.terminate()
            try:
                self.process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                self.kill()
        self.process = None

    def kill(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait()
        self.process = None

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()


def run_with_server(command):
    with tempfile.TemporaryDirectory(prefix="millrace-s3-") as folder, S3Server(folder) as server:
        environment = dict(os.environ, MILLRACE_TEST_S3_URL=server.url(), MILLRACE_TEST_S3_SECRETS=str(server.secrets),
                           MILLRACE_TEST_S3_PORT=str(server.port))
        return subprocess.run(command, env=environment, check=False).returncode


def main():
    words = sys.argv[1:]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        if len(words) > 1 and words[0] == "--":
            raise SystemExit(run_with_server(words[1:]))
        if len(words) != 1:
            raise SystemExit(__doc__)
        with S3Server(words[0]) as server, contextlib.suppress(KeyboardInterrupt):
            print(server.url(), flush=True)
            print(f"secrets: {server.secrets}", flush=True)
            server.process.wait()
    except Missing as missing:
        if os.environ.get("CI") == "true":
            print(f"object-store: {missing}")
            raise SystemExit(1) from missing
        print(f"object-store: skipped: {missing}")  # what ctest looks for


if __name__ == "__main__":
    main()
