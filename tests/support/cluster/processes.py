"""Programs on hosts: started and waited for, killed, paused, with a log each that is shown when something fails."""
import contextlib
import os
import signal
import subprocess
import time

READY_SECONDS_MAX = 60
END_SECONDS_MAX = 60
POLL_SECONDS = 0.05
TAIL_LINES = 40


class Failed(AssertionError):
    """Something did not happen; the message ends with what the programs said."""


def wait_for(claim, what, seconds=READY_SECONDS_MAX, poll=POLL_SECONDS):
    """Until `claim()` gives something true, which is returned. Refused connections count as not yet."""
    deadline = time.monotonic() + seconds
    while True:
        with contextlib.suppress(OSError):
            found = claim()
            if found:
                return found
        if time.monotonic() > deadline:
            raise Failed(f"not within {seconds} s: {what}")
        time.sleep(poll)


class HostedProcess:
    """One program on one host. `start` after its end is its next life; all lives write to one log."""

    def __init__(self, name, host, words, log, environment=None, cwd=None):
        self.name, self.host, self.words, self.log = name, host, list(map(str, words)), log
        self._environment, self._cwd = environment, cwd
        self.process = None
        self.lives = 0
        self._life_begins = 0
        host.network.at_close.append(self.kill)

    def start(self):
        if self.is_alive():
            raise ValueError(f"{self.name} is running")
        self.lives += 1
        with self.log.open("ab") as log:
            log.write(f"---- {self.name}, life {self.lives}: {' '.join(self.words)}\n".encode())
            log.flush()
            self._life_begins = log.tell()
            self.process = subprocess.Popen(
                self.host.command(*self.words), stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self._cwd,
                env=None if self._environment is None else {**os.environ, **self._environment})
        return self

    @property
    def pid(self):
        return self.process.pid

    def is_alive(self):
        return self.process is not None and self.process.poll() is None

    def said(self):
        """In this life."""
        with self.log.open("rb") as log:
            log.seek(self._life_begins)
            return log.read().decode(errors="replace")

    def tail(self, lines=TAIL_LINES):
        text = self.log.read_text(errors="replace") if self.log.exists() else ""
        state = "running" if self.is_alive() else f"ended with {self.process.returncode}" if self.process else "not started"
        return f"---- the last lines of {self.name} ({state})\n" + "\n".join(text.splitlines()[-lines:])

    def wait_until(self, claim, what, seconds=READY_SECONDS_MAX):
        """As `wait_for`; an end of the process fails at once."""
        def alive_and():
            if not self.is_alive():
                raise Failed(f"{self.name} ended with {self.process.returncode} before: {what}\n{self.tail()}")
            return claim()
        try:
            return wait_for(alive_and, f"{self.name}: {what}", seconds)
        except Failed as failed:
            raise failed if "----" in str(failed) else Failed(f"{failed}\n{self.tail()}") from None

    def wait_ready(self, port, path="/readyz", seconds=READY_SECONDS_MAX):
        """Until HTTP on the host says 200."""
        self.wait_until(lambda: self.host.get(self.host.address, port, path)[0] == 200, f"{path} says 200", seconds)
        return self

    def wait_said(self, words, seconds=READY_SECONDS_MAX):
        self.wait_until(lambda: words in self.said(), f"it says {words!r}", seconds)
        return self

    def wait_end(self, seconds=END_SECONDS_MAX):
        """Its exit code."""
        try:
            return self.process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            raise Failed(f"{self.name} did not end within {seconds} s\n{self.tail()}") from None

    def signal(self, number):
        self.process.send_signal(number)

    def kill(self):
        """At once, also when it is paused; reaped when this returns."""
        if self.is_alive():
            self.process.kill()
            self.wait_end()
        return self

    def pause(self):
        self.signal(signal.SIGSTOP)
        wait_for(lambda: "T" in self._state(), f"{self.name} is stopped", 5, 0.005)
        return self

    def resume(self):
        self.signal(signal.SIGCONT)
        return self

    def stop(self, seconds=END_SECONDS_MAX):
        """An orderly end by SIGTERM; its exit code."""
        if self.is_alive():
            self.process.terminate()
        return self.wait_end(seconds)

    def _state(self):
        with open(f"/proc/{self.pid}/stat", encoding="ascii", errors="replace") as stat:
            return stat.read().rpartition(")")[2].split()[0]
