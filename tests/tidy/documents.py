"""Documentation that cannot drift: links, commands and figures.

Links: every relative link names a file or folder, and an anchor names a heading.
Commands: a fenced `sh` block says what the tests do with it. `sh run` blocks are executed in order, in one
shell, by tests/system/readme_test.py; `sh show` blocks are too long for that, so only their files are looked up.
Figures: a measured number is written `0.901<!-- figure: electricity.accuracy -->` and must equal the value of
that name in docs/figures.json, which tests/system/figures_test.py measures again.
Licences: docs/licences.md names every package that is installed.
"""
import json
import posixpath
import re

from tree import Finding

LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^\s*```\s*(.*)$")
HEADING = re.compile(r"^#+\s+(.*)$")
FIGURE = re.compile(r"(\S*?)<!-- figure: ([\w.-]+) -->")
OF_THE_PROJECT = re.compile(r"^(?:bash\s+|sudo\s+)?((?:\./)?(?:deploy|tests|examples|docs|\.ci|helm)/[\w./*-]+)")
FIGURES_FILE = "docs/figures.json"


def slug(heading):
    kept = re.sub(r"[^\w\- ]", "", heading.replace("`", "").strip().lower())
    return kept.replace(" ", "-")


def blocks(text):
    """(line of the fence, info string, lines) of every fenced block."""
    opened = None
    for number, line in enumerate(text.split("\n"), 1):
        fence = FENCE.match(line)
        if fence and opened is None:
            opened = (number, fence.group(1).strip(), [])
        elif fence:
            yield opened
            opened = None
        elif opened is not None:
            opened[2].append(line)


def _prose(text):
    """The text with fenced blocks blanked."""
    inside, kept = False, []
    for line in text.split("\n"):
        if FENCE.match(line):
            inside = not inside
            kept.append("")
        else:
            kept.append("" if inside else line)
    return kept


def _anchors(text):
    return {slug(match.group(1)) for line in _prose(text) if (match := HEADING.match(line))}


def _links(file, tree, texts):
    for number, line in enumerate(_prose(file.text), 1):
        for target in LINK.findall(line):
            if re.match(r"[a-z]+:", target):
                continue
            path, _, anchor = target.partition("#")
            full = posixpath.normpath(posixpath.join("/".join(file.folders), path)) if path else file.path
            full = "" if full == "." else full
            if full not in tree.paths:
                yield Finding(file.path, number, "docs", f"the link {target} leads nowhere")
            elif anchor and full in texts and anchor not in _anchors(texts[full]):
                yield Finding(file.path, number, "docs", f"{full} has no heading #{anchor}")


def _commands(file, tree):
    for number, kind, lines in blocks(file.text):
        words = kind.split()
        if not words:
            yield Finding(file.path, number, "docs", "say what the block is: `sh run`, `sh show`, `text`, `yaml`, ...")
            continue
        if words[0] not in ("sh", "bash", "console", "shell"):
            continue
        if kind not in ("sh run", "sh show"):
            yield Finding(file.path, number, "docs", f"`{kind}`: commands are `sh run` (a test runs them) or `sh show`")
        for offset, line in enumerate(lines, 1):
            named = OF_THE_PROJECT.match(line.strip())
            path = named.group(1).removeprefix("./").rstrip("/") if named else None
            if path and "*" not in path and path not in tree.paths:
                yield Finding(file.path, number + offset, "docs", f"{path} does not exist")


def _figures(file, values):
    for number, line in enumerate(file.lines, 1):
        for shown, name in FIGURE.findall(line):
            shown = shown.strip("|*(")
            if name not in values:
                yield Finding(file.path, number, "docs", f"{FIGURES_FILE} has no figure {name}")
            elif str(values[name]["value"]) != shown:
                yield Finding(file.path, number, "docs", f"{name} is {values[name]['value']} in {FIGURES_FILE}, here {shown}")


def _licences(texts):
    """Every package that deploy/install-deps installs stands in docs/licences.md with its terms."""
    listed = re.findall(r"^\w*packages=\((.*?)^\)", texts.get("deploy/install-deps", ""), re.MULTILINE | re.DOTALL)
    if not listed or "docs/licences.md" not in texts:
        return
    lines = [line for line in "\n".join(listed).split("\n") if not line.strip().startswith("#")]
    for package in " ".join(lines).split():
        if f"`{package}`" not in texts["docs/licences.md"]:
            yield Finding("docs/licences.md", 1, "docs", f"deploy/install-deps installs {package}: state its terms")


def _permissive_side(tree):
    """Where a library offers terms to choose from, the build chooses."""
    for file in tree.files:
        if file.suffix == ".cmake" and "Eigen3" in file.text and "EIGEN_MPL2_ONLY" not in file.text:
            yield Finding(file.path, 1, "docs", "finds Eigen without defining EIGEN_MPL2_ONLY, as docs/licences.md says")


def check(tree, _blank):
    texts = {file.path: file.text for file in tree.files}
    values = json.loads(texts[FIGURES_FILE]) if FIGURES_FILE in texts else {}
    yield from _licences(texts)
    yield from _permissive_side(tree)
    for file in tree.files:
        if file.suffix != ".md":
            continue
        yield from _links(file, tree, texts)
        yield from _commands(file, tree)
        if not file.path.startswith("docs/contributing"):
            yield from _figures(file, values)
