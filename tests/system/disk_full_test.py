#!/usr/bin/env python3
"""A real full disk under a running job: it says so, loses nothing, and goes on when there is room.

    tests/system/disk_full_test.py [build/release/bin/millrace] [CASE...]

Needs the right to mount a small tmpfs; otherwise the cases are skipped with a message.
"""
import errno
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from program import ProgramTest, job_text, main, small_disk, write_stream  # noqa: E402

RECORDS = 60_000
DISK = 16 << 20


def fill(path):
    """Takes every byte that is left."""
    with path.open("wb", buffering=0) as ballast:
        for block in (1 << 20, 4096, 512, 1):
            try:
                while ballast.write(b"x" * block):
                    pass
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise


class FullDisk(ProgramTest):
    def setUp(self):
        super().setUp()
        disk = small_disk(self.folder / "disk", DISK)
        self.disk = disk.__enter__()
        self.addCleanup(disk.__exit__, None, None, None)
        if self.disk is None:
            self.skipTest("this user may not mount a tmpfs")
        self.state = self.disk / "state"
        self.ballast = self.disk / "ballast"
        data = self.folder / "stream.csv"
        write_stream(data, RECORDS)
        self.job = self.write("job.yaml", job_text(data, rate=15_000))

    def run_into_full_disk(self):
        running = self.start_job(self.job)
        self.wait_for(lambda: len(self.manifests()) >= 2, "two checkpoints")
        fill(self.ballast)
        return running

    def said_by(self, running):
        return running.out.read_text() + running.err.read_text()

    def test_room_made_while_the_job_runs_lets_it_finish(self):
        running = self.run_into_full_disk()
        self.wait_for(lambda: "No space left" in self.said_by(running), "a message about the full disk")
        self.assertIsNone(running.process.poll(), self.said_by(running))
        self.ballast.unlink()
        self.require_exact(running.wait(), RECORDS)

    def test_a_disk_that_stays_full_ends_the_job_with_an_error_and_nothing_is_lost(self):
        outcome = self.run_into_full_disk().wait(120)
        self.assertIsNotNone(outcome, "the job hangs on a full disk")
        self.require_code(outcome, 1)
        self.require_said(outcome, "No space left", self.disk)
        self.ballast.unlink()
        summary = self.require_exact(self.run_job(self.job), RECORDS)
        self.assertGreater(summary["resumed_from"], 0)

    def test_a_disk_that_is_full_from_the_start_is_an_error_that_names_it(self):
        fill(self.ballast)
        outcome = self.require_code(self.run_job(self.job), 1)
        self.require_said(outcome, "No space left", self.disk)
        self.ballast.unlink()
        self.require_exact(self.run_job(self.job), RECORDS)


if __name__ == "__main__":
    main()
