#!/usr/bin/env python3
"""Kills and pauses the processes of a cluster at random while a job learns from Kafka: every record must count once.

    tests/system/cluster_soak.py build/release/bin/millrace [--kills 40] [--pauses 20] [--duels 10] [--seed 1]
                                 [--records 2000000]

Three workers and a coordinator on hosts of their own, with keys. Four of five victims are workers, which also own the
shards, one is the coordinator; the dead come back after up to three seconds, the paused after one to thirty. Then a
second coordinator, with a copy of the first one's state, is forced onto the job, ten times. Moments and victims are
drawn from the seed; the machine's timing is not. Exits 1 when a record is lost or counted twice, when ten kills in a
row saw no completed checkpoint, when nothing of those that came back had to be refused, when both coordinators
committed, or when not all of it fitted in.
"""
import argparse
import os
import pathlib
import random
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from cluster.duel import Duel, stale_rejected  # noqa: E402
from cluster.millrace_cluster import Cluster, missing_programs, require_exact  # noqa: E402
from cluster.network import Unavailable, check_available  # noqa: E402
from cluster.processes import Failed  # noqa: E402
from cluster.streams import columns, covertype, load_topic  # noqa: E402
from kafka_broker import KafkaBroker, Missing  # noqa: E402

PARTITIONS, WORKERS = 6, 3
BETWEEN_SECONDS = (2.0, 8.0)
AWAY_SECONDS, PAUSE_SECONDS = (0.0, 3.0), (1.0, 30.0)
DUEL_SECONDS = 12.0
FAST = 1_000_000  # records a second, more than there will be
LOOK_SECONDS, SPARE = 0.5, 1.15  # of a status in between; for draws longer than the mean
KILLS_WITHOUT_CUT_MAX = 10
FINISH_SECONDS_MAX = 600
JOB = """version: 1
name: cluster-soak
source:
  kind: kafka
  max_records_per_second: {rate}
  kafka: {{brokers: "{brokers}", topic: rows, until: latest, linger: 20ms, columns: [{columns}]}}
schema: {{label: Cover_Type}}
preprocess: [{{standardize: {{}}}}]
model: {{kind: softmax}}
training: {{mode: mini_batch, batch_size: 32}}
checkpoint: {{interval: 1s, retain: 3}}
parallelism: {parallelism}
seed: {seed}
"""


class Soak:
    def __init__(self, cluster, options):
        self.cluster, self.options = cluster, options
        self.draw = random.Random(options.seed)
        self.deeds = ["kill"] * options.kills + ["pause"] * options.pauses
        self.draw.shuffle(self.deeds)
        self.job = None  # its file
        self.done = {"kill": 0, "pause": 0, "duel": 0}
        self.cut, self.kills_since, self.longest_drought = 0, 0, 0
        self.refused = 0

    def submit(self, broker, data):
        # So slow that all deeds fit into the stream.
        away = {"kill": sum(AWAY_SECONDS) / 2, "pause": sum(PAUSE_SECONDS) / 2}
        seconds = SPARE * sum(sum(BETWEEN_SECONDS) / 2 + away[deed] + LOOK_SECONDS for deed in self.deeds)
        seconds += self.options.duels * DUEL_SECONDS
        job = self.cluster.folder / "job.yaml"
        job.write_text(JOB.format(rate=max(1_000, int(self.options.records / seconds)), brokers=broker.address,
                                  columns=", ".join(columns(data)), parallelism=self.draw.choice((2, 3, 4)),
                                  seed=self.options.seed))
        self.job = job
        self.cluster.done("submit", job)
        self.cluster.wait_for_records("cluster-soak", 1)

    def victim(self):
        workers = list(self.cluster.workers.values())
        return self.cluster.coordinator if self.draw.random() < 0.2 else self.draw.choice(workers)

    def look(self):
        """Whether the job still runs; notes the newest checkpoint."""
        outcome = self.cluster.look("cluster-soak")
        if outcome.code != 0:
            return True
        cut = outcome.summary["checkpoints"]["last_id"]
        if cut > self.cut:
            self.cut, self.kills_since = cut, 0
        return outcome.summary["state"] not in ("finished", "failed")

    def disturb(self):
        """Until the deeds are done or the job is."""
        for deed in self.deeds:
            time.sleep(self.draw.uniform(*BETWEEN_SECONDS))
            if not self.look():
                return
            victim = self.victim()
            if deed == "kill":
                self.kills_since += 1
                self.longest_drought = max(self.longest_drought, self.kills_since - 1)
                victim.kill()
                time.sleep(self.draw.uniform(*AWAY_SECONDS))
                victim.start()
            else:
                victim.pause()
                time.sleep(self.draw.uniform(*PAUSE_SECONDS))
                before = stale_rejected(self.cluster)
                victim.resume()
                time.sleep(LOOK_SECONDS)
                after = stale_rejected(self.cluster)
                self.refused += int(sum(max(0, count - before.get(name, 0)) for name, count in after.items()))
            self.done[deed] += 1
            print(f"cluster_soak: {deed} {self.done[deed]}: {victim.name}", flush=True)

    def duel(self):
        """Two coordinators want the job; whoever came last has it, until the first one is told to go on."""
        for number in range(self.options.duels):
            if not self.look():
                return
            duel = Duel(self.cluster, "cluster-soak", is_paused=number % 2 == 0)
            duel.fight()
            self.done["duel"] += 1
            self.refused += 1  # the first one's next commit
            print(f"cluster_soak: duel {self.done['duel']}: {duel.outcome}", flush=True)

    def judge(self):
        """The rest of the stream as fast as it goes: what was away learned nothing meanwhile."""
        if self.look():
            self.cluster.done("submit", self.job, "--update", "--set", f"source.max_records_per_second={FAST}")
        status = self.cluster.wait_for_state("cluster-soak", "finished", seconds=FINISH_SECONDS_MAX)
        require_exact(status, self.options.records)
        print(f"cluster_soak: {self.done['kill']} kills, {self.done['pause']} pauses, {self.done['duel']} duels, "
              f"{status['records']} records, newest cut {status['checkpoints']['last_id']}, at most "
              f"{self.longest_drought} kills without a checkpoint, {self.refused} writes and messages of those that came back refused, "
              f"accuracy {status['metrics']['prequential']['accuracy']:.4f}")
        if sum(self.done.values()) < len(self.deeds) + self.options.duels:
            raise Failed(f"the job was done before all of {len(self.deeds)} kills and pauses and {self.options.duels} "
                         "duels: more --records")
        if self.longest_drought >= KILLS_WITHOUT_CUT_MAX:
            raise Failed(f"{self.longest_drought} kills without a checkpoint")
        if self.options.duels > 0 and self.refused == 0:
            raise Failed("nothing of those that came back was refused")


def run(options, folder):
    data = covertype(folder)
    if data is None:
        raise Missing("the covertype stream is not there: deploy/fetch-data")
    with Cluster(folder, workers=WORKERS) as cluster:
        broker = KafkaBroker(folder, cluster.network.host("broker")).start()
        load_topic(broker, "rows", data, PARTITIONS, options.records)
        cluster.start()
        soak = Soak(cluster, options)
        soak.submit(broker, data)
        soak.disturb()
        soak.duel()
        soak.judge()


def main():
    flags = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    flags.add_argument("program", type=pathlib.Path)
    flags.add_argument("--kills", type=int, default=40)
    flags.add_argument("--pauses", type=int, default=20)
    flags.add_argument("--duels", type=int, default=10)
    flags.add_argument("--seed", type=int, default=1)
    flags.add_argument("--records", type=int, default=2_000_000)
    options = flags.parse_args()
    os.environ["MILLRACE_BIN"] = str(options.program)
    try:
        check_available()
        if missing_programs():
            raise Missing(f"{', '.join(missing_programs())} are not built")
        with tempfile.TemporaryDirectory(prefix="millrace-soak-") as folder:
            began = time.monotonic()
            run(options, folder)
            print(f"cluster_soak: {time.monotonic() - began:.0f} s")
    except (Unavailable, Missing) as reason:
        print(f"cluster_soak: skipped: {reason}")
        return 1 if os.environ.get("CI") == "true" else 0
    except Failed as failed:
        print(f"cluster_soak: {failed}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
