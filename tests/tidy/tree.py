"""The files that the rules look at, and how a rule reports what it found."""
import dataclasses
import pathlib
import subprocess

CODE = {".cpp", ".hpp"}
TEXT = CODE | {".py", ".capnp", ".cmake", ".md", ".txt", ".yaml", ".yml", ".json", ".sh", ""}


@dataclasses.dataclass(frozen=True)
class Finding:
    path: str
    line: int
    rule: str
    message: str
    is_warning: bool = False

    def __str__(self):
        kind = "warning" if self.is_warning else "error"
        return f"{self.path}:{self.line}: {kind}: {self.message} [{self.rule}]"


@dataclasses.dataclass(frozen=True)
class File:
    path: str  # relative to the root, with /
    text: str

    @property
    def name(self):
        return self.path.rsplit("/", 1)[-1]

    @property
    def suffix(self):
        return pathlib.PurePosixPath(self.path).suffix

    @property
    def folders(self):
        return self.path.split("/")[:-1]

    @property
    def lines(self):
        return self.text.split("\n")

    @property
    def is_code(self):
        return self.suffix in CODE


@dataclasses.dataclass(frozen=True)
class Tree:
    files: list
    paths: frozenset  # every file and folder, for links

    @staticmethod
    def of(files):
        paths = {""}
        for file in files:
            parts = file.path.split("/")
            paths.update("/".join(parts[:n]) for n in range(1, len(parts) + 1))
        return Tree(files, frozenset(paths))

    @property
    def code(self):
        return [file for file in self.files if file.is_code]


def _paths(root):
    listed = subprocess.run(["git", "-C", str(root), "ls-files", "-co", "--exclude-standard", "-z"],
                            capture_output=True, check=False)
    if listed.returncode == 0:
        return sorted(set(listed.stdout.decode().split("\0")) - {""})
    found = (path.relative_to(root) for path in root.rglob("*") if path.is_file())
    return sorted(str(path) for path in found if path.parts[0] not in {"build", "data", ".git", ".cache"})


def read(root):
    """Tracked files and new ones that are not ignored; binary files are left out."""
    files = []
    for path in _paths(root):
        full = root / path
        if not full.is_file() or full.is_symlink():
            continue
        raw = full.read_bytes()
        if b"\0" in raw:
            continue
        try:
            files.append(File(path, raw.decode("utf-8")))
        except UnicodeDecodeError:
            continue
    return Tree.of(files)


def without_comments_and_strings(text):
    """C++ with comments and literals blanked, line numbers kept."""
    out, i, state = [], 0, "code"
    while i < len(text):
        c, pair = text[i], text[i:i + 2]
        if state == "code":
            if pair in ("//", "/*"):
                state = pair
                out.append("  ")
                i += 2
                continue
            if text[i:i + 2] == 'R"':
                end_of_tag = text.find("(", i)
                closing = ")" + text[i + 2:end_of_tag] + '"'
                end = text.find(closing, end_of_tag)
                end = len(text) if end < 0 else end + len(closing)
                out.append("".join("\n" if x == "\n" else " " for x in text[i:end]))
                i = end
                continue
            if c == '"' or (c == "'" and not (i and text[i - 1].isalnum())):
                state = c
                out.append(c)
            else:
                out.append(c)
        elif state == "//":
            if c == "\n":
                state = "code"
            out.append(c if c == "\n" else " ")
        elif state == "/*":
            if pair == "*/":
                state = "code"
                out.append("  ")
                i += 2
                continue
            out.append(c if c == "\n" else " ")
        else:  # inside a literal
            if c == "\\":
                out.append("  ")
                i += 2
                continue
            if c == state or c == "\n":
                state = "code"
                out.append(c)
            else:
                out.append(" ")
        i += 1
    return "".join(out)
