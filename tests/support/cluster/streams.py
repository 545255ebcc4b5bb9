"""Streams for clusters: the covertype records, as a file and as a topic."""
import os
import pathlib
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[3]
COVERTYPE_RECORDS = 581_012
COMPRESSED = ROOT.parent / "shared/data/covtype.csv.zst"
LOAD_SECONDS_MAX = 300
ROWS_A_TURN = 20_000  # of one topic's partition by turns: what waits in a pipe stays small


def covertype(folder):
    """The file of all records, unpacked into `folder` where need be; nothing when it is not there."""
    fetched, unpacked = ROOT / "data/covtype.csv", pathlib.Path(folder) / "covtype.csv"
    if fetched.is_file():
        return fetched
    if not COMPRESSED.is_file():
        return None
    if not unpacked.is_file():
        part = unpacked.with_suffix(f".{os.getpid()}")
        subprocess.run(["zstd", "-d", "-q", "-f", COMPRESSED, "-o", part], timeout=LOAD_SECONDS_MAX, check=True)
        part.rename(unpacked)
    return unpacked


def columns(path):
    with open(path, encoding="utf-8") as file:
        return file.readline().rstrip("\n").split(",")


def keyed_rows(path, records):
    """`number|row` of so many rows; the file is read again from its first row where it has fewer."""
    number = 0
    while number < records:
        with open(path, "rb") as file:
            file.readline()
            for row in file:
                yield number, b"%d|%s" % (number, row)
                number += 1
                if number == records:
                    return


def load_topic(broker, topic, path, partitions, records=COVERTYPE_RECORDS):
    """Makes a topic; record n has the key n and is record n / partitions of partition n % partitions."""
    broker.create_topic(topic, partitions)
    loaders = [subprocess.Popen(broker.on_host("kcat", "-P", "-b", broker.address, "-t", topic, "-p", number, "-K|",
                                               "-X", "queue.buffering.max.messages=200000", "-X", "acks=1"),
                                stdin=subprocess.PIPE, stderr=subprocess.PIPE) for number in range(partitions)]
    try:
        waiting = [[] for _ in loaders]
        for number, line in keyed_rows(path, records):
            rows = waiting[number % partitions]
            rows.append(line)
            if len(rows) == ROWS_A_TURN:
                loaders[number % partitions].stdin.write(b"".join(rows))
                rows.clear()
        for loader, rows in zip(loaders, waiting):
            loader.stdin.write(b"".join(rows))
            loader.stdin.close()
        for loader in loaders:
            if loader.wait(timeout=LOAD_SECONDS_MAX) != 0:
                raise RuntimeError("kcat failed: " + loader.stderr.read().decode()[-1000:])
    finally:
        for loader in loaders:
            loader.kill()
            loader.wait()
            loader.stderr.close()
    ends = broker.ends(topic, partitions)
    if sum(ends.values()) != records:
        raise RuntimeError(f"{topic} holds {ends}, and {records} records were sent")
    return ends
