#!/usr/bin/env python3
"""Kills, stops and damages a file job: run again, it goes on to the record, and says what it could not use.

    tests/system/kill_resume_test.py [build/release/bin/millrace] [CASE...]

Moments of kills are drawn from MILLRACE_SEED (default 1), which is printed.
"""
import json
import os
import pathlib
import random
import signal
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from program import (ROOT, ProgramTest, complete_cuts, damage, halve_newest_manifest, job_text,  # noqa: E402
                     main, write_stream)

RECORDS = 120_000
SEED = int(os.environ.get("MILLRACE_SEED", "1"))


class KillAndResume(ProgramTest):
    def stream(self, records=RECORDS):
        data = self.folder / "stream.csv"
        write_stream(data, records, SEED)
        return data

    def kill_until_done(self, job, kills, draw, *flags):
        """The number of kills; the job may end before all are used up."""
        for number in range(kills):
            running = self.start_job(job, *flags)
            outcome = running.wait(draw.uniform(0.15, 0.9))
            if outcome:
                self.require_code(outcome, 0)
                return number
            running.kill()
        return kills

    def test_killed_at_random_moments_every_record_counts_once(self):
        print(f"MILLRACE_SEED={SEED}")
        draw = random.Random(SEED)
        job = self.write("job.yaml", job_text(self.stream(), rate=40_000, parallelism=2))
        kills = self.kill_until_done(job, 12, draw, "--workers", "2")
        summary = self.require_exact(self.run_job(job, "--workers", "2"), RECORDS)
        self.assertGreaterEqual(kills, 3)
        self.assertTrue(all(split["lag"] == 0 for split in summary["splits"]), summary["splits"])

    def test_a_killed_run_goes_on_from_its_checkpoint(self):
        job = self.write("job.yaml", job_text(self.stream(), rate=60_000))
        running = self.start_job(job)
        self.wait_for(lambda: len(self.manifests()) >= 3, "three checkpoints")
        running.kill()
        summary = self.require_exact(self.run_job(job), RECORDS)
        self.assertGreater(summary["resumed_from"], 0)

    def require_survives(self, damage_newest):
        """Kills a run, lets `damage_newest` spoil its newest checkpoint and name it, and runs it again."""
        job = self.write("job.yaml", job_text(self.stream(), rate=40_000))
        running = self.start_job(job)
        self.wait_for(lambda: len(self.manifests()) >= 3, "three checkpoints")
        running.kill()
        named = damage_newest(self.state / "stream/checkpoints")
        outcome = self.run_job(job)
        summary = self.require_exact(outcome, RECORDS)
        self.require_said(outcome, named, "damaged")
        self.assertGreater(summary["resumed_from"], 0)

    def test_a_truncated_manifest_makes_the_one_before_it_count(self):
        self.require_survives(halve_newest_manifest)

    def test_a_flipped_bit_in_a_part_makes_the_checkpoint_before_it_count(self):
        def flip(checkpoints):
            cut = complete_cuts(checkpoints)[-1]
            part = next(path for path in (checkpoints / "parts").iterdir()
                        if path.name.startswith(cut) and path.suffix == ".sst")
            content = bytearray(part.read_bytes())
            content[len(content) // 2] ^= 1
            damage(part, bytes(content))
            return part.name

        self.require_survives(flip)

    def test_checkpoints_beyond_those_retained_are_deleted(self):
        job = self.write("job.yaml", job_text(self.stream(), rate=60_000))
        self.require_exact(self.run_job(job), RECORDS)
        manifests = list((self.state / "stream/checkpoints/manifests").iterdir())
        self.assertLessEqual(len(manifests), 3 + 2)
        self.assertEqual([], list((self.state / "stream/checkpoints/.writing").iterdir()))

    def stop_by(self, number, code, state):
        """Stops a run by a signal and runs it again: the second goes on where the first says that it ended."""
        job = self.write("job.yaml", job_text(self.stream(), rate=40_000, interval="60s"))
        running = self.start_job(job)
        self.wait_for(lambda: '"progress"' in running.err.read_text(), "progress")
        running.signal(number)
        stopped = self.require_code(running.wait(30), code)
        self.assertEqual(state, stopped.summary["state"])
        self.assertLess(stopped.summary["records"], RECORDS)
        events = [json.loads(line)["event"] for line in stopped.err.splitlines()]
        self.assertIn("stopped", events)
        self.assertNotIn("finished", events)
        summary = self.require_exact(self.run_job(job), RECORDS)
        self.assertEqual(stopped.summary["records"], summary["resumed_from"])

    def test_an_interrupted_run_ends_with_130_after_a_checkpoint(self):
        self.stop_by(signal.SIGINT, 130, "interrupted")

    def test_a_terminated_run_drains_and_ends_with_0(self):
        self.stop_by(signal.SIGTERM, 0, "stopped")

    def test_a_finished_job_prints_its_summary_again(self):
        job = self.write("job.yaml", job_text(self.stream(5_000)))
        first = self.require_exact(self.run_job(job), 5_000)
        again = self.require_exact(self.run_job(job), 5_000)
        self.assertEqual(first["model"]["digest"], again["model"]["digest"])
        self.assertEqual(first["metrics"]["prequential"], again["metrics"]["prequential"])


class Determinism(ProgramTest):
    MLP = "{kind: mlp, layers: [16], dropout: [0.2]}"

    def setUp(self):
        super().setUp()
        self.data = self.folder / "stream.csv"
        write_stream(self.data, 40_000, SEED)

    def job(self, name, **options):
        text = job_text(self.data, model=self.MLP, more="merge: {mode: synchronous}\n", **options)
        return self.write(f"{name}.yaml", text)

    def newest_cut(self, state):
        names = [path.name for path in self.manifests(state)]
        return int(names[-1].split(".")[0].split("-")[1]) if names else 0

    def test_two_synchronous_runs_give_the_same_digest(self):
        for parallelism in (1, 2):
            digests = {self.require_exact(self.run_job(self.job("twice", parallelism=parallelism), "--fresh"),
                                          40_000)["model"]["digest"] for _ in range(2)}
            self.assertEqual(1, len(digests), f"parallelism {parallelism}")

    def test_a_killed_and_resumed_run_gives_the_digest_of_one_that_was_not(self):
        for parallelism in (1, 2):
            whole = self.require_exact(self.run_job(self.job("whole", parallelism=parallelism, interval="60s"),
                                                    state=self.folder / f"whole-{parallelism}"), 40_000)
            state = self.folder / f"killed-{parallelism}"
            job = self.job("killed", parallelism=parallelism, rate=20_000)
            for cut in (4, 8):
                running = self.start_job(job, state=state)
                self.wait_for(lambda: self.newest_cut(state) >= cut, "checkpoints")
                running.kill()
            killed = self.require_exact(self.run_job(job, state=state), 40_000)
            self.assertGreater(killed["resumed_from"], 0)
            self.assertEqual(whole["model"]["digest"], killed["model"]["digest"], f"parallelism {parallelism}")
            self.assertEqual(whole["metrics"]["prequential"]["confusion_matrix"],
                             killed["metrics"]["prequential"]["confusion_matrix"])

    def test_workers_do_not_change_the_digest(self):
        job = self.job("workers", parallelism=2)
        one = self.require_exact(self.run_job(job, "--set", "parallelism=2", "--fresh"), 40_000)
        two = self.require_exact(self.run_job(job, "--workers", "2", "--fresh"), 40_000)
        self.assertEqual(one["model"]["digest"], two["model"]["digest"])


class RealStream(ProgramTest):
    def test_covertype_killed_at_random_moments_counts_every_record_once(self):
        data = ROOT / "data" / "covtype.csv"
        if not data.is_file():
            self.skipTest("data/covtype.csv is missing: deploy/fetch-data gets it")
        with data.open() as file:
            label = file.readline().strip().split(",")[-1]
        draw = random.Random(SEED)
        text = job_text(data, model="{kind: softmax}", rate=100_000, interval="200ms", parallelism=2)
        job = self.write("job.yaml", text.replace("label: fast", f"label: {label}"))
        for _ in range(6):
            running = self.start_job(job, "--workers", "2")
            if running.wait(draw.uniform(0.3, 1.2)):
                break
            running.kill()
        self.require_exact(self.run_job(job, "--workers", "2"), 581_012)


if __name__ == "__main__":
    main()
