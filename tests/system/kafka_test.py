#!/usr/bin/env python3
"""Jobs on a real Kafka broker: killed, and with the broker taken away, every record counts once.

    tests/system/kafka_test.py [build/release/bin/millrace] [CASE...]

Needs what tests/support/kafka_broker.py needs. Rows are drawn from MILLRACE_SEED (default 1), which is printed.
"""
import os
import pathlib
import random
import signal
import sys
import tempfile
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from kafka_broker import KafkaBroker, Missing  # noqa: E402
from program import ProgramTest, main  # noqa: E402

SEED = int(os.environ.get("MILLRACE_SEED", "1"))
RECORDS = 50_000
PARTITIONS = 3
NOT_FOUND, CONFLICT = 3, 4


def draw_rows(records, seed=SEED):
    """Rows of two numbers, a category and a label that depends on them."""
    draw = random.Random(seed)
    rows = []
    for _ in range(records):
        size, speed = draw.gauss(0, 1), draw.gauss(5, 2)
        colour = draw.choice(("red", "green", "blue"))
        fast = int(speed + size + (colour == "red") + draw.gauss(0, 1) > 5.3)
        rows.append(f"{size:.4f},{speed:.4f},{colour},{fast}")
    return rows


def spoil(rows):
    """Makes some rows undecodable and some null, in place, as kcat's lines of key and value; how many there are."""
    broken = nulls = 0
    for number, row in enumerate(rows):
        if number % 1_000 == 500:
            rows[number] = (f"k{number}|not,enough", f"k{number}|1.5,abc,red,1", f'k{number}|x,"unbalanced,red,0')[broken % 3]
            broken += 1
        elif number % 1_000 == 750:
            rows[number] = f"k{number}|"
            nulls += 1
        else:
            rows[number] = f"k{number}|{row}"
    return broken, nulls


class KafkaJobs(ProgramTest):
    @classmethod
    def setUpClass(cls):
        print(f"MILLRACE_SEED={SEED}")
        folder = tempfile.TemporaryDirectory(prefix="millrace-kafka-")
        cls.addClassCleanup(folder.cleanup)
        try:
            cls.broker = KafkaBroker(folder.name)
        except Missing as missing:
            raise unittest.SkipTest(str(missing)) from missing
        cls.addClassCleanup(cls.broker.stop)
        cls.broker.start()

    def job(self, topic, kafka="until: latest", rate=None, interval="200ms", parallelism=2, more=""):
        limit = f", max_records_per_second: {rate}" if rate else ""
        return self.write(f"{topic}.yaml", (
            f"version: 1\nname: {topic}\nsource: {{kind: kafka{limit}, kafka: {{brokers: \"{self.broker.address}\", "
            f"topic: {topic}, columns: [size, speed, colour, fast], linger: 20ms, {kafka}}}}}\n"
            f"schema: {{label: fast}}\nmodel: {{kind: logistic}}\ncheckpoint: {{interval: {interval}, retain: 3}}\n"
            f"parallelism: {parallelism}\nseed: 7\n{more}"))

    def topic_of(self, name, rows, *flags, partitions=PARTITIONS):
        self.broker.create_topic(name, partitions)
        for partition in range(partitions):
            self.broker.produce(name, partition, rows[partition::partitions], *flags)

    def records_seen(self, running):
        """Of the newest progress that a running job has told."""
        seen = [line.split('"records":')[1].split(",")[0] for line in running.err.read_text().splitlines()
                if '"records":' in line]
        return int(seen[-1]) if seen else 0

    def test_killed_and_with_the_broker_restarted_every_record_counts_once(self):
        rows = draw_rows(RECORDS)
        broken, nulls = spoil(rows)
        good = RECORDS - broken - nulls
        self.topic_of("exact", rows, "-K|", "-Z")
        # So slow that what is fetched ahead lasts longer than it takes to tell that the broker is away.
        kafka = "until: latest, commit_offsets: true, group: lag-exact"
        job = self.job("exact", kafka, rate=1_000)
        running = self.start_job(job, "--workers", "2")
        self.wait_for(lambda: len(self.manifests()) >= 3, "three checkpoints")
        running.kill()

        running = self.start_job(job, "--workers", "2")
        self.wait_for(lambda: self.records_seen(running) > 2_000, "some progress", seconds=60)
        self.broker.kill()
        self.wait_for(lambda: "cannot be read" in running.err.read_text(), "a warning", seconds=60)
        self.assertIsNone(running.wait(0), "the job must not end because the broker is away")
        self.broker.start()
        self.wait_for(lambda: "is read again" in running.err.read_text(), "the good news", seconds=60)
        running.kill()

        job = self.job("exact", kafka, rate=10_000)
        outcome = self.run_job(job, "--workers", "2")
        self.require_code(outcome, 0)
        summary = outcome.summary
        matrix = summary["metrics"]["prequential"]["confusion_matrix"]
        self.assertEqual((RECORDS, good, broken + nulls, 0),
                         tuple(summary[name] for name in ("read", "records", "quarantined", "skipped")), outcome)
        self.assertEqual(good, sum(map(sum, matrix)), outcome)
        self.assertGreater(summary["resumed_from"], 0)
        self.assertEqual([0] * PARTITIONS, [split["lag"] for split in summary["splits"]])
        self.assertEqual({("exact", split["id"]): split["offset"] for split in summary["splits"]},
                         self.broker.committed("lag-exact"))

        entries = summary["quarantine"]
        self.assertEqual(broken + nulls, len(entries))
        self.assertEqual(nulls, sum("null" in entry["reason"] for entry in entries))
        first_broken = next(entry for entry in entries if "not,enough" in entry["record"])
        number = 500 + 3_000 * ((first_broken["offset"] * PARTITIONS) // 3_000)
        self.assertEqual((f"exact/{number % PARTITIONS}", number // PARTITIONS),
                         (first_broken["path"], first_broken["offset"]))
        self.assertIn("columns", first_broken["reason"])
        self.assertIn("speed", {entry["column"] for entry in entries})

        self.assertEqual(summary["records"], self.run_job(job, "--workers", "2").summary["records"])

    def test_synchronous_training_gives_one_digest_killed_or_not(self):
        self.topic_of("digest", draw_rows(12_000))
        more = "merge: {mode: synchronous}\ntraining: {mode: mini_batch, batch_size: 32}\n"
        whole = self.require_exact(self.run_job(self.job("digest", interval="60s", more=more),
                                                state=self.folder / "whole"), 12_000)
        job = self.job("digest", rate=4_000, interval="100ms", more=more)
        state = self.folder / "killed"
        for cut in (3, 8):
            running = self.start_job(job, state=state)
            self.wait_for(lambda cut=cut: len(self.manifests(state)) >= 3 and self.newest_cut(state) >= cut, "checkpoints")
            running.kill()
        killed = self.require_exact(self.run_job(job, state=state), 12_000)
        self.assertGreater(killed["resumed_from"], 0)
        self.assertEqual(whole["model"]["digest"], killed["model"]["digest"])

    def newest_cut(self, state):
        names = [path.name for path in self.manifests(state)]
        return int(names[-1].split(".")[0].split("-")[1]) if names else 0

    def test_a_stream_that_never_ends_is_stopped_and_goes_on(self):
        rows = draw_rows(3_000)
        self.topic_of("live", rows)
        job = self.job("live", "start: earliest")
        running = self.start_job(job)
        self.wait_for(lambda: self.records_seen(running) == 3_000, "all that is there", seconds=60)
        # Less than a micro-batch: it is learned all the same when its time is up.
        self.broker.produce("live", 1, rows[:7])
        self.wait_for(lambda: self.records_seen(running) == 3_007, "what came later", seconds=60)
        running.signal(signal.SIGINT)
        stopped = self.require_code(running.wait(60), 130)
        self.assertEqual(("interrupted", 3_007), (stopped.summary["state"], stopped.summary["records"]))
        self.broker.produce("live", 2, rows[:500])
        running = self.start_job(job)
        self.wait_for(lambda: self.records_seen(running) == 3_507, "what came in between", seconds=60)
        running.signal(signal.SIGTERM)
        drained = self.require_code(running.wait(60), 0)
        self.assertEqual(3_507, sum(map(sum, drained.summary["metrics"]["prequential"]["confusion_matrix"])))

    def test_where_a_job_begins_is_looked_up_once(self):
        rows = draw_rows(2_000)
        self.topic_of("begin", rows[:1_000])
        time.sleep(0.01)  # timestamps have milliseconds
        moment = int(time.time() * 1_000)
        for partition in range(PARTITIONS):
            self.broker.produce("begin", partition, rows[1_000 + partition::PARTITIONS])
        kafka = f"start: timestamp, start_timestamp: {moment}, until: latest"
        job = self.job("begin", kafka)
        self.require_exact(self.run_job(job), 1_000)
        self.broker.produce("begin", 0, rows[:100])
        self.require_exact(self.run_job(job), 1_000)  # it has ended

    def test_key_and_time_are_fields_and_the_key_may_be_the_label(self):
        rows = [row.rpartition(",") for row in draw_rows(900)]
        self.topic_of("keyed", [f"{label}|{value}" for value, _, label in rows], "-K|")
        job = self.job("keyed", "until: latest, label_from: key, timestamp_field: at")
        job.write_text(job.read_text().replace("colour, fast]", "colour]"))
        summary = self.require_exact(self.run_job(job), 900)
        self.assertEqual(["0", "1"], sorted(summary["classes"]))

    def test_records_deleted_before_they_were_read_fail_the_job(self):
        self.topic_of("gone", draw_rows(6_000), partitions=1)
        job = self.job("gone", rate=2_000, parallelism=1)
        running = self.start_job(job)
        self.wait_for(lambda: len(self.manifests()) >= 3, "checkpoints")
        running.kill()
        deleted = self.write("deleted.json", '{"version": 1, "partitions": '
                                             '[{"topic": "gone", "partition": 0, "offset": 5900}]}')
        self.broker.java("org.apache.kafka.tools.DeleteRecordsCommand", "--bootstrap-server", self.broker.address,
                         "--offset-json-file", deleted)
        outcome = self.run_job(job)
        self.require_said(self.require_code(outcome, CONFLICT), "gone/0", "is not there any more", "--fresh")

    def test_a_topic_that_is_not_there_is_told_with_the_nearest_one(self):
        self.broker.create_topic("nearest", 1)
        job = self.job("naerest")
        self.require_said(self.require_code(self.run_job(job), NOT_FOUND), "naerest", "did you mean 'nearest'?")
        self.assertFalse((self.state / "naerest/checkpoints/log").exists())

    def test_marks_of_transactions_are_no_records(self):
        payload = self.write("rows.csv", "\n".join(draw_rows(50)) + "\n")
        self.broker.create_topic("marked", 1)
        self.broker.java("org.apache.kafka.tools.ProducerPerformance", "--topic", "marked", "--num-records", 3_000,
                         "--throughput", 3_000, "--payload-file", payload, "--transactional-id", "marks",
                         "--transaction-duration-ms", 50, "--producer-props",
                         f"bootstrap.servers={self.broker.address}")
        summary = self.require_exact(self.run_job(self.job("marked", parallelism=1)), 3_000)
        self.assertGreater(summary["splits"][0]["offset"], 3_000, "there are marks among the offsets")

    def test_partitions_added_later_are_no_part_of_a_job_that_ends(self):
        self.topic_of("grown", draw_rows(600), partitions=2)
        job = self.job("grown")
        self.require_exact(self.run_job(job), 600)
        self.broker.topics("--alter", "--topic", "grown", "--partitions", 3)
        self.require_exact(self.run_job(job), 600)

    def test_partitions_added_while_a_job_runs_are_read_from_their_first_record(self):
        rows = draw_rows(8_000)
        self.topic_of("growing", rows[:4_000], partitions=2)
        job = self.job("growing", "discovery_interval: 300ms", interval="10s")
        running = self.start_job(job)
        self.wait_for(lambda: self.records_seen(running) == 4_000, "all that is there", seconds=60)
        self.broker.topics("--alter", "--topic", "growing", "--partitions", 4)
        for partition in (2, 3):  # before anybody has seen them
            self.broker.produce("growing", partition, rows[4_000 + partition:7_000:2])
        # Killed around the discovery: before it, while the splits join, and behind.
        draw = random.Random(SEED)
        for _ in range(6):
            time.sleep(draw.uniform(0.0, 0.9))
            running.kill()
            running = self.start_job(job)
        self.wait_for(lambda: self.records_seen(running) == 6_998, "what is in the new partitions", seconds=60)
        for partition in range(4):
            self.broker.produce("growing", partition, rows[7_000 + partition::4])
        self.wait_for(lambda: self.records_seen(running) == 7_998, "what came later", seconds=60)
        running.signal(signal.SIGTERM)
        summary = self.require_exact(running.wait(60), 7_998)
        self.assertEqual([2_250, 2_250, 1_749, 1_749], [split["offset"] for split in summary["splits"]])
        self.assertEqual([f"growing/{partition}" for partition in range(4)],
                         [split["path"] for split in summary["splits"]])

    def test_a_topic_that_was_made_again_with_fewer_partitions_ends_the_job(self):
        self.topic_of("shrunk", draw_rows(600), partitions=3)
        running = self.start_job(self.job("shrunk", "discovery_interval: 200ms"))
        self.wait_for(lambda: self.records_seen(running) == 600, "all that is there", seconds=60)
        self.broker.topics("--delete", "--topic", "shrunk")
        self.wait_for(lambda: "shrunk" not in self.broker.topics("--list").split(), "the topic is gone", seconds=60)
        self.topic_of("shrunk", draw_rows(60), partitions=2)
        outcome = running.wait(90)
        self.assertIsNotNone(outcome, "the job reads on")
        self.require_code(outcome, CONFLICT)

    def test_replicas_without_a_partition_are_told_at_submit(self):
        self.topic_of("narrow", draw_rows(100), partitions=1)
        outcome = self.run_job(self.job("narrow", parallelism=3))
        self.require_exact(outcome, 100)
        self.require_said(outcome, "of 3 replicas only 1 has records to read")


if __name__ == "__main__":
    main()
