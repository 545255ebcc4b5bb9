#!/usr/bin/env python3
"""The harness of the cluster's tests does what it says: cut cuts, loss loses, heal heals, nothing is left behind.

    tests/system/harness_test.py [CASE...]

Small programs alone, nothing of Millrace. Needs root; times are bounds of waiting, never claims about speed.
"""
import contextlib
import http.client
import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import unittest

SUPPORT = pathlib.Path(__file__).resolve().parents[1] / "support"
sys.path.insert(0, str(SUPPORT))
from cluster.fault_proxy import FaultProxy  # noqa: E402
from cluster.network import Network, Unavailable, check_available, namespaces, sweep  # noqa: E402
from cluster.processes import Failed, HostedProcess, wait_for  # noqa: E402
from program import main  # noqa: E402

PORT = 8080
DATAGRAMS = 400
SERVER = ("python3", "-m", "http.server", PORT)


def setUpModule():  # noqa: N802 - unittest's name
    try:
        check_available()
    except Unavailable as reason:
        raise unittest.SkipTest(str(reason)) from reason


def send_all(end):
    with contextlib.suppress(OSError):  # the receiver may leave in the middle
        end.sendall(bytes(1 << 20))


class Hosts(unittest.TestCase):
    """A network with a web server on host a."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="millrace-harness-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        (self.folder / "page").write_text("hello")
        self.network = Network()
        self.addCleanup(self.network.close)
        self.a, self.b, self.c = (self.network.host(name) for name in "abc")
        self.server = HostedProcess("server", self.a, SERVER, self.folder / "server.log", cwd=self.folder)
        self.server.start().wait_ready(PORT, "/page")

    def reaches(self, host, seconds=1):
        try:
            return host.get(self.a.address, PORT, "/page", seconds) == (200, "hello")
        except OSError:
            return False

    def require_healed(self, host):
        wait_for(lambda: self.reaches(host, 5), f"{host.name} reaches a again", 30)

    def received(self, sender, receiver, count=DATAGRAMS):
        """How many of so many datagrams arrive."""
        with receiver.socket(socket.SOCK_DGRAM) as inbox, sender.socket(socket.SOCK_DGRAM) as outbox:
            inbox.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
            inbox.bind((receiver.address, 0))
            inbox.settimeout(1)
            for _ in range(count):
                outbox.sendto(b"x", inbox.getsockname())
            arrived = 0
            try:
                while arrived < count:
                    inbox.recv(16)
                    arrived += 1
            except TimeoutError:
                pass
            return arrived


class Faults(Hosts):
    def test_programs_of_one_network_reach_each_other_and_nothing_else(self):
        self.assertTrue(self.reaches(self.b))
        fetched = subprocess.run(self.b.command("curl", "-s", f"http://{self.a.address}:{PORT}/page"),
                                 capture_output=True, timeout=20, check=True)
        self.assertEqual(b"hello", fetched.stdout)
        with Network() as other:
            same_address = [other.host(name) for name in "ab"][1]
            self.assertEqual(self.b.address, same_address.address)
            self.assertFalse(self.reaches(same_address))
        self.assertTrue(self.reaches(self.b), "the end of another network must change nothing here")

    def test_a_cut_cuts_two_hosts_and_heals(self):
        with self.network.faults.cut("a", "b") as fault:
            self.assertFalse(self.reaches(self.b))
            self.assertTrue(self.reaches(self.c))
            self.assertGreater(fault.dropped(), 0)
        self.require_healed(self.b)

    def test_a_host_cut_from_all_is_alone(self):
        with self.network.faults.cut("a"):
            self.assertFalse(self.reaches(self.b))
            self.assertFalse(self.reaches(self.c))
        self.require_healed(self.b)

    def test_an_open_connection_outlives_a_cut(self):
        connection = self.b.connect(self.a.address, PORT)
        with connection, self.network.faults.cut("a", "b"):
            connection.sendall(b"GET /page HTTP/1.0\r\n\r\n")
            connection.settimeout(0.5)
            with self.assertRaises(TimeoutError):
                connection.recv(100)
            self.network.faults.heal()
            connection.settimeout(20)  # the kernel sends again by and by
            self.assertIn(b"200", connection.recv(100))

    def test_one_way_is_one_way(self):
        self.assertEqual(20, self.received(self.a, self.b, 20))
        with self.network.faults.one_way("a", "b"):
            self.assertEqual(0, self.received(self.a, self.b, 20))
            self.assertEqual(20, self.received(self.b, self.a, 20))
        self.assertEqual(20, self.received(self.a, self.b, 20))

    def test_a_lossy_link_loses_its_share_and_connections_get_through(self):
        with self.network.faults.lossy("a", "b", percent=30) as fault:
            # While a host's link address is asked for, the kernel keeps some datagrams and drops the rest.
            wait_for(lambda: self.received(self.b, self.a, 1), "a datagram arrives", 30)
            arrived = self.received(self.b, self.a)
            # 30 % of 400: these bounds are more than six standard deviations away.
            self.assertTrue(0.55 * DATAGRAMS < arrived < 0.85 * DATAGRAMS, arrived)
            self.assertGreaterEqual(fault.dropped(), DATAGRAMS - arrived)
            wait_for(lambda: self.reaches(self.b, 5), "a request gets through", 30)
        self.assertEqual(DATAGRAMS, self.received(self.b, self.a))

    def test_faults_add_up_and_end_one_by_one(self):
        first, second = self.network.faults.cut("a", "b"), self.network.faults.one_way("c", "a")
        self.assertFalse(self.reaches(self.b) or self.reaches(self.c))
        first.heal()
        self.require_healed(self.b)
        self.assertFalse(self.reaches(self.c))
        second.heal()
        self.require_healed(self.c)

    def test_a_slow_link_holds_back_what_a_whole_one_carries(self):
        def carried(seconds):
            with self.a.socket() as listener, self.b.socket() as sender:
                listener.bind((self.a.address, 0))
                listener.listen()
                sender.connect(listener.getsockname())
                receiver, _ = listener.accept()
                with receiver:
                    threading.Thread(target=send_all, args=(sender,), daemon=True).start()
                    receiver.settimeout(seconds)
                    total = 0
                    try:
                        while total < 1 << 20:
                            total += len(receiver.recv(1 << 16))
                    except TimeoutError:
                        pass
                    receiver.shutdown(socket.SHUT_RDWR)
                    return total
        self.assertEqual(1 << 20, carried(20))
        with self.network.faults.slow("b", "64kbit"):
            self.assertTrue(self.reaches(self.b, 20))
            self.assertLess(carried(0.05), 1 << 20)  # the next packet is a fifth of a second away
            told = subprocess.run(["tc", "-n", self.network.bridge, "qdisc", "show"], capture_output=True, text=True,
                                  check=True).stdout
            self.assertIn("rate 64Kbit", told)
        self.assertEqual(1 << 20, carried(20))

    def test_a_host_without_its_link_comes_back(self):
        with self.network.faults.down("a"):
            self.assertFalse(self.reaches(self.b))
        self.require_healed(self.b)

    def test_a_flapping_link_is_cut_and_whole_by_turns(self):
        flapping = self.network.faults.flapping("a", "b", seconds=0.3)
        with flapping:
            wait_for(lambda: self.received(self.a, self.b, 1) == 0, "a cut", 20)
            wait_for(lambda: self.received(self.a, self.b, 1) == 1, "a link", 20)
            wait_for(lambda: flapping.times >= 2, "another cut", 20)
        self.require_healed(self.b)

    def test_who_listens_is_seen(self):
        self.assertEqual([("0.0.0.0", PORT)], self.a.listening())
        self.assertEqual([], self.b.listening())


class Processes(Hosts):
    def test_killed_and_started_again_it_answers_again(self):
        self.server.kill()
        self.assertEqual(-signal.SIGKILL, self.server.process.returncode)
        self.assertFalse(self.reaches(self.b))
        self.server.start().wait_ready(PORT, "/page")
        self.assertTrue(self.reaches(self.b))
        self.assertIn("life 2", self.server.tail())

    def test_paused_it_is_silent_and_alive(self):
        self.server.pause()
        self.assertFalse(self.reaches(self.b, 0.5))
        self.assertTrue(self.server.is_alive())
        self.server.resume()
        self.require_healed(self.b)
        self.server.pause().kill()
        self.assertFalse(self.server.is_alive())

    def test_an_orderly_end_gives_its_code_and_the_pid_is_the_program(self):
        self.assertEqual([self.server.pid], self.a.pids())
        self.assertEqual(-signal.SIGTERM, self.server.stop())
        self.assertEqual([], self.a.pids())

    def test_a_program_that_ends_too_soon_fails_with_what_it_said(self):
        second = HostedProcess("second", self.a, SERVER, self.folder / "second.log")
        with self.assertRaisesRegex(Failed, "Address already in use"):
            second.start().wait_said("never said")

    def test_waiting_is_bounded_and_shows_the_log(self):
        silent = HostedProcess("silent", self.b, ("sh", "-c", "echo the last words; sleep 600"), self.folder / "log")
        with self.assertRaisesRegex(Failed, "(?s)not within 0.5 s: silent: .*the last words"):
            silent.start().wait_ready(PORT, seconds=0.5)


class Leftovers(Hosts):
    def test_closing_leaves_neither_namespace_nor_process(self):
        pid, prefix = self.server.pid, self.network.prefix.removeprefix("millrace-")
        self.assertEqual(4, len(namespaces(prefix)))
        self.network.close()
        self.assertEqual([], namespaces(prefix))
        self.server.process.wait(timeout=10)
        self.assertFalse(pathlib.Path(f"/proc/{pid}").exists())

    def test_a_killed_test_leaves_nothing_behind(self):
        self.abandoned(kill_guard=False)

    def test_what_a_killed_test_and_its_guard_leave_is_swept_by_the_next(self):
        self.abandoned(kill_guard=True)

    def abandoned(self, kill_guard):
        script = (f"import sys, time, pathlib; sys.path.insert(0, {str(SUPPORT)!r})\n"
                  "from cluster.network import Network\nfrom cluster.processes import HostedProcess\n"
                  f"network = Network(); log = pathlib.Path({str(self.folder)!r}) / 'abandoned.log'\n"
                  "process = HostedProcess('p', network.host('a'), ['sleep', '600'], log).start()\n"
                  "print(network.prefix, process.pid, network._guard.pid, flush=True); time.sleep(600)\n")
        with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as test:
            prefix, pid, guard = test.stdout.readline().split()
            of_it = prefix.removeprefix("millrace-")
            self.assertEqual(2, len(namespaces(of_it)))
            if kill_guard:
                os.kill(int(guard), signal.SIGKILL)
            test.kill()
        if kill_guard:
            self.assertEqual(2, len(namespaces(of_it)))
            self.assertEqual(2, sum(of_it in name for name in sweep()))
        wait_for(lambda: not namespaces(of_it), "the namespaces are gone", 20)
        wait_for(lambda: not pathlib.Path(f"/proc/{pid}").exists(), "the process is gone", 20)
        self.assertTrue(self.reaches(self.b), "this network must not be swept with it")


class Proxy(Hosts):
    def setUp(self):
        super().setUp()
        self.proxy = FaultProxy(self.c, 9000, (self.a.address, PORT)).start()
        self.addCleanup(self.proxy.close)

    def asked(self, seconds=10, path="/page"):
        return self.b.get(self.c.address, 9000, path, seconds)

    def test_it_passes_on_both_ways(self):
        (self.folder / "large").write_bytes(bytes(range(256)) * 8192)
        self.assertEqual((200, "hello"), self.asked())
        self.assertEqual(2 << 20, len(subprocess.run(
            self.b.command("curl", "-s", f"http://{self.c.address}:9000/large"), capture_output=True, timeout=30,
            check=True).stdout))
        self.assertEqual(2, self.proxy.connections)
        self.assertGreater(self.proxy.bytes["down"], 2 << 20)

    def test_a_delay_holds_an_answer_back_and_ends(self):
        self.proxy.delay = 0.5
        with self.assertRaises(TimeoutError):
            self.asked(seconds=0.7)  # half a second each way
        self.proxy.delay = 0
        self.assertEqual((200, "hello"), self.asked())

    def test_a_stalled_direction_goes_on_where_it_was(self):
        self.proxy.stalled.add("down")
        with self.b.connect(self.c.address, 9000) as connection:
            connection.sendall(b"GET /page HTTP/1.0\r\n\r\n")
            connection.settimeout(0.3)
            with self.assertRaises(TimeoutError):
                connection.recv(100)
            self.proxy.stalled.clear()
            connection.settimeout(10)
            self.assertIn(b"200", connection.recv(100))

    def test_one_flipped_byte_is_one(self):
        _, before = self.asked()
        self.proxy.flip("up", 5)  # the p of GET /page becomes a byte that names no file
        self.assertNotEqual(200, self.asked()[0])
        self.assertEqual((200, before), self.asked())

    def test_a_half_open_connection_never_ends_for_the_other_side(self):
        self.proxy.half_open = True
        with self.b.connect(self.c.address, 9000) as connection:
            connection.sendall(b"GET /page HTTP/1.0\r\n\r\n")
            connection.settimeout(0.5)
            with self.assertRaises(TimeoutError):
                while connection.recv(1000):
                    pass
            self.proxy.reset()
            connection.settimeout(10)
            with self.assertRaises(ConnectionResetError):
                connection.recv(100)

    def test_forgotten_connections_stay_open_and_carry_nothing_while_new_ones_do(self):
        with self.b.connect(self.c.address, 9000) as connection:
            connection.sendall(b"GET /pa")
            wait_for(lambda: self.proxy.bytes["up"] == 7, "the bytes have passed", 10)
            self.proxy.forget()
            self.assertEqual((200, "hello"), self.asked())
            connection.sendall(b"ge HTTP/1.0\r\n\r\n")
            connection.settimeout(0.5)
            with self.assertRaises(TimeoutError):
                connection.recv(100)

    def test_a_reset_ends_connections_and_lets_new_ones_through(self):
        with self.b.connect(self.c.address, 9000) as connection:
            connection.sendall(b"GET /pa")
            wait_for(lambda: self.proxy.bytes["up"] == 7, "the bytes have passed", 10)
            self.proxy.reset()
            connection.settimeout(10)
            with self.assertRaises(ConnectionResetError):
                connection.recv(100)
        self.assertEqual((200, "hello"), self.asked())

    def test_a_target_that_is_away_ends_the_connection(self):
        self.server.kill()
        with self.assertRaises((OSError, http.client.HTTPException)):
            self.asked(2)
        self.server.start().wait_ready(PORT, "/page")
        self.assertEqual((200, "hello"), self.asked())


if __name__ == "__main__":
    main()
