#!/usr/bin/env python3
"""Kills `millrace run` at random moments until the job is done: every record must count once.

    tests/system/kill_soak.py build/release/bin/millrace [--kills 50] [--seed 1] [--records 2000000] [--damage]

`--damage` cuts the manifest of the newest complete checkpoint in half before the last run: the one before it must be
used, and said so.

The stream is the built-in generator, so nothing is downloaded. Moments are drawn from the seed; the machine's
timing is not, so a failure says what was found rather than when. Exits 1 when a record is lost or counted twice.
"""
import argparse
import json
import pathlib
import random
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from program import halve_newest_manifest  # noqa: E402

JOB = """version: 1
name: kill-soak
source: {{kind: generator, generator: {{name: sea, records: {records}}}, max_records_per_second: {rate}}}
schema: {{label: label}}
model: {{kind: logistic}}
checkpoint: {{interval: 200ms, retain: 3}}
parallelism: {parallelism}
seed: {seed}
"""


def run_killed(command, seconds):
    """True when the process was still running after so many seconds and was killed."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        process.wait(timeout=seconds)
        if process.returncode != 0:
            raise SystemExit(f"kill_soak: the job ended by itself with {process.returncode}")
        return False
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return True


def damage_newest(checkpoints):
    """The name of the manifest that was cut in half."""
    if sum(1 for _ in (checkpoints / "manifests").glob("*")) < 2:
        raise SystemExit("kill_soak: fewer than two checkpoints to choose from: more --kills or --records")
    return halve_newest_manifest(checkpoints)


def main():
    flags = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    flags.add_argument("program", type=pathlib.Path)
    flags.add_argument("--kills", type=int, default=50)
    flags.add_argument("--seed", type=int, default=1)
    flags.add_argument("--records", type=int, default=2_000_000)
    flags.add_argument("--damage", action="store_true")
    options = flags.parse_args()
    draw = random.Random(options.seed)
    parallelism = draw.choice([1, 2, 3])
    # Slow enough that the kills fit into the run: each life is about a second.
    rate = max(20_000, options.records // options.kills)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        job = folder / "job.yaml"
        job.write_text(JOB.format(records=options.records, rate=rate, parallelism=parallelism, seed=options.seed))
        command = [str(options.program.resolve()), "run", str(job), "--state", str(folder / "state"), "--output", "json"]
        began, kills = time.monotonic(), 0
        while kills < options.kills and run_killed(command, draw.uniform(0.2, 1.8)):
            kills += 1
        damaged = damage_newest(folder / "state/kill-soak/checkpoints") if options.damage else ""
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise SystemExit(f"kill_soak: the last run ended with {done.returncode}:\n{done.stderr[-2000:]}")
        if damaged not in done.stderr + done.stdout:
            raise SystemExit(f"kill_soak: {damaged} was damaged and nobody said so:\n{done.stderr[-2000:]}")
        summary = json.loads(done.stdout.strip().splitlines()[-1])
    counted = sum(map(sum, summary["metrics"]["prequential"]["confusion_matrix"]))
    print(f"kill_soak: {kills} kills, parallelism {parallelism}, {summary['records']} records, "
          f"{counted} in the confusion matrix, {time.monotonic() - began:.0f} s")
    holds = summary["records"] == counted == options.records and summary["read"] == options.records
    if not holds:
        print(f"kill_soak: wanted {options.records} of each")
    return 0 if holds else 1


if __name__ == "__main__":
    sys.exit(main())
