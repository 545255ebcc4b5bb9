"""What tests of clusters share: a stream in the shared folder, jobs on it, and logs that are shown on failure."""
import pathlib
import tempfile
import unittest

from cluster.millrace_cluster import Cluster, missing_programs
from cluster.network import Unavailable, check_available
from program import write_stream

RECORDS = 60_000
RATE = 10_000  # of a job that something happens to: six seconds and more


def require_hosts():
    """For setUpModule: skips everything where there can be no hosts."""
    try:
        check_available()
    except Unavailable as reason:
        raise unittest.SkipTest(str(reason)) from reason


class ClusterCase(unittest.TestCase):
    """A test with a cluster of its own, which is not started."""

    WORKERS = 2

    def setUp(self):
        self.assertEqual([], missing_programs(), "not built")
        folder = tempfile.TemporaryDirectory(prefix="millrace-cluster-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.cluster = Cluster(self.folder, workers=self.WORKERS)
        self.addCleanup(self.cluster.close)

    def stream(self, records=RECORDS, name="stream.csv"):
        path = self.cluster.data / name
        write_stream(path, records)
        return path

    def job(self, name="stream", data=None, rate=None, parallelism=2, interval="500ms"):
        limit = f", max_records_per_second: {rate}" if rate else ""
        path = self.folder / f"{name}.yaml"
        path.write_text(
            f"version: 1\nname: {name}\nsource: {{kind: file, path: {data or self.cluster.data / 'stream.csv'}{limit}}}\n"
            f"schema: {{label: fast}}\nmodel: {{kind: logistic}}\ncheckpoint: {{interval: {interval}, retain: 3}}\n"
            f"parallelism: {parallelism}\nseed: 7\n")
        return path

    def submit_slow(self, name="stream"):
        """A job that runs for some seconds, and has learned some records."""
        self.cluster.done("submit", self.job(name, rate=RATE))
        return self.cluster.wait_for_records(name, RECORDS // 5)

    def require_said(self, process, *words):
        for word in words:
            self.assertIn(word, process.said(), process.tail())
