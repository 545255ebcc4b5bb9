#!/usr/bin/env python3
"""A cluster that was told of no store: the coordinator keeps the checkpoints, whoever is killed, every record counts once.

    tests/system/cluster_volume_test.py [build/release/bin/millrace] [CASE...]

millrace-coordinator and millrace-worker are beside the program. Needs root and what tests/support/cluster needs.
"""
import pathlib
import subprocess
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from cluster.cluster_case import RATE, RECORDS, ClusterCase, require_hosts  # noqa: E402
from cluster.millrace_cluster import require_exact  # noqa: E402
from program import main, program  # noqa: E402

AWAY_SECONDS = 3  # of the coordinator: several checkpoints would have been taken
VERIFY_SECONDS_MAX = 60
LINK, LINK_BYTES_MIN = "10mbit", 250_000  # and a checkpoint of so many bytes, twice a second
setUpModule = require_hosts


class CoordinatorVolume(ClusterCase):
    def setUp(self):
        super().setUp()
        words = self.cluster.coordinator.words
        at = words.index("--checkpoints")
        del words[at:at + 2]
        self.stream()
        self.cluster.start()
        self.volume = self.cluster.folder / "state/coordinator/checkpoints"

    def checkpoint(self):
        """The number of the newest one, or None while the coordinator is away."""
        outcome = self.cluster.look("stream")
        return outcome.summary["checkpoints"]["last_id"] if outcome.code == 0 else None

    def wait_for_checkpoint(self, after=0):
        self.cluster.wait(lambda: (self.checkpoint() or 0) > after, f"a checkpoint after {after}", 90)

    def finish(self):
        """Its records counted, and what is stored read again, as it lies in the coordinator's folder."""
        status = require_exact(self.cluster.wait_for_state("stream", "finished"), RECORDS)
        command = [program(), "checkpoints", "verify", "stream", "--store", f"file://{self.volume}"]
        verified = subprocess.run(command, capture_output=True, text=True, timeout=VERIFY_SECONDS_MAX, check=False)
        self.assertEqual(0, verified.returncode, verified.stdout + verified.stderr)
        return status

    def test_the_coordinator_keeps_what_workers_ship(self):
        self.submit_slow()
        self.wait_for_checkpoint()
        self.assertIn('"coordinator/stream"', self.cluster.cli("describe", "stream").out)
        self.assertTrue(self.cluster.done("checkpoints", "stream")["checkpoints"])
        self.assertTrue(list((self.volume / "stream/parts").iterdir()))
        self.finish()
        for endpoint in self.cluster.prediction_endpoints():  # the version was read from the volume
            self.cluster.wait(lambda at=endpoint: self.cluster.predict(at, "stream", "size=0.1,speed=5,colour=red").code == 0,
                              f"{endpoint} predicts", 60)

    def test_a_worker_that_is_killed_is_replaced_from_the_volume(self):
        attempt = self.submit_slow()["attempt"]
        self.wait_for_checkpoint()
        self.cluster.workers["worker-1"].kill().start()
        self.assertGreater(self.finish()["attempt"], attempt)

    def test_training_goes_on_while_the_coordinator_with_its_volume_is_away(self):
        attempt = self.submit_slow()["attempt"]
        self.wait_for_checkpoint()
        before = self.checkpoint()
        self.cluster.coordinator.kill()
        trained = self.cluster.trained()
        time.sleep(AWAY_SECONDS)
        self.assertGreater(self.cluster.trained(), trained)
        self.cluster.start()
        self.wait_for_checkpoint(after=before)
        self.assertEqual(attempt, self.finish()["attempt"], "nothing was rolled back")

    def test_everything_killed_at_once_goes_on_where_it_was(self):
        self.submit_slow()
        self.wait_for_checkpoint()
        for process in self.cluster.processes:
            process.kill()
        self.cluster.start()
        self.assertGreater(self.finish()["attempt"], 1)

    def test_bulk_on_a_slow_link_to_the_coordinator_loses_no_worker(self):
        job = self.job(rate=RATE // 2)
        job.write_text(job.read_text().replace("{kind: logistic}", "{kind: mlp, layers: [256, 256]}"))
        self.cluster.done("submit", job)
        attempt = self.cluster.wait_for_records("stream", RECORDS // 10)["attempt"]
        with self.cluster.network.faults.slow("coordinator", LINK):
            before = self.checkpoint() or 0
            self.wait_for_checkpoint(after=before + 1)
        self.assertGreater(self.shipped(), LINK_BYTES_MIN, "too little to fill the link")
        self.assertNotIn("was lost", self.cluster.coordinator.said())
        self.assertEqual(attempt, self.finish()["attempt"], "nothing was rolled back")

    def shipped(self):
        """Bytes of the newest checkpoint."""
        return self.cluster.done("checkpoints", "stream")["checkpoints"][-1]["bytes"]

    def test_a_volume_without_room_fails_checkpoints_and_not_the_training(self):
        self.cluster.coordinator.stop()
        self.cluster.coordinator.words += ["--checkpoint-job-bytes", "1KiB"]
        self.cluster.start()
        self.submit_slow()
        self.cluster.wait(lambda: "coordinator's volume takes no more" in self.cluster.cli("events", "stream").out,
                          "it is said that there is no room", 60)
        trained = self.cluster.trained()
        self.cluster.wait(lambda: self.cluster.trained() > trained, "training goes on", 30)


if __name__ == "__main__":
    main()
