"""Every metric has its place: named once, moved by somebody, and told to whoever reads it."""
import re

from tree import Finding

NAMES = "common/observe/metric_names.hpp"
PAGE = "docs/metrics.md"

DEFINITION = re.compile(r'\b(Counter|Gauge|Histogram)Definition\s+(k\w+)\s*=\s*\{\s*"(\w+)"')
LITERAL = re.compile(r'"(millrace_[a-z0-9_]+)"')
TOLD = re.compile(r"^\| `(millrace_\w+)`", re.MULTILINE)
HISTOGRAM_UNITS = ("_seconds", "_bytes", "_records")


def _line(text, position):
    return text.count("\n", 0, position) + 1


def _form(kind, name):
    """What is wrong with a name, or None."""
    if not re.fullmatch(r"millrace_[a-z0-9]+(_[a-z0-9]+)+", name):
        return f"`{name}`: metrics are named millrace_<part>_<what>_<unit>"
    if (kind == "Counter") != name.endswith("_total"):
        return f"`{name}`: counters, and only they, end in _total"
    if kind == "Histogram" and not name.endswith(HISTOGRAM_UNITS):
        return f"`{name}`: a histogram ends in its unit: {', '.join(HISTOGRAM_UNITS)}"
    return None


def _elsewhere(tree):
    for file in tree.code:
        if file.path == NAMES or file.folders[:1] == ["tests"]:
            continue
        for match in LITERAL.finditer(file.text):
            yield Finding(file.path, _line(file.text, match.start()), "metrics",
                          f"`{match.group(1)}`: name it in {NAMES}, so that it is documented")


def check(tree, _blank):
    texts = {file.path: file.text for file in tree.files}
    yield from _elsewhere(tree)
    if NAMES not in texts:
        return
    page = texts.get(PAGE, "")
    told = set(TOLD.findall(page))
    users = "\n".join(file.text for file in tree.code if file.path != NAMES and file.folders[:1] != ["tests"])
    known = set()
    for match in DEFINITION.finditer(texts[NAMES]):
        kind, constant, name = match.groups()
        line = _line(texts[NAMES], match.start())
        known.add(name)
        wrong = _form(kind, name)
        if wrong:
            yield Finding(NAMES, line, "metrics", wrong)
        if name not in told:
            yield Finding(NAMES, line, "metrics", f"`{name}` has no row in {PAGE}")
        if not re.search(rf"\bmetric::{constant}\b", users):
            yield Finding(NAMES, line, "metrics", f"`{name}` is moved by nobody: metric::{constant} is not used")
    for match in TOLD.finditer(page):
        if match.group(1) not in known:
            yield Finding(PAGE, _line(page, match.start()), "metrics", f"`{match.group(1)}` is not in {NAMES}")
