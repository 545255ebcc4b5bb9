#!/usr/bin/env python3
"""Measures the figures of docs/figures.json again and compares them.

    tests/system/figures_test.py build/release/bin/millrace [NAME...] [--print]

An entry is {"value": 0.9012, "tolerance": 0.0005, "run": ["examples/electricity.yaml", "--workers", "1"],
"key": "metrics.prequential.accuracy"}; entries with the same `run` share one run. An entry without `run` was
measured by hand; `how` says how and `date` when, and it is not compared.
"""
import json
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]


def measure(program, words):
    """The summary of one fresh run."""
    with tempfile.TemporaryDirectory() as state:
        command = [str(program), "run", *words, "--fresh", "--state", state, "--output", "json"]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600, check=False)
    if done.returncode != 0:
        raise SystemExit(f"figures: {' '.join(command)} ended with {done.returncode}:\n{done.stderr[-2000:]}")
    return json.loads(done.stdout.strip().splitlines()[-1])


def look_up(summary, key):
    for word in key.split("."):
        summary = summary[word]
    return summary


def main(arguments):
    program = pathlib.Path(arguments[0]).resolve()
    show = "--print" in arguments
    names = [word for word in arguments[1:] if word != "--print"]
    path = ROOT / "docs" / "figures.json"
    figures = json.loads(path.read_text()) if path.exists() else {}
    runs = {}
    for name, figure in figures.items():
        if "run" in figure and (not names or name in names):
            runs.setdefault(tuple(figure["run"]), []).append(name)
    if not runs:
        print("figures: skipped: docs/figures.json names no run")
        return 0
    if not (ROOT / "data").is_dir():
        subprocess.run([ROOT / "deploy" / "fetch-data"], cwd=ROOT, check=True)
    wrong = 0
    for words, group in runs.items():
        summary = measure(program, words)
        for name in group:
            figure, now = figures[name], look_up(summary, figures[name]["key"])
            holds = abs(now - figure["value"]) <= figure.get("tolerance", 0)
            wrong += not holds
            if show or not holds:
                print(f"figures: {name}: {figure['value']} in docs/figures.json, {now} now")
    print(f"figures: {sum(map(len, runs.values()))} compared, {wrong} differ")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
