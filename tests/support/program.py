"""Runs the `millrace` program in tests: where it is, data for it, what it answered.

The program is the first argument, else $MILLRACE_BIN, else build/release/bin/millrace. Python's standard library only.
"""
import contextlib
import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
SECONDS_MAX = 240  # of one run: far more than any needs, so that a hang is a failure with a message


def program():
    return pathlib.Path(os.environ.get("MILLRACE_BIN", ROOT / "build/release/bin/millrace")).resolve()


class Outcome:
    """What an ended process left."""

    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err

    @property
    def said(self):
        return self.out + self.err

    @property
    def summary(self):
        """The last line of `--output json`."""
        return json.loads(self.out.strip().splitlines()[-1])

    def __str__(self):
        return f"exit code {self.code}\n--- stdout\n{self.out[-3000:]}\n--- stderr\n{self.err[-3000:]}"


def call(*words, cwd=None, stdin=""):
    done = subprocess.run([program(), *map(str, words)], cwd=cwd, input=stdin, capture_output=True, text=True,
                          timeout=SECONDS_MAX, check=False)
    return Outcome(done.returncode, done.stdout, done.stderr)


class Running:
    """A process that runs on while the test goes on; its output goes to files, so that no pipe fills up."""

    def __init__(self, folder, *words):
        number = sum(1 for _ in folder.glob("out-*"))
        self.out, self.err = folder / f"out-{number}", folder / f"err-{number}"
        with self.out.open("w") as out, self.err.open("w") as err:
            self.process = subprocess.Popen([program(), *map(str, words)], stdin=subprocess.DEVNULL, stdout=out,
                                            stderr=err)

    def wait(self, seconds=SECONDS_MAX):
        """The outcome, or nothing while it still runs after so many seconds."""
        try:
            code = self.process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            return None
        return Outcome(code, self.out.read_text(), self.err.read_text())

    def signal(self, number):
        self.process.send_signal(number)

    def kill(self):
        self.process.kill()
        self.process.wait()


class ProgramTest(unittest.TestCase):
    """A test with a folder of its own and a state folder in it."""

    def setUp(self):
        self.assertTrue(program().is_file(), f"{program()} is not built")
        folder = tempfile.TemporaryDirectory(prefix="millrace-system-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.state = self.folder / "state"

    def write(self, name, text):
        path = self.folder / name
        path.write_text(text)
        return path

    def run_job(self, job, *flags, state=None):
        return call("run", job, "--state", state or self.state, "--output", "json", *flags)

    def start_job(self, job, *flags, state=None):
        running = Running(self.folder, "run", job, "--state", state or self.state, "--output", "json", *flags)
        self.addCleanup(running.kill)
        return running

    def require_code(self, outcome, *codes):
        self.assertIn(outcome.code, codes, outcome)
        return outcome

    def require_said(self, outcome, *words):
        for word in words:
            self.assertIn(str(word), outcome.said, outcome)

    def require_exact(self, outcome, records):
        """Each record was learned, and counted by the metrics, exactly once."""
        self.require_code(outcome, 0)
        summary = outcome.summary
        matrix = summary["metrics"]["prequential"]["confusion_matrix"]
        self.assertEqual(records, summary["records"], outcome)
        self.assertEqual(records, sum(map(sum, matrix)), outcome)
        self.assertEqual(summary["read"], summary["records"] + summary["quarantined"] + summary["skipped"], outcome)
        return summary

    def wait_for(self, claim, what, seconds=30):
        """Until `claim()` gives something true, which is returned."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            found = claim()
            if found:
                return found
            time.sleep(0.01)
        return self.fail(f"not within {seconds} s: {what}")

    def manifests(self, state=None):
        """Of complete checkpoints, oldest first."""
        return [manifest for folder in (state or self.state).glob("*/checkpoints") for cut in complete_cuts(folder)
                for manifest in (folder / "manifests").glob(cut + "*")]


def complete_cuts(checkpoints):
    """How the names of their objects begin, oldest first: the log decides which manifest counts."""
    entries = [entry.read_text() for entry in sorted((checkpoints / "log").glob("[0-9]*"))]
    cuts = [int(entry.split('"cut":')[1].split(",")[0]) for entry in entries if '"kind":"complete"' in entry]
    return [f"cut-{cut:010d}." for cut in cuts]


def damage(path, content):
    """Replaces a file: its bytes may be shared with RocksDB by a hard link."""
    path.unlink()
    path.write_bytes(content)


def halve_newest_manifest(checkpoints):
    """Cuts the manifest of the newest complete checkpoint in half; its name."""
    cut = complete_cuts(checkpoints)[-1]
    manifest = next(path for path in (checkpoints / "manifests").iterdir() if path.name.startswith(cut))
    damage(manifest, manifest.read_bytes()[:manifest.stat().st_size // 2])
    return manifest.name


def write_stream(path, records, seed=1, broken_every=0):
    """A CSV with two numbers, a category and a label that depends on them; the number of broken rows."""
    draw = random.Random(seed)
    broken = 0
    with path.open("w") as file:
        file.write("size,speed,colour,fast\n")
        for row in range(records):
            if broken_every and row % broken_every == broken_every // 2:
                file.write(("not,enough\n", "1.5,abc,red,1\n", 'x,"unbalanced,red,0\n')[broken % 3])
                broken += 1
                continue
            size, speed = draw.gauss(0, 1), draw.gauss(5, 2)
            colour = draw.choice(("red", "green", "blue"))
            fast = int(speed + size + (colour == "red") + draw.gauss(0, 1) > 5.3)
            file.write(f"{size:.4f},{speed:.4f},{colour},{fast}\n")
    return broken


def job_text(data, name="stream", model="{kind: logistic}", rate=None, interval="100ms", parallelism=1, more=""):
    rate = f", max_records_per_second: {rate}" if rate else ""
    return (f"version: 1\nname: {name}\nsource: {{kind: file, path: {data}{rate}}}\nschema: {{label: fast}}\n"
            f"model: {model}\ncheckpoint: {{interval: {interval}, retain: 3}}\nparallelism: {parallelism}\nseed: 7\n"
            f"{more}")


@contextlib.contextmanager
def small_disk(folder, size):
    """A tmpfs of so many bytes at `folder`; nothing where this user may not mount one."""
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder], capture_output=True,
                             check=False).returncode == 0
    try:
        yield folder if mounted else None
    finally:
        if mounted:
            subprocess.run(["umount", "-l", folder], check=False)


def main():
    """Runs the tests of the calling script; exits 0 when none failed and, under CI=true, none was skipped."""
    words = sys.argv[1:]
    if words and not words[0].startswith("-") and pathlib.Path(words[0]).is_file():
        os.environ["MILLRACE_BIN"] = words.pop(0)
    result = unittest.main(module="__main__", argv=[sys.argv[0], *words], verbosity=2, exit=False).result
    reasons = "; ".join(sorted({reason for _, reason in result.skipped}))
    name = pathlib.Path(sys.argv[0]).stem.removesuffix("_test")
    is_strict = os.environ.get("CI") == "true"
    if is_strict and reasons:
        print(f"{name}: {len(result.skipped)} cases were left out, which CI does not allow: {reasons}")
    elif reasons and len(result.skipped) == result.testsRun:
        print(f"{name}: skipped: {reasons}")  # what ctest looks for
    sys.exit(0 if result.wasSuccessful() and not (is_strict and reasons) else 1)
