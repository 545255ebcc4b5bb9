#!/usr/bin/env python3
"""A cluster whose checkpoints are in a real object store: killed, and the store killed, every record counts once.

    tests/system/cluster_s3_test.py [build/release/bin/millrace] [CASE...]

millrace-coordinator and millrace-worker are beside the program. Needs root, what tests/support/cluster needs, and go.
"""
import os
import pathlib
import subprocess
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from cluster.cluster_case import RECORDS, ClusterCase, require_hosts  # noqa: E402
from cluster.millrace_cluster import require_exact  # noqa: E402
from program import main, program  # noqa: E402
from s3_server import Missing, S3Server  # noqa: E402

AWAY_SECONDS = 3  # of the store: several checkpoints would have been taken
VERIFY_SECONDS_MAX = 60
setUpModule = require_hosts


class ObjectStore(ClusterCase):
    def setUp(self):
        super().setUp()
        try:
            self.store = S3Server(self.folder, self.cluster.network.host("store"))
        except Missing as missing:
            if os.environ.get("CI") == "true":
                raise
            raise unittest.SkipTest(str(missing)) from missing
        self.store.start()
        self.cluster.store_in(self.store.url("jobs"), self.store.secrets)
        self.stream()
        self.cluster.start()

    def finish(self):
        """Its records counted, and what is stored read again."""
        status = require_exact(self.cluster.wait_for_state("stream", "finished"), RECORDS)
        command = self.cluster.client.command(program(), "checkpoints", "verify", "stream", "--store",
                                              self.store.url("jobs"), "--secrets", self.store.secrets)
        verified = subprocess.run(command, capture_output=True, text=True, timeout=VERIFY_SECONDS_MAX, check=False)
        self.assertEqual(0, verified.returncode, verified.stdout + verified.stderr)
        return status

    def test_everything_killed_at_once_goes_on_where_it_was(self):
        self.submit_slow()
        for process in self.cluster.processes:
            process.kill()
        self.cluster.start()
        self.finish()

    def test_training_goes_on_while_the_store_is_away(self):
        attempt = self.submit_slow()["attempt"]
        before = self.cluster.status("stream")
        self.store.kill()
        time.sleep(AWAY_SECONDS)
        trained = self.cluster.trained()
        self.cluster.wait(lambda: self.cluster.trained() > trained, "training goes on", 30)
        self.store.start()
        self.cluster.wait(lambda: self.cluster.status("stream")["checkpoints"]["last_id"]
                          > before["checkpoints"]["last_id"], "a checkpoint after it is back", 90)
        self.assertEqual(attempt, self.finish()["attempt"], "nothing was rolled back")


if __name__ == "__main__":
    main()
