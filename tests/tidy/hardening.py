#!/usr/bin/env python3
"""Asserts with readelf that programs were built and linked defensively.

    tests/tidy/hardening.py PROGRAM...
"""
import re
import subprocess
import sys


def readelf(flag, path):
    return subprocess.run(["readelf", "-W", flag, path], capture_output=True, text=True, check=True).stdout


def missing(path):
    """What a program lacks, in words."""
    header, segments, dynamic = readelf("-h", path), readelf("-l", path), readelf("-d", path)
    symbols = readelf("--dyn-syms", path)
    stack = re.search(r"GNU_STACK.*", segments)
    checks = {
        "position independent (PIE)": "DYN" in header and re.search(r"FLAGS_1.*\bPIE\b", dynamic),
        "relocations read-only (RELRO)": "GNU_RELRO" in segments,
        "bound at start (full RELRO)": re.search(r"\(FLAGS(_1)?\).*\bNOW\b|BIND_NOW", dynamic),
        "no executable stack (NX)": stack and "RWE" not in stack.group(0),
        "stack protector": "__stack_chk_fail" in symbols,
        "checked C library calls (FORTIFY)": re.search(r"\b__(?!stack_)\w+_chk\b", symbols),
        "no RPATH or RUNPATH": not re.search(r"\((RPATH|RUNPATH)\)", dynamic),
        "no text relocations": "TEXTREL" not in dynamic,
    }
    return [name for name, holds in checks.items() if not holds]


def main(paths):
    failed = False
    for path in paths:
        lacks = missing(path)
        failed = failed or bool(lacks)
        print(f"hardening: {path}: {'lacks ' + ', '.join(lacks) if lacks else 'all 8 hold'}")
    return 1 if failed or not paths else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
