"""Servers that others wrote, for tests and measurements: fetched once, started, stopped, killed, started again.

Python's standard library only.
"""
import contextlib
import hashlib
import os
import pathlib
import socket
import subprocess
import time

STOP_SECONDS_MAX = 30


class Missing(Exception):
    """What the server needs is not there."""


def tool_folder(name, recipe):
    """Where what is made by a recipe is kept: another recipe, another folder."""
    cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache")
    return cache / "millrace" / "tools" / f"{name}-{hashlib.sha256(recipe.encode()).hexdigest()[:12]}"


def free_ports(count):
    """Ports of the loopback address that nobody listens on now, all different."""
    with contextlib.ExitStack() as open_sockets:
        ports = []
        for _ in range(count):
            probe = open_sockets.enter_context(socket.socket())
            probe.bind(("127.0.0.1", 0))
            ports.append(probe.getsockname()[1])
        return ports


class ServerProcess:
    """One server; `start` after `stop` or `kill` goes on with the same data at the same address.

    All lives write to one log. Who derives from it says with which `words` it is started, and when it `is_up`.
    """

    start_seconds_max = 30

    def __init__(self, name, folder):
        self.name, self.log = name, folder / "server.log"
        self.process = None
        self._life_begins = 0

    def words(self):
        raise NotImplementedError

    def environment(self):
        """Beside what this process has."""
        return {}

    def is_up(self):
        raise NotImplementedError

    def said(self):
        """In this life."""
        return self.log.read_bytes()[self._life_begins:].decode(errors="replace")

    def start(self):
        with self.log.open("ab") as log:
            log.write(b"---- start\n")
            log.flush()
            self._life_begins = log.tell()
            self.process = subprocess.Popen(self.words(), env={**os.environ, **self.environment()},
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        deadline = time.monotonic() + self.start_seconds_max
        while time.monotonic() < deadline and self.process.poll() is None:
            if self.is_up():
                return self
            time.sleep(0.05)
        self.kill()
        raise RuntimeError(f"{self.name} did not start:\n{self.said()[-2000:]}")

    def stop(self):
        """An orderly end."""
        if self.process is not None:
            self.process.terminate()
            try:
                self.process.wait(timeout=STOP_SECONDS_MAX)
            except subprocess.TimeoutExpired:
                self.kill()
        self.process = None

    def kill(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait()
        self.process = None

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()
