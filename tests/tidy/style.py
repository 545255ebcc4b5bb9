"""Sizes, names and plain text."""
import re

from tree import TEXT, Finding

HEADER_LINES_MAX = 250
SOURCE_LINES_MAX = 400
FUNCTION_LINES_MAX = 80

SNAKE_CASE = re.compile(r"^[a-z][a-z0-9_]*(\.[a-z0-9_]+)+$")
VAGUE = "Manager|Helper|Helpers|Util|Utils|Utility|Impl|Info"
TYPE = re.compile(rf"\b(?:class|struct|enum(?:\s+(?:class|struct))?|using)\s+(?:\[\[\w+\]\]\s*)?(\w*(?:{VAGUE}))\b(?!\s*::)")
DEFINITION = re.compile(r"^(?:class|struct|enum class|enum)\s+(?:\[\[\w+\]\]\s*)?(\w+)\b(?!\s*::)[^;]*\{")
NAMESPACE = re.compile(r"^namespace\s+([\w:]+)\s*\{")
# Written in two parts, so that this file does not break its own rule.
UNFINISHED = re.compile(r"\b(" + "|".join(["TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK"]) + r")\b")
MACHINE = re.compile(r"(?<![\w.~}])/(?:work|root)/\w|(?<![\w.~}])/home/[a-z]\w*/")
# Papers that are not in the project: say it in docs/ instead, and name that.
ELSEWHERE = re.compile(r"\b(DESIGN(\.md)?\b(?! =)|RECIPES|PEERS\.md|RELIABILITY(\.md)?\b|STYLE\.md)")
SHARED = re.compile(r"\.\./shared\b")


def _lines_of_functions(text):
    """(first line, lines) of the definitions at the outermost level; clang-format has laid them out."""
    begin = None
    for number, line in enumerate(text.split("\n"), 1):
        if begin is None:
            if line.endswith("{") and re.match(r"[A-Za-z~]", line) and not re.match(
                    r"(namespace|class|struct|enum|union|extern)\b", line):
                begin = number
        elif line.startswith("}"):
            yield begin, number - begin + 1
            begin = None


def _sizes(file):
    count = file.text.count("\n")
    is_header = file.suffix == ".hpp" and not file.name.endswith("_inl.hpp")
    limit = HEADER_LINES_MAX if is_header else SOURCE_LINES_MAX
    if count > limit:
        yield Finding(file.path, limit, "size", f"{count} lines, at most {limit}: split it by idea")
    for begin, length in _lines_of_functions(file.text):
        if length > FUNCTION_LINES_MAX:
            yield Finding(file.path, begin, "size", f"a function of {length} lines, aim for a screen", is_warning=True)


def _names(file, code):
    if not SNAKE_CASE.match(file.name):
        yield Finding(file.path, 1, "names", "file names are snake_case")
    if re.search(r"(^|_)(manager|helpers?|utils?|utility|impl|info)(_|\.)", file.name):
        yield Finding(file.path, 1, "names", "say what it does: no manager, helper, util, impl, info")
    for number, line in enumerate(code.split("\n"), 1):
        match = TYPE.search(line)
        if match:
            yield Finding(file.path, number, "names", f"`{match.group(1)}` says nothing: no {VAGUE.replace('|', ', ')}")


def _duplicates(tree, blank):
    """One name, one meaning: a type is defined in one header only."""
    seen = {}
    for file in tree.code:
        if file.suffix != ".hpp":
            continue
        space = ""
        for number, line in enumerate(blank(file).split("\n"), 1):
            opened = NAMESPACE.match(line)
            if opened:
                space = opened.group(1)
            defined = DEFINITION.match(line)
            if not defined:
                continue
            key = (space, defined.group(1))
            if key in seen and seen[key] != file.path:
                yield Finding(file.path, number, "names", f"`{'::'.join(key)}` is also defined in {seen[key]}")
            seen.setdefault(key, file.path)


def _header_comment(file):
    if not file.text.startswith("//"):
        yield Finding(file.path, 1, "header", "a header starts with a comment: what it is, its place, its invariant")
    # Kernels compiled once per instruction set are read several times on purpose (Highway's convention).
    if not file.name.endswith("_inl.hpp") and not re.search(r"^#pragma once$", file.text, re.MULTILINE):
        yield Finding(file.path, 1, "header", "a header has `#pragma once`")


def _text(file):
    is_test = file.folders[:1] == ["tests"]
    for number, line in enumerate(file.lines, 1):
        if "\t" in line:
            yield Finding(file.path, number, "text", "a tab: indent with spaces")
        if line != line.rstrip():
            yield Finding(file.path, number, "text", "trailing white space")
        unfinished = UNFINISHED.search(line)
        if unfinished:
            yield Finding(file.path, number, "text", f"{unfinished.group(1)}: finish it, or leave it out")
        if MACHINE.search(line):
            yield Finding(file.path, number, "text", "a path of one machine")
        if ELSEWHERE.search(line) and not file.path.startswith("tests/tidy/"):
            yield Finding(file.path, number, "text", "names a document that is not in the project")
        if SHARED.search(line) and not is_test and file.path != ".ci/run":
            yield Finding(file.path, number, "text", "only tests may look outside the project")
    if file.text and not file.text.endswith("\n"):
        yield Finding(file.path, len(file.lines), "text", "no newline at the end")
    if "\r" in file.text:
        yield Finding(file.path, 1, "text", "carriage returns")


def check(tree, blank):
    for file in tree.files:
        is_golden = "golden" in file.folders or "corpus" in file.folders or file.name == "LICENSE"
        if file.suffix in TEXT and not is_golden:
            yield from _text(file)
        if file.is_code or file.suffix in (".py", ".capnp"):
            if not file.is_code and not SNAKE_CASE.match(file.name):
                yield Finding(file.path, 1, "names", "file names are snake_case")
        if file.is_code:
            yield from _sizes(file)
            yield from _names(file, blank(file))
        if file.suffix == ".hpp":
            yield from _header_comment(file)
    yield from _duplicates(tree, blank)
