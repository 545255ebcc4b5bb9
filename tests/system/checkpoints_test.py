#!/usr/bin/env python3
"""Stored checkpoints as an operator verifies them: whole, damaged, orphaned, in a folder and in an object store.

    tests/system/checkpoints_test.py [build/release/bin/millrace] [CASE...]
"""
import json
import pathlib
import shutil
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from program import ProgramTest, call, damage, halve_newest_manifest, job_text, main, write_stream  # noqa: E402
from s3_server import Missing, S3Server  # noqa: E402

FAILED, USAGE, NOT_FOUND, UNREACHABLE, NOT_ALLOWED = 1, 2, 3, 5, 6


class StoredJob(ProgramTest):
    """A job that has ended, with its checkpoints."""

    def setUp(self):
        super().setUp()
        write_stream(self.folder / "data.csv", 40_000)
        job = self.write("job.yaml", job_text(self.folder / "data.csv", rate=80_000))
        self.require_code(self.run_job(job), 0)
        self.checkpoints = self.state / "stream" / "checkpoints"

    def verify(self, *words, code=0, output="json"):
        return self.require_code(call("checkpoints", "verify", *words, "--output", output), code)


class Verify(StoredJob):
    def audit(self, code=0):
        """What the document says of the one job."""
        document = json.loads(self.verify("--state", self.state, code=code).out)
        self.assertEqual(1, document["schema_version"])
        self.assertEqual(code == FAILED, document["damaged"])
        return document["jobs"][0]

    def test_a_whole_store_is_whole_and_unchanged(self):
        before = {path: path.read_bytes() for path in self.checkpoints.rglob("*") if path.is_file()}
        job = self.audit()
        self.assertEqual("stream", job["job"])
        self.assertGreaterEqual(len(job["cuts"]), 2)
        for cut in job["cuts"]:
            self.assertEqual(("whole", []), (cut["state"], cut["damage"]))
        self.assertEqual(job["cuts"][-1]["cut"], job["restores"]["cut"])
        # What was retired as the job ended may still be there.
        stored = {f"parts/{path.name}": path.stat().st_size for path in (self.checkpoints / "parts").iterdir()}
        orphaned = sum(stored.get(name, 0) for name in job["orphans"])
        self.assertEqual(sum(stored.values()), orphaned + sum(cut["bytes"] for cut in job["cuts"]))
        self.assertEqual(before, {path: path.read_bytes() for path in self.checkpoints.rglob("*") if path.is_file()})

    def test_a_table_says_the_same_in_words_and_progress_goes_to_stderr(self):
        outcome = self.verify("stream", "--state", self.state, output="table")
        self.assertIn("would be restored: cut", outcome.out)
        self.assertIn("whole", outcome.out)
        self.assertIn("stream: cut", outcome.err)
        self.assertIn("restores:", self.verify("--state", self.state, output="yaml").out)

    def test_a_flipped_byte_is_found_and_the_cut_before_would_be_restored(self):
        newest = self.audit()["cuts"][-1]["cut"]
        part = next((self.checkpoints / "parts").glob(f"cut-{newest:010d}.*.sst"))
        content = bytearray(part.read_bytes())
        content[len(content) // 2] ^= 1
        damage(part, bytes(content))
        job = self.audit(FAILED)
        self.assertEqual("damaged", job["cuts"][-1]["state"])
        self.assertEqual([f"parts/{part.name}"], [each["object"] for each in job["cuts"][-1]["damage"]])
        self.assertIn("CRC32C", job["cuts"][-1]["damage"][0]["reason"])
        self.assertEqual(job["cuts"][-2]["cut"], job["restores"]["cut"])
        table = self.verify("--state", self.state, code=FAILED, output="table")
        self.require_said(table, part.name, "CRC32C", f"would be restored: cut {job['cuts'][-2]['cut']} ")
        # And that is what happens.
        again = self.start_job(self.folder / "job.yaml").wait()
        self.require_said(again, part.name)

    def test_a_missing_object_and_half_a_manifest_are_damage(self):
        cuts = self.audit()["cuts"]
        next((self.checkpoints / "parts").glob(f"cut-{cuts[0]['cut']:010d}.*.sst")).unlink()
        name = halve_newest_manifest(self.checkpoints)
        job = self.audit(FAILED)
        self.assertEqual("damaged", job["cuts"][0]["state"])
        self.assertEqual(f"manifests/{name}", job["cuts"][-1]["damage"][0]["object"])
        # What the unreadable manifest may refer to is called no orphan.
        self.assertEqual([], job["orphans"])

    def test_what_no_checkpoint_refers_to_is_an_orphan_and_no_damage(self):
        name = "parts/cut-0000000099.attempt-7.worker-1.SESSION.000001.sst"
        before = self.audit()["orphans"]
        (self.checkpoints / name).write_text("left")
        self.assertEqual(sorted([*before, name]), sorted(self.audit()["orphans"]))

    def test_nothing_whole_is_said_to_restore_nothing(self):
        for manifest in (self.checkpoints / "manifests").iterdir():
            damage(manifest, b"{}")
        self.assertIsNone(self.audit(FAILED)["restores"])

    def test_a_log_with_a_gap_is_refused(self):
        entries = sorted((self.checkpoints / "log").glob("[0-9]*"))
        entries[-2].unlink()
        self.require_said(self.verify("--state", self.state, code=FAILED), entries[-2].name, "missing")

    def test_names_that_are_not_there_are_not_found_and_nothing_is_made(self):
        self.require_said(self.verify("strem", "--state", self.state, code=NOT_FOUND), "stream")
        self.verify("--state", self.folder / "none", code=NOT_FOUND)
        self.verify("--store", f"file://{self.folder}/none", code=NOT_FOUND)
        self.verify("--store", f"file://{self.state}/stream", code=NOT_FOUND)
        self.assertFalse((self.folder / "none").exists())
        self.verify("--store", "ftp://host/x", code=USAGE)

    def test_a_store_is_verified_by_its_url(self):
        url = f"file://{self.state}"
        self.verify("--store", f"{url}/stream/checkpoints")
        self.verify("checkpoints", "--store", f"{url}/stream")
        self.require_said(self.verify("stream", "--store", url, code=NOT_FOUND), "commit log")


class VerifyObjectStore(StoredJob):
    """The same objects, copied into a bucket."""

    def setUp(self):
        super().setUp()
        try:
            self.server = S3Server(self.folder)
        except Missing as missing:
            raise unittest.SkipTest(str(missing)) from missing
        self.server.start()
        self.addCleanup(self.server.stop)
        shutil.rmtree(self.checkpoints / ".writing", ignore_errors=True)
        self.bucket = self.server.folder / "data" / "checkpoints" / "jobs" / "stream"
        shutil.copytree(self.checkpoints, self.bucket)

    def test_objects(self):
        flags = ("--store", self.server.url("jobs"), "--secrets", self.server.secrets)
        before = self.server.objects()
        self.verify("stream", *flags)
        self.assertEqual(before, self.server.objects())
        halve_newest_manifest(self.bucket)
        self.require_said(self.verify("stream", *flags, code=FAILED), "s3://checkpoints/jobs/stream/manifests/")
        self.require_said(self.verify("none", *flags, code=NOT_FOUND), "commit log")
        absent = self.server.url("jobs").replace("s3://checkpoints", "s3://absent-bucket")
        self.require_said(self.verify("stream", "--store", absent, *flags[2:], code=USAGE), "NoSuchBucket")
        (self.server.secrets / "s3-secret-access-key").write_text("wrong\n")
        self.require_said(self.verify("stream", *flags, code=NOT_ALLOWED), "SignatureDoesNotMatch", "clock")
        self.require_said(self.verify("stream", *flags[:2], "--secrets", self.folder / "none", code=NOT_FOUND),
                          "s3-access-key-id")
        self.server.stop()
        self.verify("stream", *flags, code=UNREACHABLE)


if __name__ == "__main__":
    main()
