"""The streams that peers and Millrace read: the same rows in the same order, as files in one cache folder.

`csv_path(name, folder)` gives a plain CSV: `electricity` (6 features, from deploy/fetch-data), `covtype`,
`elec2` (8 features), and `NAME-shuffled`, the same rows in the order of a seeded permutation.
"""
import os
import pathlib
import subprocess

import numpy
import pandas

SHUFFLE_SEED = 7
LABELS = {"electricity": None, "elec2": "class", "covtype": None}  # None: the last column

ROOT = pathlib.Path(__file__).resolve().parents[3]


def cache_folder():
    base = os.environ.get("XDG_CACHE_HOME", os.path.expanduser("~/.cache"))
    return pathlib.Path(base) / "millrace" / "bench"


def _original(name, folder):
    """The file in its own order: as downloaded, as already cached, or unpacked from the packed ones."""
    file = {"electricity": "elec", "covtype": "covtype", "elec2": "elec2"}[name]
    cached = folder / f"{file}.csv"
    if cached.exists():
        return cached
    downloaded = ROOT / "data" / f"{file}.csv"
    if downloaded.exists():
        return downloaded
    packed = ROOT.parent / "shared" / "data" / f"{file}.csv.zst"
    if not packed.exists():
        raise SystemExit(f"streams: no {file}.csv: run deploy/fetch-data, or put the file into {folder}")
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(["zstd", "-dqf", str(packed), "-o", str(cached)], check=True)
    return cached


def csv_path(name, folder=None):
    folder = pathlib.Path(folder) if folder else cache_folder()
    if not name.endswith("-shuffled"):
        return _original(name, folder)
    source = _original(name.removesuffix("-shuffled"), folder)
    target = folder / f"{name}.csv"
    if not target.exists():
        folder.mkdir(parents=True, exist_ok=True)
        header, *lines = source.read_bytes().splitlines(keepends=True)
        if not lines[-1].endswith(b"\n"):
            lines[-1] += b"\n"
        order = numpy.random.default_rng(SHUFFLE_SEED).permutation(len(lines))
        partial = target.with_suffix(".partial")
        with open(partial, "wb") as out:
            out.write(header)
            out.writelines(lines[i] for i in order)
        partial.rename(target)
    return target


def load(name, folder=None, positive=None):
    """Features [rows, columns] float64 and labels [rows] int64 from 0; `positive`: this class against the rest."""
    frame = pandas.read_csv(csv_path(name, folder))
    label = LABELS[name.removesuffix("-shuffled")] or frame.columns[-1]
    raw = frame.pop(label).to_numpy()
    if positive is not None:
        labels = (raw == positive).astype(numpy.int64)
    else:
        labels = numpy.unique(raw, return_inverse=True)[1].astype(numpy.int64)
    return frame.to_numpy(dtype=numpy.float64), labels


def standardise_online(features, block=50_000):
    """Each row by the mean and variance of the rows up to and including it (learn, then transform), as float32."""
    pivot = features[:10_000].mean(axis=0)
    sums = numpy.zeros(features.shape[1])
    squares = numpy.zeros(features.shape[1])
    result = numpy.empty(features.shape, dtype=numpy.float32)
    for begin in range(0, len(features), block):
        shifted = features[begin:begin + block] - pivot
        count = numpy.arange(begin + 1, begin + len(shifted) + 1)[:, None]
        running = sums + numpy.cumsum(shifted, axis=0)
        running_squares = squares + numpy.cumsum(shifted * shifted, axis=0)
        mean = running / count
        variance = numpy.maximum(running_squares / count - mean * mean, 0.0)
        scale = numpy.where(variance > 1e-12, 1.0 / numpy.sqrt(numpy.maximum(variance, 1e-12)), 0.0)
        result[begin:begin + block] = (shifted - mean) * scale
        sums, squares = running[-1], running_squares[-1]
    return result
