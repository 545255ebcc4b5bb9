"""Hosts on one machine: a network namespace each, joined by a bridge in a namespace of its own.

    network = Network()
    worker = network.host("worker-1")            # 10.77.0.2, and reachable from the other hosts alone
    process = subprocess.Popen(worker.command("curl", "http://10.77.0.1:8080/"))
    with network.faults.cut("worker-1", "coordinator"): ...
    network.close()

Two networks do not see each other, so that all of them use the same addresses. A namespace's name holds the id and
the start of the process that made it: `close` removes what is this process's own, a guard does so when this
process dies, and each new network removes what dead processes have left (`sweep`). Root is needed.
"""
import contextlib
import ctypes
import http.client
import itertools
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import time

PREFIX = "millrace-"
FOLDER = pathlib.Path("/run/netns")
SUBNET = "10.77.0."
HOSTS_MAX = 200
COMMAND_SECONDS_MAX = 20
GONE_SECONDS_MAX = 10
CLONE_NEWNET = 0x40000000
TOOLS = {"ip": "iproute2", "tc": "iproute2", "ss": "iproute2", "nft": "nftables", "nsenter": "util-linux"}

_libc = ctypes.CDLL(None, use_errno=True)
_numbers = itertools.count(1)


class Unavailable(Exception):
    """This machine or this user cannot have namespaces."""


def check_available():
    if os.geteuid() != 0:
        raise Unavailable("network namespaces need root")
    missing = sorted({package for tool, package in TOOLS.items() if shutil.which(tool) is None})
    if missing:
        raise Unavailable(f"not installed: {', '.join(missing)} (deploy/install-deps --all)")
    probe = f"{PREFIX}{owner()}-probe"
    try:
        call("ip", "netns", "add", probe)
    except RuntimeError as error:
        raise Unavailable(f"no network namespace can be made here: {error}") from error
    call("ip", "netns", "del", probe)


def call(*words, text=None):
    """What a command said; an error with its words where it fails."""
    done = subprocess.run(list(map(str, words)), input=text, capture_output=True, text=True,
                          timeout=COMMAND_SECONDS_MAX, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, words))}: {(done.stderr or done.stdout).strip()[-500:]}")
    return done.stdout


def started_at(pid):
    """In clock ticks since the machine's start; nothing when there is no such process."""
    with contextlib.suppress(OSError, IndexError):
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    return None


def owner(pid=None):
    """Of namespaces: a process id is used again, one with its start is not."""
    pid = pid or os.getpid()
    return f"{pid}-{started_at(pid)}"


def namespaces(of=""):
    return sorted(path.name for path in FOLDER.glob(f"{PREFIX}{of}*")) if FOLDER.is_dir() else []


def sweep():
    """Removes the namespaces, and ends the processes in them, whose owner is dead; their names."""
    left = []
    for name in namespaces():
        found = re.match(rf"{PREFIX}(\d+)-(\d+)-", name)
        if found and started_at(found.group(1)) != found.group(2):
            left.append(name)
    remove(left)
    return left


def remove(names):
    """Kills whatever runs in these namespaces and nothing else, then takes them away."""
    deadline = time.monotonic() + GONE_SECONDS_MAX
    for name in names:
        while time.monotonic() < deadline:
            pids = [int(word) for word in call("ip", "netns", "pids", name).split()]
            if not pids:
                break
            for pid in pids:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.02)
        with contextlib.suppress(RuntimeError):  # somebody else sweeps, too
            call("ip", "netns", "del", name)


@contextlib.contextmanager
def entered(name):
    """The calling thread is in the namespace: a socket made there belongs to it for ever."""
    flags = os.O_RDONLY | os.O_CLOEXEC
    before, there = os.open("/proc/thread-self/ns/net", flags), os.open(FOLDER / name, flags)
    try:
        for_thread(there)
        try:
            yield
        finally:
            for_thread(before)
    finally:
        os.close(before)
        os.close(there)


def for_thread(namespace):
    if _libc.setns(namespace, CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


class Host:
    """One namespace with one address. `port` is the name of the bridge's end of its link."""

    def __init__(self, network, name, number):
        self.network, self.name, self.number = network, name, number
        self.namespace = network.prefix + name
        self.address = f"{SUBNET}{number}"
        self.port = f"p{number}"
        bridge = network.bridge
        call("ip", "netns", "add", self.namespace)
        call("ip", "link", "add", "eth0", "netns", self.namespace, "type", "veth", "peer", "name", self.port,
             "netns", bridge)
        call("ip", "-n", bridge, "link", "set", self.port, "master", "bridge0", "up")
        call("ip", "-n", self.namespace, "addr", "add", f"{self.address}/24", "dev", "eth0")
        for device in ("lo", "eth0"):
            call("ip", "-n", self.namespace, "link", "set", device, "up")

    def command(self, *words):
        """Words that run a command on this host; they keep the process id."""
        return ["nsenter", f"--net={FOLDER / self.namespace}", *map(str, words)]

    def socket(self, kind=socket.SOCK_STREAM):
        with entered(self.namespace):
            return socket.socket(socket.AF_INET, kind)

    def connect(self, address, port, seconds=2):
        end = self.socket()
        end.settimeout(seconds)
        try:
            end.connect((address, port))
        except OSError:
            end.close()
            raise
        return end

    def get(self, address, port, path, seconds=2):
        """(status, text) of an HTTP request that starts on this host."""
        connection = http.client.HTTPConnection(address, port, timeout=seconds)
        connection.sock = self.connect(address, port, seconds)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read(1 << 22).decode(errors="replace")
        finally:
            connection.close()

    def listening(self):
        """(address, port) of every TCP socket that listens here."""
        rows = [line.split() for line in call(*self.command("ss", "-H", "-l", "-n", "-t")).splitlines()]
        ends = [row[3].rpartition(":") for row in rows]
        return sorted((address.partition("%")[0].strip("[]"), int(port)) for address, _, port in ends)

    def pids(self):
        return [int(word) for word in call("ip", "netns", "pids", self.namespace).split()]


class Network:
    """The hosts and the bridge between them."""

    def __init__(self):
        from cluster.faults import Faults  # pylint: disable=import-outside-toplevel
        check_available()
        sweep()
        self.prefix = f"{PREFIX}{owner()}-{next(_numbers)}-"
        self.bridge = self.prefix + "bridge"
        self.hosts = {}
        self.at_close = []  # called first, the newest before the others
        self._guard = subprocess.Popen([sys.executable, __file__, "--guard", self.prefix], stdin=subprocess.PIPE,
                                       stdout=subprocess.DEVNULL, start_new_session=True)
        try:
            call("ip", "netns", "add", self.bridge)
            call("ip", "-n", self.bridge, "link", "add", "bridge0", "type", "bridge")
            call("ip", "-n", self.bridge, "link", "set", "bridge0", "up")
            self.faults = Faults(self)
        except BaseException:
            self.close()
            raise

    def host(self, name):
        """The host of this name, made when it is asked for first."""
        if name not in self.hosts:
            if len(self.hosts) == HOSTS_MAX:
                raise ValueError(f"more than {HOSTS_MAX} hosts")
            self.hosts[name] = Host(self, name, len(self.hosts) + 1)
        return self.hosts[name]

    def close(self):
        """Ends what runs on the hosts and takes them away. May be called twice."""
        while self.at_close:
            self.at_close.pop()()
        if hasattr(self, "faults"):
            self.faults.heal()
        remove(namespaces(self.prefix.removeprefix(PREFIX)))
        if self._guard.poll() is None:
            self._guard.stdin.close()
            self._guard.wait(timeout=GONE_SECONDS_MAX)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def guard(prefix):
    """Waits for the end of the process that holds the other end of the pipe."""
    sys.stdin.buffer.read()
    remove(namespaces(prefix.removeprefix(PREFIX)))


if __name__ == "__main__":
    if len(sys.argv) != 3 or sys.argv[1] != "--guard":
        raise SystemExit(__doc__)
    guard(sys.argv[2])
