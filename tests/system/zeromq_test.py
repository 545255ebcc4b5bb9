#!/usr/bin/env python3
"""Jobs that read from producers: killed, with rows on the way, every record counts once.

    tests/system/zeromq_test.py [build/release/bin/millrace] [CASE...]

Moments of the kills are drawn from MILLRACE_SEED (default 1), which is printed.
"""
import os
import pathlib
import random
import signal
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from program import ProgramTest, Running, call, main, write_stream  # noqa: E402
from server_process import free_ports  # noqa: E402

SEED = int(os.environ.get("MILLRACE_SEED", "1"))
WRONG_USAGE, UNREACHABLE = 2, 5


class ZeroMqJobs(ProgramTest):
    def setUp(self):
        super().setUp()
        self.port, = free_ports(1)
        write_stream(self.folder / "sample.csv", 200, seed=9)

    def job(self, interval="200ms", parallelism=1, bind=None, more=""):
        return self.write("till.yaml", (
            f"version: 1\nname: till\nsource: {{kind: zeromq, zeromq: {{bind: \"{bind or self.endpoint()}\", "
            f"sample: sample.csv, linger: 20ms}}}}\nschema: {{label: fast}}\nmodel: {{kind: logistic}}\n"
            f"checkpoint: {{interval: {interval}, retain: 3}}\nparallelism: {parallelism}\nseed: 7\n{more}"))

    def endpoint(self, index=0):
        return f"tcp://127.0.0.1:{self.port + index}"

    def stream(self, records, name="rows.csv", **draw):
        path = self.folder / name
        return path, write_stream(path, records, **draw)

    def send(self, path, *flags, to=None):
        running = Running(self.folder, "send", path, "--to", to or self.endpoint(), "--output", "json", *flags)
        self.addCleanup(running.kill)
        return running

    def sent(self, running):
        outcome = running.wait(120)
        self.assertIsNotNone(outcome, "it still sends")
        summary = self.require_code(outcome, 0).summary
        self.assertEqual(summary["messages"], summary["acknowledged"], outcome)
        return summary

    def drained(self, running):
        running.signal(signal.SIGTERM)
        return self.require_code(running.wait(60), 0)

    def test_killed_five_times_while_rows_stream_in_every_record_counts_once(self):
        print(f"MILLRACE_SEED={SEED}")
        draw = random.Random(SEED)
        path, broken = self.stream(50_000, broken_every=1_000)
        job = self.job()
        running = self.start_job(job)
        sender = self.send(path, "--rate", 8_000, "--rows-per-message", 37)
        for _ in range(5):
            time.sleep(draw.uniform(0.4, 1.4))
            running.kill()
            self.assertIsNone(sender.wait(0), "all rows were sent before the last kill")
            running = self.start_job(job)
        summary = self.sent(sender)
        self.assertEqual(50_000, summary["rows"])
        outcome = self.drained(running)
        counts = outcome.summary
        self.assertEqual((50_000, 50_000 - broken, broken, 0),
                         tuple(counts[name] for name in ("read", "records", "quarantined", "skipped")), outcome)
        self.assertEqual(50_000 - broken, sum(map(sum, counts["metrics"]["prequential"]["confusion_matrix"])))
        self.assertEqual(50_000, counts["splits"][0]["offset"])
        self.assertEqual(broken, len(counts["quarantine"]))

    def test_rows_that_arrived_are_not_counted_again_under_the_same_name(self):
        path, _ = self.stream(5_000)
        running = self.start_job(self.job())
        for _ in range(2):
            self.sent(self.send(path, "--producer", "till-7"))
        self.sent(self.send(path, "--producer", "till-8"))
        self.require_exact(self.drained(running), 10_000)

    def test_a_producer_that_is_killed_goes_on_under_its_name(self):
        path, _ = self.stream(20_000)
        running = self.start_job(self.job())
        for _ in range(3):
            sender = self.send(path, "--producer", "till-7", "--rate", 10_000)
            time.sleep(0.7)
            sender.kill()
        self.sent(self.send(path, "--producer", "till-7"))
        self.require_exact(self.drained(running), 20_000)

    def test_each_replica_listens_at_a_port_of_its_own(self):
        path, _ = self.stream(3_000)
        running = self.start_job(self.job(parallelism=2, bind="tcp://127.0.0.1:0"), "--workers", "2")
        self.wait_for(lambda: list(self.state.glob("till/checkpoints/log/*")), "the job's beginning")
        # Chosen at submit, and told by the summary.
        running.signal(signal.SIGTERM)
        endpoints = [split["path"] for split in self.require_code(running.wait(60), 0).summary["splits"]]
        self.assertEqual(2, len(set(endpoints)))
        running = self.start_job(self.folder / "till.yaml", "--workers", "2")
        senders = [self.send(path, to=endpoint) for endpoint in endpoints]
        for sender in senders:
            self.sent(sender)
        self.require_exact(self.drained(running), 6_000)

    def test_nobody_listens(self):
        path, _ = self.stream(10)
        outcome = self.send(path, "--timeout", 1).wait(60)
        self.require_said(self.require_code(outcome, UNREACHABLE), "nobody answers", self.endpoint())

    def test_what_a_job_needs_is_said(self):
        job = self.write("bad.yaml", "version: 1\nname: bad\nsource: {kind: zeromq}\nschema: {label: fast}\n")
        self.require_said(self.require_code(call("validate", job), WRONG_USAGE), "source.zeromq.bind",
                          "source.zeromq.sample")


if __name__ == "__main__":
    main()
