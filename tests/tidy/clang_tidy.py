#!/usr/bin/env python3
"""clang-tidy on the sources that changed, within a time limit.

    tests/tidy/clang_tidy.py --build build/release [--all] [--seconds 240] [--jobs 2]

Changed means: differs from where this branch left origin/main, or from the last commit's parent when there is
no such place. A changed header stands for the source beside it. Without a compile database, or when nothing
changed, it says so and exits 0; what the time limit left out is listed.
"""
import argparse
import concurrent.futures
import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
# g++ options that clang does not know.
FOREIGN = {"-Winvalid-pch", "-fstack-clash-protection", "-fno-canonical-system-headers"}


def git(*words):
    done = subprocess.run(["git", "-C", str(ROOT), *words], capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else ""


def changed_paths():
    head = git("rev-parse", "HEAD")
    base = git("merge-base", "HEAD", "origin/main")
    if not base or base == head:
        base = git("rev-parse", "--verify", "-q", "HEAD~1")
    names = git("diff", "--name-only", base) if base else git("ls-files")
    return set((names + "\n" + git("ls-files", "-o", "--exclude-standard")).split()), base


def database(build, into):
    """The build's commands without what clang refuses, by source path."""
    entries = json.loads((build / "compile_commands.json").read_text())
    into.mkdir(parents=True, exist_ok=True)
    for entry in entries:
        words = [word for word in entry["command"].split() if word not in FOREIGN]
        for at, word in enumerate(words):
            if word.endswith("/cmake_pch.hxx"):  # a copy without g++'s .gch beside it, which clang would take
                copy = into / (hashlib.sha256(word.encode()).hexdigest()[:12] + ".hxx")
                copy.write_bytes(pathlib.Path(word).read_bytes())
                words[at] = str(copy)
        entry["command"] = " ".join(word for word in words if not word.endswith("/ccache"))
    (into / "compile_commands.json").write_text(json.dumps(entries))
    return {os.path.relpath(entry["file"], ROOT) for entry in entries}


def sources_to_check(changed, known):
    wanted = set()
    for path in changed:
        stem, suffix = os.path.splitext(path)
        if suffix in (".cpp", ".hpp") and stem + ".cpp" in known:
            wanted.add(stem + ".cpp")
    # What ships comes first: time may run out.
    return sorted(wanted, key=lambda path: (path.startswith("tests/"), path))


def check(source, folder, deadline):
    left = deadline - time.monotonic()
    if left <= 1:
        return source, None, ""
    command = ["clang-tidy", "--quiet", "-p", str(folder), str(ROOT / source)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=left, check=False)
    except subprocess.TimeoutExpired:
        return source, None, ""
    return source, done.returncode, done.stdout + ("" if done.returncode == 0 else done.stderr)


def main():
    flags = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    flags.add_argument("--build", type=pathlib.Path, required=True)
    flags.add_argument("--all", action="store_true", help="every source, changed or not")
    flags.add_argument("--seconds", type=float, default=240)
    flags.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    flags.add_argument("sources", nargs="*", help="only these")
    options = flags.parse_args()
    build = (ROOT / options.build).resolve()
    if not (build / "compile_commands.json").exists():
        print(f"clang-tidy: skipped: {build} has no compile_commands.json")
        return 0
    if shutil.which("clang-tidy") is None:
        print("clang-tidy: skipped: it is not installed (deploy/install-deps)")
        return 0
    folder = build / "tidy"
    known = database(build, folder)
    changed, base = (known, "") if options.all else changed_paths()
    sources = options.sources or sources_to_check(changed, known)
    if not sources:
        print(f"clang-tidy: skipped: no source changed since {base[:12] or 'the beginning'}")
        return 0
    print(f"clang-tidy: {len(sources)} sources changed since {base[:12] or 'the beginning'}", flush=True)
    deadline = time.monotonic() + options.seconds
    failed, late = 0, []
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        for source, code, output in pool.map(lambda s: check(s, folder, deadline), sources):
            if code is None:
                late.append(source)
            elif code != 0:
                failed += 1
                print(output, flush=True)
    if late:
        print(f"clang-tidy: out of time after {options.seconds:.0f} s, not checked: {' '.join(late)}")
    print(f"clang-tidy: {len(sources) - len(late)} sources checked, {failed} with findings")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
