#!/usr/bin/env python3
"""Kills and pauses the processes of a cluster at random while a job learns from Kafka: every record must count once.

    tests/system/cluster_soak.py build/release/bin/millrace [--kills 40] [--pauses 20] [--seed 1] [--records 2000000]

Three workers and a coordinator on hosts of their own, with keys. Four of five victims are workers, which also own the
shards, one is the coordinator; the dead come back after up to three seconds, the paused after up to ten. Moments and
victims are drawn from the seed; the machine's timing is not. Exits 1 when a record is lost or counted twice, when fewer
than two checkpoints were completed for ten kills, or when not all kills fitted in.
"""
import argparse
import os
import pathlib
import random
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from cluster.millrace_cluster import Cluster, missing_programs, require_exact  # noqa: E402
from cluster.network import Unavailable, check_available  # noqa: E402
from cluster.processes import Failed  # noqa: E402
from cluster.streams import columns, covertype, load_topic  # noqa: E402
from kafka_broker import KafkaBroker, Missing  # noqa: E402

PARTITIONS, WORKERS = 6, 3
BETWEEN_SECONDS = (2.0, 8.0)
AWAY_SECONDS_MAX, PAUSE_SECONDS_MAX = 3.0, 10.0
LOOK_SECONDS, SPARE = 0.5, 1.15  # of a status in between; for draws longer than the mean
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
        self.done = {"kill": 0, "pause": 0}
        self.cuts = 0

    def submit(self, broker, data):
        # So slow that all deeds fit into the stream.
        seconds = SPARE * sum(sum(BETWEEN_SECONDS) / 2 + {"kill": AWAY_SECONDS_MAX, "pause": PAUSE_SECONDS_MAX}[deed] / 2
                              + LOOK_SECONDS for deed in self.deeds)
        job = self.cluster.folder / "job.yaml"
        job.write_text(JOB.format(rate=max(1_000, int(self.options.records / seconds)), brokers=broker.address,
                                  columns=", ".join(columns(data)), parallelism=self.draw.choice((2, 3, 4)),
                                  seed=self.options.seed))
        self.cluster.done("submit", job)
        self.cluster.wait_for_records("cluster-soak", 1)

    def victim(self):
        workers = list(self.cluster.workers.values())
        return self.cluster.coordinator if self.draw.random() < 0.2 else self.draw.choice(workers)

    def disturb(self):
        """Until the deeds are done or the job is."""
        for deed in self.deeds:
            time.sleep(self.draw.uniform(*BETWEEN_SECONDS))
            outcome = self.cluster.look("cluster-soak")
            if outcome.code == 0:
                self.cuts = max(self.cuts, outcome.summary["checkpoints"]["last_id"])
                if outcome.summary["state"] in ("finished", "failed"):
                    return
            victim = self.victim()
            if deed == "kill":
                victim.kill()
                time.sleep(self.draw.uniform(0, AWAY_SECONDS_MAX))
                victim.start()
            else:
                victim.pause()
                time.sleep(self.draw.uniform(1, PAUSE_SECONDS_MAX))
                victim.resume()
            self.done[deed] += 1
            print(f"cluster_soak: {deed} {self.done[deed]}: {victim.name}", flush=True)

    def judge(self):
        status = self.cluster.wait_for_state("cluster-soak", "finished", seconds=FINISH_SECONDS_MAX)
        require_exact(status, self.options.records)
        cuts = max(self.cuts, status["checkpoints"]["last_id"])
        print(f"cluster_soak: {self.done['kill']} kills, {self.done['pause']} pauses, {status['records']} records, "
              f"newest cut {cuts}, accuracy {status['metrics']['prequential']['accuracy']:.4f}")
        if self.done["kill"] + self.done["pause"] < len(self.deeds):
            raise Failed(f"the job was done before all of {len(self.deeds)} kills and pauses: more --records")
        if cuts < self.done["kill"] // 5:
            raise Failed(f"{cuts} checkpoints for {self.done['kill']} kills")


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
        soak.judge()


def main():
    flags = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    flags.add_argument("program", type=pathlib.Path)
    flags.add_argument("--kills", type=int, default=40)
    flags.add_argument("--pauses", type=int, default=20)
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
