#!/usr/bin/env python3
"""Keys of a cluster as an operator makes and uses them: files, modes, TLS with them, a server that asks for them.

    tests/system/keygen_test.py [build/release/bin/millrace] [CASE...]
"""
import contextlib
import json
import os
import pathlib
import signal
import ssl
import stat
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from program import ProgramTest, Running, call, job_text, main, write_stream  # noqa: E402

USAGE, NOT_FOUND, CONFLICT, UNREACHABLE, NOT_ALLOWED = 2, 3, 4, 5, 6
REVOKED_WITHIN_S = 5
TURNS_MAX = 20  # of a handshake in memory


class Keys(ProgramTest):
    def setUp(self):
        super().setUp()
        self.keys = self.folder / "keys"

    def keygen(self, *words, code=0):
        return self.require_code(call("keygen", self.keys, *words), code)

    def contents(self):
        return {path: path.read_text() for path in self.keys.rglob("*") if path.is_file()}

    def secrets(self):
        """Whatever must never be seen anywhere but in its file."""
        lines = set()
        for path, text in self.contents().items():
            if path.suffix in (".key", ".secret"):
                lines.update(line for line in text.splitlines() if not line.startswith("-----"))
        return lines

    def require_no_secret_in(self, text, where):
        for secret in self.secrets():
            self.assertNotIn(secret, text, f"a secret is in {where}")

    def edit_policy(self, change):
        path = self.keys / "policy.json"
        policy = json.loads(path.read_text())
        change(policy)
        path.write_text(json.dumps(policy))


class Making(Keys):
    def test_files_are_private_and_only_their_paths_are_printed(self):
        old = os.umask(0)
        self.addCleanup(os.umask, old)
        outcome = self.keygen("--node", "worker-2,coordinator-2", "--client", "app=predict,ops=operate+read-metrics")
        for path in [self.keys, *self.keys.rglob("*")]:
            expected = 0o700 if path.is_dir() else 0o600
            self.assertEqual(oct(expected), oct(stat.S_IMODE(path.stat().st_mode)), path)
        for path in self.contents():
            self.require_said(outcome, f"made     {path}")
        self.require_no_secret_in(outcome.said, "what keygen prints")
        policy = json.loads((self.keys / "policy.json").read_text())
        self.assertEqual({"app": ["predict"], "ops": ["read-metrics", "operate"]},
                         {client["id"]: client["roles"] for client in policy["clients"]})

    def test_run_again_it_keeps_everything_and_says_so(self):
        self.keygen()
        before = self.contents()
        again = self.keygen("--output", "json")
        self.assertEqual({"kept"}, {file["state"] for file in again.summary["files"]})
        self.assertEqual({str(path) for path in before}, {file["path"] for file in again.summary["files"]})
        self.assertEqual(before, self.contents())
        self.require_no_secret_in(again.said, "what keygen prints")

    def test_force_renews_what_is_named(self):
        self.keygen()
        before = self.contents()
        outcome = self.keygen("--node", "worker-1", "--force", "--days", "90")
        self.require_said(outcome, f"renewed  {self.keys}/nodes/worker-1/node.key", f"kept     {self.keys}/ca/ca.key")
        changed = {path.name for path, text in self.contents().items() if text != before[path]}
        self.assertEqual({"node.key", "node.crt"}, changed)

    def test_what_is_wrong_is_said_with_the_exit_code_of_its_kind(self):
        self.require_said(self.keygen("--client", "app=predct", code=USAGE), "predct", "did you mean 'predict'")
        self.require_said(self.keygen("--node", "w=worke", code=USAGE), "worke", "did you mean 'worker'")
        self.require_said(self.keygen("--node", "../w", code=USAGE), "'../w'")
        self.require_said(self.keygen("--days", "0", code=USAGE), "0 days")
        self.assertFalse(self.keys.exists(), "a refused request must leave nothing behind")
        self.keygen()
        (self.keys / "ca/ca.key").unlink()
        self.require_said(self.keygen("--node", "worker-2", code=CONFLICT), "ca.key is gone", "--force")
        self.keys.chmod(0o755)
        self.require_said(self.keygen(code=NOT_ALLOWED), "0755", "chmod 0700")


class Tls(Keys):
    """Certificates are what TLS makes of them: handshakes of OpenSSL's own, in memory."""

    def context(self, side, keys, node, authority=None):
        context = ssl.SSLContext(side)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations((authority or keys) / "ca/ca.crt")
        if node:
            folder = keys / "nodes" / node
            context.load_cert_chain(folder / "node.crt", folder / "node.key")
        return context

    def shake_hands(self, server, client):
        """The certificate that each side saw."""
        to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
        ends = [server.wrap_bio(to_server, to_client, server_side=True), client.wrap_bio(to_client, to_server)]
        waiting = set(ends)
        for _ in range(TURNS_MAX):
            for end in list(waiting):
                try:
                    end.do_handshake()
                    waiting.discard(end)
                except ssl.SSLWantReadError:
                    pass
            if not waiting:
                return ends[0].getpeercert(), ends[1].getpeercert()
        return self.fail("the handshake came to no end")

    def test_nodes_of_a_cluster_know_each_other(self):
        self.keygen()
        server = self.context(ssl.PROTOCOL_TLS_SERVER, self.keys, "coordinator")
        client = self.context(ssl.PROTOCOL_TLS_CLIENT, self.keys, "worker-1")
        seen_by_server, seen_by_client = self.shake_hands(server, client)
        self.assertEqual((("URI", "millrace://worker/worker-1"), ("DNS", "worker-1")), seen_by_server["subjectAltName"])
        self.assertEqual((("URI", "millrace://coordinator/coordinator"), ("DNS", "coordinator")),
                         seen_by_client["subjectAltName"])

    def test_a_name_can_be_verified_where_somebody_does(self):
        self.keygen()
        server = self.context(ssl.PROTOCOL_TLS_SERVER, self.keys, "coordinator")
        client = self.context(ssl.PROTOCOL_TLS_CLIENT, self.keys, "worker-1")
        client.check_hostname = True
        to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
        end = client.wrap_bio(to_client, to_server, server_hostname="worker-1")
        other = server.wrap_bio(to_server, to_client, server_side=True)
        with self.assertRaisesRegex(ssl.SSLCertVerificationError, "not valid for 'worker-1'"):
            for _ in range(TURNS_MAX):
                for side in (end, other):
                    try:
                        side.do_handshake()
                    except ssl.SSLWantReadError:
                        pass

    def test_strangers_are_refused(self):
        self.keygen()
        other = self.folder / "other"
        self.require_code(call("keygen", other), 0)
        server = self.context(ssl.PROTOCOL_TLS_SERVER, self.keys, "coordinator")
        stranger = self.context(ssl.PROTOCOL_TLS_CLIENT, other, "worker-1", authority=self.keys)
        nobody = self.context(ssl.PROTOCOL_TLS_CLIENT, self.keys, None)
        for client in (stranger, nobody):
            with self.assertRaises(ssl.SSLError):
                self.shake_hands(server, client)
        misled = self.context(ssl.PROTOCOL_TLS_CLIENT, other, "worker-1")
        with self.assertRaises(ssl.SSLCertVerificationError):
            self.shake_hands(server, misled)


class Serving(Keys):
    def setUp(self):
        super().setUp()
        self.data = self.folder / "stream.csv"
        write_stream(self.data, 2_000)
        self.require_exact(self.run_job(self.write("job.yaml", job_text(self.data))), 2_000)
        self.keygen("--client", "app=predict,ops=operate")

    def serve(self, *words):
        server = Running(self.folder, "serve", "--state", self.state, "--listen", "tcp://127.0.0.1:0", "--output",
                         "json", *words)
        self.addCleanup(server.kill)
        self.wait_for(lambda: "\n" in server.out.read_text(), "the server's endpoint")
        return server, json.loads(server.out.read_text().splitlines()[0])["endpoint"]

    def predict(self, endpoint, *words):
        return call("predict", "stream", "--endpoint", endpoint, "--row", "size=0.1,speed=5,colour=red", *words)

    def as_client(self, name):
        return "--keys", self.keys / "clients" / name

    def test_only_clients_with_the_role_are_answered(self):
        server, endpoint = self.serve("--keys", self.keys / "nodes/worker-1")
        self.require_code(self.predict(endpoint, *self.as_client("app")), 0)
        self.require_said(self.require_code(self.predict(endpoint, *self.as_client("ops")), NOT_ALLOWED),
                          "client ops", "predict")
        self.require_said(self.require_code(self.predict(endpoint), NOT_ALLOWED), "--keys")
        self.require_no_secret_in(server.out.read_text() + server.err.read_text(), "the server's output")
        for name in ("cmdline", "environ"):
            with contextlib.suppress(PermissionError):  # to be seen by root alone: better still
                seen = pathlib.Path(f"/proc/{server.process.pid}/{name}").read_bytes().decode(errors="replace")
                self.require_no_secret_in(seen, name)
        server.signal(signal.SIGTERM)
        self.require_code(server.wait(30), 0)
        self.require_said(server.wait(), "client=ops")

    def test_a_key_that_is_taken_out_is_refused_soon(self):
        _, endpoint = self.serve("--keys", self.keys / "nodes/worker-1")
        self.require_code(self.predict(endpoint, *self.as_client("app")), 0)
        self.edit_policy(lambda policy: policy["clients"].pop(0))
        time.sleep(REVOKED_WITHIN_S)
        self.require_said(self.require_code(self.predict(endpoint, *self.as_client("app")), NOT_ALLOWED),
                          "refuses the key")

    def test_a_client_with_keys_refuses_a_server_without(self):
        _, endpoint = self.serve()
        self.require_said(self.require_code(self.predict(endpoint, *self.as_client("app")), NOT_ALLOWED),
                          "does not use keys")
        self.require_code(self.predict(endpoint), 0)

    def require_not_started(self, code, *words, flags=()):
        keys = () if "--keys" in flags else ("--keys", self.keys / "nodes/worker-1")
        outcome = call("serve", "--state", self.state, "--listen", "tcp://127.0.0.1:0", *keys, *flags)
        self.require_said(self.require_code(outcome, code), *words)

    def test_a_server_does_not_start_with_keys_that_are_not_whole(self):
        node = self.keys / "nodes/worker-1"
        self.require_not_started(NOT_ALLOWED, "makes its owner a coordinator",
                                 flags=("--keys", self.keys / "nodes/coordinator"))
        self.require_not_started(NOT_FOUND, "lacks", flags=("--keys", self.keys))
        (node / "node.key").chmod(0o640)
        self.require_not_started(NOT_ALLOWED, "0640", "chmod 0600")
        (node / "node.key").chmod(0o600)
        (node / "node.crt").unlink()
        self.require_not_started(NOT_FOUND, "lacks node.crt")
        self.keygen()
        (self.keys / "policy.json").write_text("{}")
        self.require_not_started(USAGE, "policy.json")

    def test_listening_beyond_the_machine_without_keys_is_refused(self):
        outcome = call("serve", "--state", self.state, "--listen", "tcp://0.0.0.0:0")
        self.require_said(self.require_code(outcome, NOT_ALLOWED), "millrace keygen", "--insecure")

    def test_flags_without_an_effect_are_refused(self):
        self.require_code(call("serve", "--state", self.state, "--policy", self.keys / "policy.json"), USAGE)
        outcome = call("predict", "stream", "--state", self.state, "--row", "size=1", *self.as_client("app"))
        self.require_said(self.require_code(outcome, USAGE), "--endpoint")


if __name__ == "__main__":
    main()
