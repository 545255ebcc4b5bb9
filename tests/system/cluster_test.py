#!/usr/bin/env python3
"""A coordinator and two workers on hosts of their own, over TLS: killed and cut off, every record counts once.

    tests/system/cluster_test.py [build/release/bin/millrace] [CASE...]

millrace-coordinator and millrace-worker are beside the program. Needs root and what tests/support/cluster needs.
"""
import pathlib
import signal
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from cluster.cluster_case import RATE, RECORDS, ClusterCase, require_hosts  # noqa: E402
from cluster.duel import Duel  # noqa: E402
from cluster.millrace_cluster import (ACTORS, CALLER, CONTROL, METRICS, PREDICTIONS, Cluster,  # noqa: E402
                                      require_exact)
from cluster.processes import HostedProcess  # noqa: E402
from program import main  # noqa: E402

UNREACHABLE, NOT_ALLOWED = 5, 6
CUT_SECONDS = 5  # more than twice what a silent host is given
setUpModule = require_hosts


class Training(ClusterCase):
    def setUp(self):
        super().setUp()
        self.stream()
        self.cluster.start()

    def require_finished_exact(self, name="stream", records=RECORDS):
        return require_exact(self.cluster.wait_for_state(name, "finished"), records)

    def test_every_record_counts_once_and_every_worker_answers(self):
        job = self.job()
        self.cluster.done("submit", job)
        status = self.require_finished_exact()
        self.assertGreater(status["metrics"]["prequential"]["accuracy"], 0.8)
        self.cluster.done("submit", job)  # again: nothing changes
        self.require_finished_exact()
        for endpoint in self.cluster.prediction_endpoints():
            self.cluster.wait(lambda e=endpoint: self.version_at(e) == status["model"]["version"],
                              f"{endpoint} answers with the last version", 30)

    def version_at(self, endpoint):
        outcome = self.cluster.predict(endpoint, "stream", "size=0.1,speed=5,colour=red")
        return outcome.summary["model"]["version"] if outcome.code == 0 else 0

    def test_a_worker_killed_in_the_middle(self):
        self.submit_slow()
        victim = self.cluster.workers["worker-2"].kill()
        time.sleep(1)
        victim.start()
        self.require_finished_exact()

    def test_a_worker_killed_for_good_leaves_its_work_to_the_other(self):
        self.submit_slow()
        self.cluster.workers["worker-1"].kill()
        self.require_finished_exact()

    def test_training_goes_on_without_a_coordinator(self):
        attempt = self.submit_slow()["attempt"]
        self.cluster.coordinator.kill()
        time.sleep(3)  # longer than the workers' patience with a silent coordinator
        before = self.cluster.trained()
        self.cluster.wait(lambda: self.cluster.trained() > before, "training goes on", 30)
        self.cluster.coordinator.start()
        status = self.require_finished_exact()
        self.assertEqual(attempt, status["attempt"], "the running attempt is adopted, without a rollback")

    def test_of_two_coordinators_one_commits(self):
        self.submit_slow()
        Duel(self.cluster, "stream", is_paused=True).fight()
        self.require_finished_exact()

    def test_everything_killed_at_once_goes_on_where_it_was(self):
        self.submit_slow()
        for process in self.cluster.processes:
            process.kill()
        self.cluster.start()
        self.require_finished_exact()

    def test_a_worker_cut_off_from_the_coordinator(self):
        self.submit_slow()
        with self.cluster.network.faults.cut("worker-1", "coordinator") as fault:
            time.sleep(CUT_SECONDS)
            self.assertGreater(fault.dropped(), 0)
        self.require_finished_exact()

    def test_a_paused_worker_comes_back_to_a_world_that_went_on(self):
        self.submit_slow()
        victim = self.cluster.workers["worker-2"].pause()
        time.sleep(CUT_SECONDS)
        victim.resume()
        self.require_finished_exact()

    def test_processes_end_when_asked(self):
        for process in reversed(self.cluster.processes):
            self.assertEqual(0, process.stop(), process.tail())


class Rescaling(ClusterCase):
    RECORDS = 150_000  # time for two changes

    def setUp(self):
        super().setUp()
        self.stream(self.RECORDS)
        self.cluster.start()
        self.submit_slow()

    def require_finished_exact(self, replicas):
        status = require_exact(self.cluster.wait_for_state("stream", "finished"), self.RECORDS)
        self.assertEqual(replicas, status["parallelism"])

    def wait_for_replicas(self, replicas):
        """What it has learned when so many train."""
        def train():
            outcome = self.cluster.look("stream")
            if outcome.code != 0 or outcome.summary["state"] != "running":
                return None
            hosted = sum(len(worker["replicas"]) for worker in outcome.summary["placement"])
            return outcome.summary if (hosted, outcome.summary["parallelism"]) == (replicas, replicas) else None
        return self.cluster.wait(train, f"{replicas} replicas train", 60)["records"]

    def test_a_job_goes_on_with_fewer_and_with_more_replicas(self):
        for replicas in (1, 3):
            operation = self.cluster.done("rescale", "stream", replicas)
            self.assertEqual("succeeded", operation["state"])
            before = self.wait_for_replicas(replicas)
            self.cluster.wait_for_records("stream", before + RATE)
        self.require_finished_exact(3)

    def test_more_replicas_than_slots_are_refused_before_anything_is_stopped(self):
        before = self.cluster.status("stream")
        refused = self.cluster.cli("rescale", "stream", "--parallelism", 5)
        self.assertEqual(1, refused.code, refused)
        for word in ("stream", "5 replicas", "slots", "start more workers"):
            self.assertIn(word, refused.said)
        after = self.cluster.status("stream")
        self.assertEqual(("running", before["attempt"]), (after["state"], after["attempt"]))
        self.require_finished_exact(2)

    def test_what_was_answered_is_done_by_the_next_coordinator(self):
        """However far the change had come when the coordinator was killed."""
        for replicas, seconds in ((1, 0), (3, 0.3), (2, 0.8)):
            self.cluster.done("rescale", "stream", replicas, "--no-wait")
            time.sleep(seconds)
            self.cluster.coordinator.kill()
            self.cluster.coordinator.start()
            self.wait_for_replicas(replicas)
        self.require_finished_exact(2)


class Listening(ClusterCase):
    WORKERS = 1

    def run_to_its_end(self, process):
        code = process.start().wait_end(30)
        self.cluster.network.at_close.remove(process.kill)
        return code

    def words(self, process, *left_out):
        """Of a process, without some flags and their values."""
        words = list(process.words)
        for flag in left_out:
            place = words.index(flag)
            del words[place:place + 2]
        return words

    def variant(self, name, words):
        host = self.cluster.network.host(name)
        return HostedProcess(f"{name}-variant", host, words, self.folder / f"logs/{name}-variant.log")

    def test_without_keys_nothing_listens_beyond_the_machine(self):
        for process in self.cluster.processes:
            refused = self.variant(process.name, self.words(process, "--keys"))
            self.assertEqual(NOT_ALLOWED, self.run_to_its_end(refused), refused.tail())
            self.require_said(refused, "without keys", "millrace keygen")
            self.assertEqual([], process.host.listening())

    def test_without_flags_only_this_machine_is_listened_to(self):
        flags = ("--keys", "--listen", "--control", "--metrics")
        coordinator = self.variant("coordinator", self.words(self.cluster.coordinator, *flags))
        coordinator.start().wait_until(lambda: len(coordinator.host.listening()) >= 3, "it listens")
        self.assertEqual({"127.0.0.1"}, {address for address, _ in coordinator.host.listening()})

    def test_with_keys_only_what_is_named_is_listened_to(self):
        self.cluster.start()
        listening = self.cluster.coordinator.host.listening()
        self.assertEqual({self.cluster.coordinator.host.address}, {address for address, _ in listening})
        self.assertLessEqual({ACTORS, CONTROL, METRICS}, {port for _, port in listening})
        worker = self.cluster.workers["worker-1"].host
        self.assertIn((worker.address, PREDICTIONS), worker.listening())

    def test_even_insecure_actors_stay_on_the_machine(self):
        """Whoever reaches the port of actors is a member; clients may be let in without keys, where somebody says so."""
        for process in self.cluster.processes:
            refused = self.variant(process.name, [*self.words(process, "--keys"), "--insecure"])
            self.assertEqual(NOT_ALLOWED, self.run_to_its_end(refused), refused.tail())
        words = [*self.words(self.cluster.coordinator, "--keys", "--listen"), "--insecure"]
        coordinator = self.variant("coordinator", words).start().wait_ready(METRICS)
        self.assertIn(("127.0.0.1", ACTORS), coordinator.host.listening())
        self.assertEqual(0, self.cluster.cli("jobs", keys=None).code)

    def test_strangers_are_refused(self):
        self.cluster.start()
        self.assertEqual(0, self.cluster.cli("jobs").code)
        stranger = self.cluster.cli("jobs", keys=None)
        self.assertIn(stranger.code, (UNREACHABLE, NOT_ALLOWED), stranger)
        self.assertEqual(NOT_ALLOWED, self.cluster.cli("cancel", "nothing", keys=CALLER).code)

    def test_a_worker_of_another_authority_does_not_join(self):
        self.cluster.start()
        other = Cluster(self.folder / "other", workers=1)
        self.addCleanup(other.close)
        stranger_keys = other.folder / "keys/nodes/worker-1"
        words = self.words(self.cluster.workers["worker-1"], "--keys", "--state")
        for number, word in enumerate(words):
            words[number] = word.replace(self.cluster.workers["worker-1"].host.address,
                                         self.cluster.network.host("stranger").address).replace("worker-1", "stranger")
        stranger = self.variant("stranger", [*words, "--keys", stranger_keys, "--state", self.folder / "stranger"])
        stranger.start()
        time.sleep(3)
        names = [row["name"] for row in self.cluster.done("workers")["workers"]]
        self.assertEqual(["worker-1"], names, stranger.tail())
        stranger.signal(signal.SIGKILL)


if __name__ == "__main__":
    main()
