"""Vowpal Wabbit with progressive validation on its own text format. One JSON object per setting on stdout.

    vowpal_wabbit.py --stream electricity -- "-l 5 --power_t 0" "--nn 10 -l 2"
    vowpal_wabbit.py --stream covtype-shuffled --positive 2 -- "" "--nn 10"
"""
import argparse
import importlib.metadata
import json
import pathlib
import subprocess
import sys
import tempfile
import time

import numpy

import scores
import streams


def text_of(features, labels, stream, positive, cache):
    """The stream in VW's own format, written once."""
    path = pathlib.Path(cache or streams.cache_folder()) / f"{stream}{f'-{positive}' if positive else ''}.vw"
    classes = int(labels.max()) + 1
    if path.exists():
        return path, classes
    partial = path.with_suffix(".partial")
    with open(partial, "w", encoding="ascii") as out:
        for row, label in zip(features, labels):
            name = label + 1 if classes > 2 else (1 if label == 1 else -1)
            values = "".join(f" {i}:{v:.7g}" for i, v in enumerate(row) if v != 0)
            out.write(f"{name} |{values}\n")
    partial.rename(path)
    return path, classes


def run(text, classes, setting, folder):
    """Predictions made before each record was learned, and the seconds of a whole process that writes none."""
    predictions = folder / "predictions.txt"
    kind = ["--oaa", str(classes), "--probabilities"] if classes > 2 else ["--link", "logistic"]
    command = [sys.executable, "-m", "vowpalwabbit", "--loss_function", "logistic", *kind, "-d", str(text),
               "--quiet", *setting.split()]
    begin = time.perf_counter()
    subprocess.run(command, check=True)
    seconds = time.perf_counter() - begin
    subprocess.run([*command, "-p", str(predictions)], check=True)
    if classes == 2:
        return numpy.loadtxt(predictions), seconds
    rows = [[float(part.split(":")[1]) for part in line.split()] for line in open(predictions, encoding="ascii")]
    return numpy.array(rows), seconds


def main():
    flags = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    flags.add_argument("--stream", default="electricity", help="as in streams.py")
    flags.add_argument("--positive", type=int, help="this class against the rest")
    flags.add_argument("--cache", help="folder of the streams")
    flags.add_argument("settings", nargs="*", default=[""], help="VW flags, one string per run")
    options = flags.parse_args()
    features, labels = streams.load(options.stream, options.cache, options.positive)
    version = importlib.metadata.version("vowpalwabbit")
    text, classes = text_of(features, labels, options.stream, options.positive, options.cache)
    with tempfile.TemporaryDirectory() as name:
        for setting in options.settings:
            probabilities, seconds = run(text, classes, setting, pathlib.Path(name))
            print(json.dumps({
                "peer": f"vowpalwabbit {version}", "stream": options.stream, "positive": options.positive,
                "setting": setting, **scores.scores(probabilities, labels),
                "process_seconds": round(seconds, 3), "rows_per_second": round(len(labels) / seconds),
            }), flush=True)


if __name__ == "__main__":
    main()
