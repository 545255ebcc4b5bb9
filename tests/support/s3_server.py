#!/usr/bin/env python3
"""A real object store on the loopback address, for tests and measurements: versitygw over a folder.

    tests/support/s3_server.py FOLDER                 starts one, prints the URL of a store in it, ends with Ctrl-C
    tests/support/s3_server.py -- COMMAND [WORD...]   runs a command with one and gives its exit code

The command finds MILLRACE_TEST_S3_URL (of a bucket), MILLRACE_TEST_S3_SECRETS (a secrets folder) and
MILLRACE_TEST_S3_PORT in its environment. The server is built from Go modules once, into
${XDG_CACHE_HOME:-~/.cache}/millrace/tools; what it stores stays in FOLDER. Needs go. Python's standard library only.
"""
import contextlib
import fcntl
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile

from server_process import Missing, ServerProcess, free_ports, tool_folder

MODULE = "github.com/versity/versitygw/cmd/versitygw@v1.8.0"
FLAGS = ("-trimpath", "-ldflags", "-s -w")
BUILD_SECONDS_MAX = 900
ACCESS_KEY_ID, SECRET_ACCESS_KEY = "millrace-test", "not-a-secret-of-anybody"
BUCKET = "checkpoints"


def server_program():
    """The server's program, built once for each version of the lines above; whoever comes second waits."""
    folder = tool_folder("versitygw", repr((MODULE, FLAGS)))
    program = folder / "versitygw"
    if program.is_file():
        return program
    go = shutil.which("go")
    if go is None:
        raise Missing("go is not installed, and the object store is built from Go modules")
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if program.is_file():
            return program
        with tempfile.TemporaryDirectory(dir=folder) as fresh:
            environment = dict(os.environ, GOBIN=fresh, CGO_ENABLED="0", GOFLAGS="-buildvcs=false")
            done = subprocess.run([go, "install", *FLAGS, MODULE], env=environment, capture_output=True, text=True,
                                  timeout=BUILD_SECONDS_MAX, check=False)
            if done.returncode != 0:
                raise Missing("the object store could not be built: " + done.stderr[-500:])
            (pathlib.Path(fresh) / "versitygw").rename(program)
    return program


class S3Server(ServerProcess):
    """One server. On a `host` (cluster/network.py) it runs there and listens at the host's address."""

    def __init__(self, folder, host=None):
        self.program = server_program()
        self.folder = pathlib.Path(folder).resolve() / "s3"
        super().__init__("the object store", self.folder)
        self.secrets = self.folder / "secrets"
        (self.folder / "data" / BUCKET).mkdir(parents=True)
        self.secrets.mkdir()
        for name, text in (("access-key-id", ACCESS_KEY_ID), ("secret-access-key", SECRET_ACCESS_KEY)):
            path = self.secrets / f"s3-{name}"
            path.write_text(text + "\n")
            path.chmod(0o600)
        self.host, self.address = host, host.address if host else "127.0.0.1"
        self.port = 9000 if host else free_ports(1)[0]
        if host:
            host.network.at_close.append(self.stop)

    def url(self, prefix="", port=None):
        """Of a store in the bucket; by another port where something stands in between."""
        place = f"{BUCKET}/{prefix}" if prefix else BUCKET
        trusted = "&insecure=true" if self.host else ""
        return f"s3://{place}?endpoint=http://{self.address}:{port or self.port}&region=us-east-1{trusted}"

    def objects(self, prefix=""):
        """The files of the bucket below a prefix, as paths."""
        return sorted(path for path in (self.folder / "data" / BUCKET / prefix).rglob("*") if path.is_file())

    def words(self):
        words = [self.program, "--port", f"{self.address}:{self.port}", "posix", self.folder / "data"]
        return self.host.command(*words) if self.host else words

    def environment(self):
        return {"ROOT_ACCESS_KEY": ACCESS_KEY_ID, "ROOT_SECRET_KEY": SECRET_ACCESS_KEY}

    def is_up(self):
        connect = self.host.connect if self.host else lambda address, port, seconds: socket.create_connection(
            (address, port), seconds)
        with contextlib.suppress(OSError), connect(self.address, self.port, 1):
            return True
        return False


def run_with_server(command):
    with tempfile.TemporaryDirectory(prefix="millrace-s3-") as folder, S3Server(folder) as server:
        environment = dict(os.environ, MILLRACE_TEST_S3_URL=server.url(), MILLRACE_TEST_S3_SECRETS=str(server.secrets),
                           MILLRACE_TEST_S3_PORT=str(server.port))
        return subprocess.run(command, env=environment, check=False).returncode


def main():
    words = sys.argv[1:]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        if len(words) > 1 and words[0] == "--":
            raise SystemExit(run_with_server(words[1:]))
        if len(words) != 1:
            raise SystemExit(__doc__)
        with S3Server(words[0]) as server, contextlib.suppress(KeyboardInterrupt):
            print(server.url(), flush=True)
            print(f"secrets: {server.secrets}", flush=True)
            server.process.wait()
    except Missing as missing:
        if os.environ.get("CI") == "true":
            print(f"object-store: {missing}")
            raise SystemExit(1) from missing
        print(f"object-store: skipped: {missing}")  # what ctest looks for


if __name__ == "__main__":
    main()
