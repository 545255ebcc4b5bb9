#!/usr/bin/env python3
"""Style as a test: include arrows, banned calls, sizes, names, text and documentation.

    tests/tidy/tidy.py            checks the project this file belongs to
    tests/tidy/tidy.py FOLDER     checks another tree

Prints one line per finding and exits 1 when one is an error.
"""
import functools
import pathlib
import sys

import arrows
import documents
import metrics
import style
import tree

RULES = [arrows, style, documents, metrics]


def findings(files):
    blank = functools.lru_cache(maxsize=None)(lambda file: tree.without_comments_and_strings(file.text))
    found = [finding for rule in RULES for finding in rule.check(files, blank)]
    return sorted(found, key=lambda f: (f.is_warning, f.path, f.line))


def main(arguments):
    root = pathlib.Path(arguments[0]) if arguments else pathlib.Path(__file__).resolve().parents[2]
    files = tree.read(root)
    found = findings(files)
    for finding in found:
        print(finding)
    errors = sum(not finding.is_warning for finding in found)
    print(f"tidy: {len(files.files)} files, {errors} errors, {len(found) - errors} warnings")
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
