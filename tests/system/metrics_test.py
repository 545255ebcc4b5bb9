#!/usr/bin/env python3
"""What a daemon shows is what Prometheus reads, by Prometheus' own tools.

    tests/system/metrics_test.py build/release/bin/millrace_metrics_page [CASE...]

Needs `promtool` and `prometheus` (deploy/install-deps --all); skipped without them. The page shows the metrics of
docs/metrics.md, moved as the programs move them, with a job's name as bad as any.
"""
import json
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.parse
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
SECONDS_MAX = 60
CONFIGURATION = """\
scrape_configs:
  - job_name: millrace
    scrape_interval: 1s
    static_configs: [{{targets: ["{target}"]}}]
"""


def documented():
    return set(re.findall(r"^\| `(millrace_\w+)`", (ROOT / "docs/metrics.md").read_text(), re.MULTILINE))


def read(url):
    with urllib.request.urlopen(url, timeout=SECONDS_MAX) as answer:
        return answer.read().decode()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Metrics(unittest.TestCase):
    page_program = ""

    def setUp(self):
        self.page = subprocess.Popen([self.page_program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.addCleanup(self.end)
        self.url = self.page.stdout.readline().strip()
        self.assertTrue(self.url.startswith("http://127.0.0.1:"), self.url)

    def end(self):
        self.page.stdin.close()
        self.assertEqual(self.page.wait(SECONDS_MAX), 0)
        self.page.stdout.close()

    def test_promtool_finds_nothing_wrong(self):
        text = read(self.url + "/metrics")
        checked = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True,
                                 timeout=SECONDS_MAX, check=False)
        self.assertEqual((checked.returncode, checked.stdout, checked.stderr), (0, "", ""), text)

    def test_every_documented_metric_is_shown_and_no_other(self):
        shown = set(re.findall(r"^# TYPE (\w+)", read(self.url + "/metrics"), re.MULTILINE))
        self.assertEqual(shown, documented())

    def test_prometheus_scrapes_it(self):
        port = free_port()
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder)
            (path / "prometheus.yml").write_text(CONFIGURATION.format(target=self.url.removeprefix("http://")))
            with (path / "log").open("w") as log:
                server = subprocess.Popen(
                    ["prometheus", f"--config.file={path}/prometheus.yml", f"--storage.tsdb.path={path}/data",
                     f"--web.listen-address=127.0.0.1:{port}"], stdout=log, stderr=log)
            try:
                value = self.first_value(port, 'millrace_checkpoint_bytes_total{job="millrace",exported_job="clicks"}')
                self.assertEqual(value, "4096", (path / "log").read_text()[-3000:])
                self.assertEqual(self.first_value(port, "up"), "1")
            finally:
                server.terminate()
                server.wait(SECONDS_MAX)

    @staticmethod
    def first_value(port, query):
        """What the query gives once it gives anything; None when it never does."""
        url = f"http://127.0.0.1:{port}/api/v1/query?query={urllib.parse.quote(query)}"
        for _ in range(SECONDS_MAX * 4):
            try:
                result = json.loads(read(url))["data"]["result"]
                if result:
                    return result[0]["value"][1]
            except OSError:
                pass  # it does not listen yet
            time.sleep(0.25)
        return None


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    if not shutil.which("promtool") or not shutil.which("prometheus"):
        print("metrics_test: skipped: no promtool or no prometheus here (deploy/install-deps --all)")
        sys.exit(0)
    Metrics.page_program = str(pathlib.Path(sys.argv.pop(1)).resolve())
    unittest.main(verbosity=2)
