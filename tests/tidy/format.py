#!/usr/bin/env python3
"""Every C++ file is laid out as clang-format lays it out.

    tests/tidy/format.py          says which files are not
    tests/tidy/format.py --fix    lays them out
"""
import pathlib
import shutil
import subprocess
import sys

import tree


def main(arguments):
    root = pathlib.Path(__file__).resolve().parents[2]
    program = shutil.which("clang-format")
    if program is None:
        print("format: clang-format is not installed: run deploy/install-deps")
        return 1
    files = [str(root / file.path) for file in tree.read(root).code]
    mode = ["-i"] if arguments == ["--fix"] else ["--dry-run", "-Werror"]
    done = subprocess.run([program, *mode, *files], cwd=root, capture_output=True, text=True, check=False)
    wrong = sorted({line.split(":")[0] for line in done.stderr.splitlines() if "[-Wclang-format-violations]" in line})
    for path in wrong:
        print(f"{pathlib.Path(path).relative_to(root)}: not as clang-format lays it out")
    print(f"format: {len(files)} files, {len(wrong)} to lay out" + (": run tests/tidy/format.py --fix" if wrong else ""))
    return 1 if wrong or done.returncode else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
