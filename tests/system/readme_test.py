#!/usr/bin/env python3
"""Runs what README.md and docs/ show: every `sh run` block, in order, in one shell per document.

    tests/system/readme_test.py build/release/bin/millrace

The shell starts in a copy-free scratch folder that shows the project's files as links, so that a command reads
as it does in a clone; `millrace` is on the PATH and its state goes to the scratch folder. A document that
names data that is not there (deploy/fetch-data) is left out with a message; under CI=true that is an error.
"""
import os
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "tidy"))
import documents  # noqa: E402  the parser of the blocks is the one that tidy uses


def scratch_copy(folder):
    for entry in ROOT.iterdir():
        if entry.name not in {".git", ".cache"}:
            (folder / entry.name).symlink_to(entry)


def run_document(path, program):
    """The number of blocks that ran; raises when a command fails."""
    blocks = [(line, lines) for line, kind, lines in documents.blocks(path.read_text()) if kind == "sh run"]
    if not blocks:
        return 0
    script = ["set -euo pipefail"]
    for line, lines in blocks:
        script += [f"echo '--- {path.relative_to(ROOT)}:{line}' >&2", *lines]
    text = "\n".join(script)
    if "data/" in text and not (ROOT / "data").is_dir():
        why = f"readme: {path.relative_to(ROOT)} reads data/, which deploy/fetch-data has not filled yet"
        if os.environ.get("CI") == "true":
            raise SystemExit(why)
        print(f"{why}: left out")
        return 0
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        scratch_copy(folder)
        environment = {**os.environ, "PATH": f"{program.parent}:{os.environ['PATH']}", "HOME": name,
                       "XDG_STATE_HOME": f"{name}/state", "XDG_CONFIG_HOME": f"{name}/config"}
        done = subprocess.run(["bash", "-c", text], cwd=folder, env=environment, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=500, check=False)
    if done.returncode != 0:
        print(done.stdout[-3000:], done.stderr[-3000:], sep="\n")
        raise SystemExit(f"readme: a command of {path.relative_to(ROOT)} failed with exit code {done.returncode}")
    return len(blocks)


def main(arguments):
    program = pathlib.Path(arguments[0]).resolve()
    ran = 0
    for path in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]:
        ran += run_document(path, program)
    print(f"readme: {ran} blocks of commands ran" if ran else "readme: skipped: no document has a block to run")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
