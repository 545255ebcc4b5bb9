#!/usr/bin/env python3
"""Builds the unit and contract tests and the simulator with ASan and UBSan, and runs them.

    tests/tidy/sanitized.py [--build-only]

Only the programs those tests need are compiled (a test's name is its target's).
"""
import json
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / "build" / "asan"
LABELS = "^(unit|contract)$"
SIMULATOR = "millrace_sim"
SEEDS = 1000  # others than those of the release build
ENVIRONMENT = {
    "ASAN_OPTIONS": "detect_leaks=1:abort_on_error=1:strict_string_checks=1:detect_stack_use_after_return=1",
    "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1",
}


def run(*command, **options):
    print("sanitized:", " ".join(map(str, command)), flush=True)
    return subprocess.run([str(word) for word in command], cwd=ROOT, check=True, **options)


def main(arguments):
    run("cmake", "--preset", "asan", stdout=subprocess.DEVNULL)
    listed = run("ctest", "--test-dir", BUILD, "-N", "-L", LABELS, "--show-only=json-v1", capture_output=True)
    run("cmake", "--build", BUILD, "--target", SIMULATOR, *(test["name"] for test in json.loads(listed.stdout)["tests"]))
    if "--build-only" in arguments:
        return 0
    environment = {**os.environ, **ENVIRONMENT}
    run("ctest", "--test-dir", BUILD, "-L", LABELS, "--output-on-failure", "-j", os.cpu_count() or 1, env=environment)
    run(BUILD / "bin" / SIMULATOR, "--from=1000001", f"--seeds={SEEDS}", env=environment)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except subprocess.CalledProcessError as error:
        print(f"sanitized: failed: {error}")
        sys.exit(1)
