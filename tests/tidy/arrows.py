"""Which folder may include what: the arrows of docs/architecture.md."""
import re

from tree import Finding

INCLUDE = re.compile(r'^\s*#\s*include\s+(?:"([^"]+)"|<([^>]+)>)')

CORE_MAY = ["base", "config", "data", "pipeline", "ml"]

# What a folder of common/ may include, besides itself.
COMMON = {
    "base": [],
    "config": ["base"],
    "data": ["base", "config"],
    "pipeline": ["base", "config", "data"],
    "ml": ["base", "config", "data", "pipeline"],
    "wire": ["base", "config", "data", "pipeline", "ml"],
    "net": ["base", "config", "security", "observe"],
    "kafka": ["base", "config"],
    "store": ["base", "config"],
    "security": ["base", "config", "store"],
    "observe": ["base", "config"],
    "daemon": ["base", "config", "security", "net", "observe"],
    "actors": ["base", "config", "data", "pipeline", "ml", "store", "security", "net"],
}

# (what the include looks like, who may have it, why).
LIBRARIES = [
    (re.compile(r"^caf/"), lambda f: "actors" in f.folders or f.name == "main.cpp" or
     f.path.startswith("coordinator/cli/embedded_"), "only actors/ folders, main.cpp and coordinator/cli/embedded_* speak CAF"),
    (re.compile(r"^zmq(\.hpp|\.h|_addon\.hpp)$"), lambda f: f.path.startswith("common/net/"), "only common/net opens ZeroMQ sockets"),
    (re.compile(r"^librdkafka/"), lambda f: f.path.startswith("common/kafka/"), "only common/kafka speaks with Kafka"),
    (re.compile(r"^curl/|^pugixml\.hpp$"), lambda f: f.path.startswith("common/store/s3_"), "only common/store/s3_* speaks with object stores"),
    (re.compile(r"^rocksdb/"), lambda f: f.path.startswith("common/store/"), "only common/store uses RocksDB"),
    (re.compile(r"^sodium\.h$|^openssl/(ec|pem|rand|x509\w*)\.h$"), lambda f: f.path.startswith("common/security/"),
     "only common/security makes and checks keys and certificates"),
    (re.compile(r"\.capnp\.h$|^capnp/|^kj/"), lambda f: f.path.startswith("common/wire/"), "only common/wire sees generated messages"),
]

# Seconds of compile time for every file that includes such a header.
HEAVY = re.compile(r"^(nlohmann/json\.hpp|CLI/|spdlog/|yaml-cpp/|httplib\.h|Eigen/)")

READERS_FEW = 2  # sources of other folders that may include a heavy header all the same

# Decisions do no I/O: time, randomness, disk, network and threads are passed in.
BANNED_HEADERS = {"thread", "mutex", "shared_mutex", "condition_variable", "future", "atomic", "stop_token",
                  "random", "fstream", "filesystem", "iostream", "cstdio", "ctime", "time.h", "stdio.h",
                  "unistd.h", "fcntl.h", "pthread.h", "sys/time.h"}
BANNED_CALLS = re.compile(
    r"\b(std::(j?thread|mutex|async|this_thread)\b|(?:steady|system|high_resolution)_clock\b|std::random_device\b"
    r"|(?<![\w.>:])(?:std::)?(?:s?rand|time|clock|gettimeofday|clock_gettime|fopen|getenv|usleep|sleep)\s*\()")
UNORDERED = re.compile(r"\bunordered_(?:multi)?(?:map|set)<[^;]*>\s+(\w+)\s*[;{=]")


def includes(file):
    for number, line in enumerate(file.lines, 1):
        match = INCLUDE.match(line)
        if match:
            yield number, match.group(1) or match.group(2)


def _own_core(file):
    return file.folders[:2] if len(file.folders) >= 2 and file.folders[1] == "core" else None


def _folder_rule(file, target):
    """Why `file` must not include the project's `target`; None where it may."""
    top, inside = file.folders[0], target.split("/")
    if top == "tests":
        return None
    core = _own_core(file)
    if core and top in ("coordinator", "worker"):
        if inside[:2] == core or (inside[0] == "common" and inside[1] in CORE_MAY):
            return None
        return f"{'/'.join(core)} decides without I/O: it includes itself and common/{{{','.join(CORE_MAY)}}}"
    if top == "common":
        if inside[0] != "common":
            return "common depends on neither program"
        mine = file.folders[1]
        if inside[1] != mine and inside[1] not in COMMON.get(mine, []):
            return f"common/{mine} may include {COMMON.get(mine, [])}"
    if top == "worker" and inside[0] == "coordinator":
        return "worker never includes coordinator"
    if top == "coordinator" and inside[0] == "worker" and file.folders[:2] != ["coordinator", "cli"]:
        return "only coordinator/cli, which holds the embedded run, links the worker"
    if inside[0] == "tests":
        return "programs never include tests"
    return None


def _core_calls(file, code, companion):
    for number, line in enumerate(code.split("\n"), 1):
        match = BANNED_CALLS.search(line)
        if match:
            yield Finding(file.path, number, "core", f"a core must not use `{match.group(0).strip(' (')}`: pass it in")
    unordered = set(UNORDERED.findall(code)) | set(UNORDERED.findall(companion))
    for number, line in enumerate(code.split("\n"), 1):
        loop = re.search(r"\bfor\s*\(.*:\s*(?:\w+(?:\.|->))*(\w+)\s*\)", line)
        if loop and loop.group(1) in unordered:
            yield Finding(file.path, number, "core", f"iterating `{loop.group(1)}` depends on the hash order: sort it, or use std::map")


def _widely_read(tree):
    """Headers that another folder's header includes, or several of its sources: what they include, everybody pays for."""
    readers = {}
    for file in tree.code:
        if file.folders[:1] == ["tests"]:
            continue
        for _, target in includes(file):
            if target.rsplit("/", 1)[0] != "/".join(file.folders):
                readers[target] = readers.get(target, 0) + (READERS_FEW + 1 if file.suffix == ".hpp" else 1)
    return {target for target, count in readers.items() if count > READERS_FEW}


def check(tree, blank):
    texts = {file.path: file for file in tree.code}
    public = _widely_read(tree)
    for file in tree.code:
        is_test = file.folders[:1] == ["tests"]
        in_core = _own_core(file) is not None and not is_test
        for number, target in includes(file):
            if target.split("/")[0] in ("common", "coordinator", "worker", "tests") and file.folders:
                reason = _folder_rule(file, target)
                if reason:
                    yield Finding(file.path, number, "arrows", f"includes {target}: {reason}")
            for pattern, is_allowed, reason in LIBRARIES:
                if pattern.search(target) and not is_test and not is_allowed(file):
                    yield Finding(file.path, number, "arrows", f"includes {target}: {reason}")
            if file.path in public and not is_test and HEAVY.search(target):
                yield Finding(file.path, number, "arrows", f"includes {target} and is read by other folders: keep it in a .cpp, it costs seconds each")
            if in_core and target in BANNED_HEADERS:
                yield Finding(file.path, number, "core", f"a core must not include <{target}>: decisions do no I/O")
        if in_core:
            header = texts.get(file.path.removesuffix(".cpp") + ".hpp")
            yield from _core_calls(file, blank(file), blank(header) if header else "")
