"""A client that asks for predictions all the time and counts what becomes of its requests.

A request goes to one worker; where that does not answer, the client asks the next one, as it may. A request is lost
when nobody answers it within its time. It keeps one `millrace predict --file -` open, a row in, an answer out.
"""
import collections
import contextlib
import json
import os
import select
import subprocess
import threading
import time

ANSWER_SECONDS_MAX = 1.5  # of one worker, before another one is asked
REQUEST_SECONDS_MAX = 30  # before a request counts as lost
PAUSE_SECONDS = 0.02
REQUESTS_A_SESSION = 100  # then the next worker's turn comes, so that all of them are asked


class PredictionCaller(threading.Thread):
    """`rows` are CSV lines without a label; `endpoints()` gives the workers that may be asked."""

    def __init__(self, host, program, model, endpoints, header, rows, flags=()):
        super().__init__(daemon=True)
        self.host, self.program, self.model, self.endpoints = host, program, model, endpoints
        self.header, self.rows, self.flags = header, rows, list(flags)
        self.asked = self.answered = self.retried = 0
        self.lost, self.backwards = [], []
        self.longest = 0.0
        self.versions = {}  # by endpoint: the newest seen
        self.by_endpoint = collections.Counter()
        self._turn = 0
        self._ends = threading.Event()
        self._session = self._endpoint = None
        host.network.at_close.append(self.stop)

    def stop(self):
        self._ends.set()
        if self.is_alive():
            self.join(timeout=REQUEST_SECONDS_MAX + 10)
        self._hang_up()
        return self

    def run(self):
        while not self._ends.is_set():
            self._request(self.rows[self.asked % len(self.rows)])
            self._ends.wait(PAUSE_SECONDS)

    def _request(self, row):
        self.asked += 1
        began = time.monotonic()
        while True:
            answer = self._ask_once(row)
            if answer:
                self.longest = max(self.longest, time.monotonic() - began)
                return self._take(answer)
            if time.monotonic() - began > REQUEST_SECONDS_MAX:
                return self.lost.append(self.asked)
            if self._ends.is_set():
                self.asked -= 1  # the end came between a refusal and the next worker
                return None
            self.retried += 1
            self._turn += 1

    def _take(self, answer):
        self.answered += 1
        version = answer["model"]["version"]
        if version < self.versions.get(self._endpoint, 0):
            self.backwards.append((self._endpoint, self.versions[self._endpoint], version))
        self.versions[self._endpoint] = version
        self.by_endpoint[self._endpoint] += 1
        if self.answered % REQUESTS_A_SESSION == 0:
            self._hang_up()
            self._turn += 1

    @property
    def endpoint(self):
        """Of the worker that is asked now."""
        return self._endpoint

    def _ask_once(self, row):
        try:
            if self._session is None:
                self._call_next()
            os.write(self._session.stdin.fileno(), (row + "\n").encode())
            line = self._line(time.monotonic() + ANSWER_SECONDS_MAX)
            answer = json.loads(line) if line else {}
        except (OSError, ValueError):
            answer = {}
        if "model" in answer:
            return answer
        self._hang_up()
        return None

    def _call_next(self):
        endpoints = self.endpoints()
        self._endpoint = endpoints[self._turn % len(endpoints)]
        words = self.host.command(self.program, "predict", self.model, "--file", "-", "--endpoint", self._endpoint,
                                  *self.flags, "--output", "json")
        self._session = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                         stderr=subprocess.DEVNULL)
        os.write(self._session.stdin.fileno(), (self.header + "\n").encode())

    def _line(self, deadline):
        text = b""
        while not text.endswith(b"\n"):
            ready, _, _ = select.select([self._session.stdout], [], [], max(0.0, deadline - time.monotonic()))
            block = os.read(self._session.stdout.fileno(), 1 << 16) if ready else b""
            if not block:
                return b""
            text += block
        return text

    def _hang_up(self):
        session, self._session = self._session, None
        if session:
            with contextlib.suppress(OSError):
                session.kill()
            session.wait(timeout=10)
            session.stdin.close()
            session.stdout.close()
