#!/usr/bin/env python3
"""What a stranger does wrong: the documented exit code, a message that helps, and nothing lost.

    tests/system/errors_test.py [build/release/bin/millrace] [CASE...]
"""
import gzip
import json
import os
import pathlib
import socket
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from program import ProgramTest, call, job_text, main, write_stream  # noqa: E402

USAGE, NOT_FOUND, CONFLICT, NOT_ALLOWED = 2, 3, 4, 6


class JobFiles(ProgramTest):
    def setUp(self):
        super().setUp()
        self.data = self.folder / "stream.csv"
        write_stream(self.data, 2_000)

    def error_of(self, outcome):
        """What `--output json` says of the error: one object on stderr, and nothing on stdout."""
        self.assertEqual("", outcome.out)
        said = json.loads(outcome.err)
        self.assertEqual(outcome.code, said["exit_code"])
        return said["error"]

    def test_a_misspelt_key_is_named_with_its_line_and_the_nearest_word(self):
        job = self.write("job.yaml", job_text(self.data).replace("source:", "sorce:"))
        for words in (("validate", job), ("run", job, "--state", self.state)):
            outcome = self.require_code(call(*words), USAGE)
            self.require_said(outcome, "job.yaml:3:1: sorce: unknown key 'sorce'; did you mean 'source'?")
        self.assertFalse(self.state.exists(), "an invalid job must leave nothing behind")
        report = self.require_code(call("validate", job, "--output", "json"), USAGE).summary
        self.assertFalse(report["valid"])
        self.assertEqual(("sorce", 3), (report["problems"][0]["key"], report["problems"][0]["line"]))

    def test_a_misspelt_value_is_named_with_the_nearest_word(self):
        job = self.write("job.yaml", job_text(self.data, model="{kind: logisitc}"))
        self.require_said(self.require_code(self.run_job(job), USAGE), "logisitc", "logistic")

    def test_a_value_out_of_range_is_named(self):
        job = self.write("job.yaml", job_text(self.data, parallelism=0))
        self.require_said(self.require_code(self.run_job(job), USAGE), "parallelism")

    def test_a_job_file_that_is_no_yaml_is_refused(self):
        job = self.write("job.yaml", "version: 1\nname: [unclosed\n")
        self.require_said(self.require_code(self.run_job(job), USAGE), job.name)

    def test_a_missing_job_file_is_named(self):
        outcome = self.run_job(self.folder / "absent.yaml")
        self.require_said(self.require_code(outcome, NOT_FOUND), "absent.yaml")

    def test_an_unknown_flag_is_refused(self):
        job = self.write("job.yaml", job_text(self.data))
        outcome = self.require_code(self.run_job(job, "--workres", "2"), USAGE)
        self.require_said(outcome, "--workres", "did you mean '--workers'")
        self.assertEqual("invalid_argument", self.error_of(outcome)["code"])

    def test_a_missing_data_file_is_named(self):
        job = self.write("job.yaml", job_text("/nowhere/at-all.csv"))
        self.require_said(self.require_code(self.run_job(job), NOT_FOUND), "/nowhere/at-all.csv")

    def test_a_label_that_is_no_column_is_named_with_the_columns(self):
        outcome = call("run", self.data, "--label", "fasst", "--state", self.state)
        self.require_said(self.require_code(outcome, USAGE), "fasst", "fast")

    def test_an_empty_data_file_is_refused(self):
        empty = self.write("empty.csv", "")
        outcome = call("run", empty, "--label", "y", "--state", self.state)
        self.require_said(self.require_code(outcome, USAGE, 1), "empty.csv")

    def test_errors_are_one_object_for_programs(self):
        outcome = self.run_job(self.write("job.yaml", job_text("/nowhere/at-all.csv")))
        self.require_code(outcome, NOT_FOUND)
        error = self.error_of(outcome)
        self.assertIn("/nowhere/at-all.csv", error["message"])
        self.assertTrue(error["hint"])


class BadData(ProgramTest):
    def setUp(self):
        super().setUp()
        self.data = self.folder / "stream.csv"
        self.broken = write_stream(self.data, 20_000, broken_every=100)

    def test_broken_rows_are_counted_and_the_rest_is_learned(self):
        job = self.write("job.yaml", job_text(self.data))
        summary = self.require_exact(self.run_job(job), 20_000 - self.broken)
        self.assertEqual(self.broken, summary["quarantined"])
        self.assertEqual(20_000, summary["read"])
        first = summary["quarantine"][0]
        self.assertEqual(str(self.data), first["path"])
        with self.data.open("rb") as file:
            file.seek(first["offset"])
            self.assertEqual(first["record"], file.readline().decode().strip())
        self.assertTrue(first["reason"])

    def test_more_broken_rows_than_allowed_end_the_job(self):
        text = job_text(self.data).replace(f"path: {self.data}", f"path: {self.data}, max_quarantined: 20")
        outcome = self.require_code(self.run_job(self.write("job.yaml", text)), 1)
        self.require_said(outcome, "max_quarantined", "stream.csv")

    def test_exactly_as_many_broken_rows_as_allowed_do_not(self):
        limit = f"path: {self.data}, max_quarantined: {self.broken}"
        text = job_text(self.data).replace(f"path: {self.data}", limit)
        self.require_exact(self.run_job(self.write("job.yaml", text)), 20_000 - self.broken)


class CompressedData(ProgramTest):
    def setUp(self):
        super().setUp()
        stream = self.folder / "stream.csv"
        write_stream(stream, 100_000)
        self.packed = gzip.compress(stream.read_bytes(), mtime=0)
        self.data = self.folder / "stream.csv.gz"
        self.job = self.write("job.yaml", job_text(self.data))

    def require_ends_at_once(self, content):
        self.data.write_bytes(content)
        outcome = self.require_code(self.run_job(self.job), 1)
        self.require_said(outcome, self.data, "compressed")
        self.assertNotIn("attempt 1 is lost", outcome.said, outcome)

    def test_a_file_that_was_cut_short_ends_the_job_at_once(self):
        self.require_ends_at_once(self.packed[:len(self.packed) // 2])

    def test_a_file_that_was_damaged_ends_the_job_at_once(self):
        middle = len(self.packed) // 2
        self.require_ends_at_once(self.packed[:middle] + bytes(64) + self.packed[middle + 64:])


class StateFolders(ProgramTest):
    def setUp(self):
        super().setUp()
        self.data = self.folder / "stream.csv"
        write_stream(self.data, 20_000)
        self.job = self.write("job.yaml", job_text(self.data))

    def test_a_file_in_place_of_the_state_folder_is_named(self):
        self.write("state", "a file")
        self.require_said(self.require_code(self.run_job(self.job), USAGE), self.state, "not a folder")
        self.assertEqual("a file", self.state.read_text())

    def test_a_state_folder_that_may_not_be_written_is_named(self):
        self.state.mkdir()
        if os.geteuid() == 0:
            bind = subprocess.run(["mount", "--bind", "-o", "ro", self.state, self.state], capture_output=True,
                                  check=False)
            if bind.returncode != 0:
                self.skipTest("root may write anywhere, and nothing can be mounted read-only here")
            self.addCleanup(subprocess.run, ["umount", "-l", self.state], check=False)
            if os.access(self.state, os.W_OK):
                subprocess.run(["mount", "-o", "remount,bind,ro", self.state], check=True)
        else:
            self.state.chmod(0o500)
            self.addCleanup(self.state.chmod, 0o700)
        self.require_said(self.require_code(self.run_job(self.job), NOT_ALLOWED), self.state, "--state")

    def test_state_in_use_is_refused_and_the_first_run_goes_on(self):
        slow = self.write("slow.yaml", job_text(self.data, rate=8_000))
        first = self.start_job(slow)
        self.wait_for(self.manifests, "a checkpoint")
        second = self.require_code(self.run_job(slow), CONFLICT)
        self.require_said(second, "in use", first.process.pid)
        self.require_exact(first.wait(), 20_000)

    def test_another_model_is_refused_and_fresh_archives_what_was_there(self):
        self.require_exact(self.run_job(self.job), 20_000)
        other = self.write("other.yaml", job_text(self.data, model="{kind: mlp, layers: [4]}"))
        self.require_said(self.require_code(self.run_job(other), CONFLICT), "--fresh", "model")
        self.require_exact(self.run_job(other, "--fresh"), 20_000)
        self.assertTrue((self.state / "stream.archived-1/checkpoints/log").is_dir())

    def test_another_rate_goes_on(self):
        slow = self.write("slow.yaml", job_text(self.data, rate=8_000))
        first = self.start_job(slow)
        self.wait_for(lambda: len(self.manifests()) >= 2, "two checkpoints")
        first.kill()
        self.assertGreater(self.require_exact(self.run_job(self.job), 20_000)["resumed_from"], 0)

    def test_data_whose_consumed_part_has_changed_is_refused(self):
        first = self.start_job(self.write("slow.yaml", job_text(self.data, rate=8_000)))
        self.wait_for(lambda: len(self.manifests()) >= 2, "two checkpoints")
        first.kill()
        write_stream(self.data, 20_000, seed=99)
        outcome = self.require_code(self.run_job(self.job), CONFLICT)
        self.require_said(outcome, "stream.csv", "changed")


class Ports(ProgramTest):
    def test_a_port_in_use_is_named(self):
        data = self.folder / "stream.csv"
        write_stream(data, 2_000)
        self.require_exact(self.run_job(self.write("job.yaml", job_text(data))), 2_000)
        with socket.socket() as holder:
            holder.bind(("127.0.0.1", 0))
            holder.listen()
            port = holder.getsockname()[1]
            outcome = call("serve", "--state", self.state, "--listen", f"tcp://127.0.0.1:{port}")
        self.require_said(self.require_code(outcome, CONFLICT), port, "in use")


if __name__ == "__main__":
    main()
