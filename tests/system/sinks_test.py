#!/usr/bin/env python3
"""What a job puts out arrives in Kafka exactly once: predictions and dead letters, while processes are killed.

    tests/system/sinks_test.py [build/release/bin/millrace] [CASE...]

Needs what tests/support/kafka_broker.py needs, and root for the cluster. Rows are drawn from MILLRACE_SEED (default 1).
"""
import collections
import json
import os
import pathlib
import random
import sys
import tempfile
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from cluster.cluster_case import ClusterCase, require_hosts  # noqa: E402
from kafka_broker import KafkaBroker, Missing  # noqa: E402
from program import ProgramTest, main  # noqa: E402

SEED = int(os.environ.get("MILLRACE_SEED", "1"))
PARTITIONS = 3
RECORDS = 30_000
BROKEN_EVERY = 100
BROKEN = ("not,enough", "1.5,abc,red,1", 'x,"unbalanced,red,0')


def draw_rows(records):
    """Rows of two numbers, a category and a label that depends on them; every hundredth cannot be decoded."""
    draw = random.Random(SEED)
    rows = []
    for number in range(records):
        size, speed = draw.gauss(0, 1), draw.gauss(5, 2)
        colour = draw.choice(("red", "green", "blue"))
        fast = int(speed + size + (colour == "red") + draw.gauss(0, 1) > 5.3)
        is_broken = number % BROKEN_EVERY == BROKEN_EVERY // 2
        rows.append(BROKEN[number // BROKEN_EVERY % 3] if is_broken else f"{size:.4f},{speed:.4f},{colour},{fast}")
    return rows


def fill(broker, topic, rows):
    """The topic with these rows, and empty ones for what is put out: {place: row} of good ones and of broken ones."""
    broker.create_topic(topic, PARTITIONS)
    broker.create_topic(f"{topic}-out", 2)
    broker.create_topic(f"{topic}-broken", 1)
    for partition in range(PARTITIONS):
        broker.produce(topic, partition, rows[partition::PARTITIONS])
    good, broken = {}, {}
    for number, row in enumerate(rows):
        into = broken if row in BROKEN else good
        into[f"{number % PARTITIONS}:{number // PARTITIONS}"] = row
    return good, broken


def job_text(broker, name, rate, parallelism=2, until="until: latest, ", interval="300ms"):
    return (f"version: 1\nname: {name}\nsource:\n  kind: kafka\n  max_records_per_second: {rate}\n"
            f"  kafka: {{brokers: \"{broker.address}\", topic: {name}, columns: [size, speed, colour, fast], {until}"
            f"linger: 20ms, dead_letter: {name}-broken}}\n"
            f"schema: {{label: fast}}\nmodel: {{kind: logistic}}\ncheckpoint: {{interval: {interval}, retain: 3}}\n"
            f"sinks: {{predictions: {{kind: kafka, brokers: \"{broker.address}\", topic: {name}-out}}}}\n"
            f"parallelism: {parallelism}\nseed: 7\n")


class ExactlyOnce:
    """What a reader of committed transactions must find."""

    def require_each_once(self, broker, topic, good, broken):
        seen = collections.Counter()
        for key, _, text in broker.consume(f"{topic}-out"):
            value = json.loads(text)
            self.assertEqual(key, f"{value['split']}:{value['offset']}")
            self.assertEqual(topic, value["job"])
            self.assertIn(value["prediction"], value["probabilities"])
            self.assertAlmostEqual(1.0, sum(value["probabilities"].values()), places=3)
            self.assertEqual(good[key].rsplit(",", 1)[1], value["label"])
            seen[key] += 1
        self.assertEqual({}, {key: count for key, count in seen.items() if count != 1}, "more than once")
        self.assertEqual(set(), set(good) ^ set(seen), "missing, or nobody's")
        letters = collections.Counter()
        for _, headers, value in broker.consume(f"{topic}-broken"):
            place = f"{headers['partition']}:{headers['offset']}"
            self.assertEqual((topic, topic, broken[place]), (headers["topic"], headers["job"], value))
            self.assertTrue(headers["reason"])
            letters[place] += 1
        self.assertEqual({}, {place: count for place, count in letters.items() if count != 1}, "more than once")
        self.assertEqual(set(broken), set(letters))


class Embedded(ProgramTest, ExactlyOnce):
    @classmethod
    def setUpClass(cls):
        print(f"MILLRACE_SEED={SEED}")
        folder = tempfile.TemporaryDirectory(prefix="millrace-sinks-")
        cls.addClassCleanup(folder.cleanup)
        try:
            cls.broker = KafkaBroker(folder.name)
        except Missing as missing:
            raise unittest.SkipTest(str(missing)) from missing
        cls.addClassCleanup(cls.broker.stop)
        cls.broker.start()

    def start(self, name, rate, **options):
        return self.start_job(self.write(f"{name}.yaml", job_text(self.broker, name, rate, **options)), "--workers", "2")

    def finish(self, name, rate=1_000_000, **options):
        outcome = self.run_job(self.write(f"{name}.yaml", job_text(self.broker, name, rate, **options)),
                               "--workers", "2")
        return self.require_code(outcome, 0).summary

    def wait_for_cut(self, cut):
        self.wait_for(lambda: self.newest_cut() >= cut, f"checkpoint {cut}", 60)

    def newest_cut(self):
        names = [manifest.name for manifest in self.manifests()]
        return int(names[-1].split("cut-")[1].split(".")[0]) if names else 0

    def test_killed_again_and_again(self):
        good, broken = fill(self.broker, "killed", draw_rows(RECORDS))
        for cut in (2, 5, 9):
            running = self.start("killed", 4_000)
            self.wait_for_cut(cut)
            running.kill()
        summary = self.finish("killed")
        self.assertEqual((len(good), len(broken)), (summary["records"], summary["quarantined"]))
        self.require_each_once(self.broker, "killed", good, broken)
        # Once more: what is finished puts out nothing more.
        self.finish("killed")
        self.require_each_once(self.broker, "killed", good, broken)

    def test_stopped_and_then_begun_afresh(self):
        good, broken = fill(self.broker, "stopped", draw_rows(6_000))
        running = self.start("stopped", 1_000)
        self.wait_for_cut(3)
        running.signal(2)
        self.require_code(running.wait(60), 130)
        self.finish("stopped")
        self.require_each_once(self.broker, "stopped", good, broken)
        # A job that begins afresh under the same name counts its checkpoints from 1, and puts out everything again.
        outcome = self.run_job(self.folder / "stopped.yaml", "--workers", "2", "--fresh")
        self.require_code(outcome, 0)
        seen = collections.Counter(key for key, _, _ in self.broker.consume("stopped-out"))
        self.assertEqual(dict.fromkeys(good, 2), dict(seen))

    def test_the_broker_goes_away_and_comes_back(self):
        good, broken = fill(self.broker, "away", draw_rows(12_000))
        running = self.start("away", 1_500)
        self.wait_for_cut(3)
        self.broker.kill()
        # What had not been fetched when it went is not put out either: then only reading is in trouble.
        self.wait_for(lambda: any(words in running.err.read_text() for words in ("cannot be written to", "cannot be read")),
                      "a warning", 90)
        self.assertIsNone(running.wait(0), "the job must not end because the broker is away")
        self.broker.start()
        outcome = self.require_code(running.wait(120), 0)
        self.assertEqual(len(good), outcome.summary["records"])
        self.require_each_once(self.broker, "away", good, broken)

    def test_a_topic_that_is_not_there_is_named(self):
        rows = draw_rows(300)
        fill(self.broker, "nowhere", rows)
        self.broker.topics("--delete", "--topic", "nowhere-out")
        running = self.start("nowhere", 100)
        self.wait_for(lambda: "nowhere-out" in running.err.read_text(), "the topic is named", 60)


class OfACluster(ClusterCase, ExactlyOnce):
    @classmethod
    def setUpClass(cls):
        require_hosts()

    def setUp(self):
        super().setUp()
        try:
            self.broker = KafkaBroker(self.folder, self.cluster.network.host("broker")).start()
        except Missing as missing:
            raise unittest.SkipTest(str(missing)) from missing
        self.addCleanup(self.broker.stop)
        self.cluster.start()

    def submit(self, name, rate, *flags, **options):
        path = self.folder / f"{name}.yaml"
        path.write_text(job_text(self.broker, name, rate, **options))
        self.cluster.done("submit", path, *flags)

    def test_workers_and_the_coordinator_are_killed(self):
        good, broken = fill(self.broker, "burning", draw_rows(RECORDS))
        self.submit("burning", 2_000)
        victims = [self.cluster.workers["worker-1"], self.cluster.workers["worker-2"], self.cluster.coordinator,
                   self.cluster.workers["worker-1"]]
        for number, victim in enumerate(victims, 1):
            self.cluster.wait_for_records("burning", number * RECORDS // 10)
            victim.kill()
            time.sleep(1)
            victim.start()
        status = self.cluster.wait_for_state("burning", "finished")
        self.assertEqual((len(good), len(broken)), (status["records"], status["quarantined"]))
        self.require_each_once(self.broker, "burning", good, broken)

    def test_a_rescaled_job_settles_what_its_replicas_had_put_out(self):
        good, broken = fill(self.broker, "rescaled", draw_rows(20_000))
        self.submit("rescaled", 2_000, parallelism=3)
        self.cluster.wait_for_records("rescaled", 4_000)
        self.cluster.done("rescale", "rescaled", "2")
        self.cluster.wait_for_records("rescaled", 10_000)
        self.cluster.done("rescale", "rescaled", "3")
        status = self.cluster.wait_for_state("rescaled", "finished")
        self.assertEqual((len(good), len(broken)), (status["records"], status["quarantined"]))
        self.require_each_once(self.broker, "rescaled", good, broken)


if __name__ == "__main__":
    main()
