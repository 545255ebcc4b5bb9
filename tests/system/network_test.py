#!/usr/bin/env python3
"""A cluster on a bad network: every link that matters, in every way a link goes wrong. All heal, all count exactly.

    tests/system/network_test.py [build/release/bin/millrace] [--every] [CASE...]

Links {coordinator-worker, worker-worker, client-worker} x {cut, one_way, lossy, slow, flapping}: 15 cells, a case each
(`-k worker_worker` picks some). A client asks for predictions meanwhile: each must be answered, by one worker or the
other. Faults last longer than the patience with a silent host; with --every they come shorter, too. And a worker whose
connection with the coordinator is delayed, stalled, changed, reset and forgotten by a proxy.
"""
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from cluster.cluster_case import RECORDS, ClusterCase, require_hosts  # noqa: E402
from cluster.millrace_cluster import CALLER, programs, require_exact  # noqa: E402
from cluster.prediction_caller import PredictionCaller  # noqa: E402
from program import main  # noqa: E402

LONG_SECONDS, SHORT_SECONDS = 6, 1  # a silent host is given two
FLAP_SECONDS = 1
LOST_PERCENT = 20
RATE = "1mbit"
setUpModule = require_hosts

# The host whose link is slowed comes first.
LINKS = {
    "coordinator_worker": ("coordinator", "worker-1"),
    "worker_worker": ("worker-2", "worker-1"),
    "client_worker": ("client", "worker-1"),
}
FAULTS = {
    "cut": lambda faults, one, other: faults.cut(one, other),
    "one_way": lambda faults, one, other: faults.one_way(other, one),
    "lossy": lambda faults, one, other: faults.lossy(one, other, LOST_PERCENT),
    "slow": lambda faults, one, other: faults.slow(one, RATE),
    "flapping": lambda faults, one, other: faults.flapping(one, other, FLAP_SECONDS),
}


class Matrix(ClusterCase):
    def caller(self):
        caller = PredictionCaller(self.cluster.client, programs()["millrace"], "stream",
                                  self.cluster.prediction_endpoints, "size,speed,colour", ["0.1,5,red", "-1,3,blue"],
                                  self.cluster.client_keys(CALLER))
        caller.start()
        self.cluster.wait(lambda: caller.answered > 0, "the first prediction", 60)
        return caller

    def endure(self, start_fault, one, other, seconds):
        self.stream()
        self.cluster.start()
        self.submit_slow()
        self.cluster.wait(lambda: self.cluster.status("stream")["model"]["version"] > 0, "a version is published", 60)
        caller = self.caller()
        with start_fault(self.cluster.network.faults, one, other):
            time.sleep(seconds)
        answered = caller.answered
        self.cluster.wait(lambda: caller.answered > answered, "predictions after the fault", 60)
        require_exact(self.cluster.wait_for_state("stream", "finished"), RECORDS)
        caller.stop()
        self.assertEqual(([], [], caller.asked), (caller.lost, caller.backwards, caller.answered), self.cluster.tails())


class Proxied(ClusterCase):
    """worker-1 speaks with the coordinator through a proxy that does what no packet filter does."""

    def setUp(self):
        super().setUp()
        self.stream()
        self.proxy = self.cluster.put_proxy_before_coordinator(self.cluster.workers["worker-1"])
        self.cluster.start()
        self.submit_slow()

    def require_exact_end(self):
        require_exact(self.cluster.wait_for_state("stream", "finished"), RECORDS)

    def require_new_connection(self, since):
        self.cluster.wait(lambda: self.proxy.connections > since, "worker-1 connects anew", 60)

    def test_every_message_is_late(self):
        self.proxy.delay = 0.1
        self.require_exact_end()

    def test_nothing_comes_for_a_while_and_then_all_at_once(self):
        self.proxy.stalled.update(("up", "down"))
        time.sleep(LONG_SECONDS)
        self.proxy.stalled.clear()
        self.require_exact_end()

    def test_a_changed_byte_is_no_message(self):
        before = self.proxy.connections
        self.proxy.flip("up", 100)
        self.require_new_connection(before)
        self.require_exact_end()

    def test_connections_are_reset_again_and_again(self):
        for _ in range(3):
            before = self.proxy.connections
            self.proxy.reset()
            self.require_new_connection(before)
        self.require_exact_end()

    def test_a_connection_that_carries_nothing_is_given_up(self):
        before = self.proxy.connections
        self.proxy.forget()
        self.require_new_connection(before)
        self.require_exact_end()


def add_cases(lengths):
    for link, ends in LINKS.items():
        for fault, start in FAULTS.items():
            for length, seconds in lengths.items():
                def case(self, start=start, ends=ends, seconds=seconds):
                    self.endure(start, *ends, seconds)
                setattr(Matrix, f"test_{link}_{fault}{length}", case)


if __name__ == "__main__":
    every = "--every" in sys.argv
    if every:
        sys.argv.remove("--every")
    add_cases({"": LONG_SECONDS, "_shortly": SHORT_SECONDS} if every else {"": LONG_SECONDS})
    main()
