"""What goes wrong between hosts: cut, one-way, lossy, slow and flapping links, links that are down.

Each method starts a fault and gives it back; `heal` ends it, and so does the end of a `with` block. Faults between
the same hosts add up. Packets are dropped by nftables on the bridge, rates are limited by `tc tbf` at both ends of a
host's link, so that neither program nor host can see why.
"""
import itertools
import json
import threading

from cluster.network import call

BURST = "32kb"  # of a slow link: some full packets, so that the rate is reached
QUEUE = "400ms"  # a slow link holds this much before it drops


class Fault:
    """One fault that is in force until it heals."""

    def __init__(self, faults, what, rules=(), heal=None):
        self.what, self._faults, self._heal = what, faults, heal
        self.counter = f"c{next(faults.numbers)}"
        self.rules = [rule.format(counter=self.counter) for rule in rules]
        self.is_healed = False
        faults.start(self)

    def heal(self):
        if not self.is_healed:
            self.is_healed = True
            self._faults.end(self)
            if self._heal:
                self._heal()

    def dropped(self):
        """How many packets it has taken so far."""
        told = json.loads(self._faults.nft("-j", "list", "counter", "bridge", "faults", self.counter))
        return next(entry["counter"]["packets"] for entry in told["nftables"] if "counter" in entry)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.heal()

    def __str__(self):
        return self.what


class Flapping(threading.Thread):
    """Starts a fault and heals it by turns until it is healed for good."""

    def __init__(self, start_fault, seconds):
        super().__init__(daemon=True)
        self._start_fault, self._seconds, self._ends = start_fault, seconds, threading.Event()
        self.times = 0
        self.start()

    def run(self):
        while not self._ends.is_set():
            fault = self._start_fault()
            self.times += 1
            self._ends.wait(self._seconds)
            fault.heal()
            self._ends.wait(self._seconds)

    def heal(self):
        self._ends.set()
        self.join(timeout=60)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.heal()


class Faults:
    """Of one network. Hosts are given by name; methods may be called from any thread."""

    def __init__(self, network):
        self.numbers = itertools.count(1)
        self._network, self._running, self._lock = network, [], threading.RLock()
        self.nft("-f", "-", text="add table bridge faults\nadd chain bridge faults forward "
                                 "{ type filter hook forward priority 0; policy accept; }\n")

    def nft(self, *words, text=None):
        return call("nsenter", f"--net=/run/netns/{self._network.bridge}", "nft", *words, text=text)

    def cut(self, one, other=None):
        """Nothing passes between two hosts, or between one and all others. Connections stay open, unheard."""
        return Fault(self, f"cut {one} - {other or 'all'}", self._ways(one, other))

    def one_way(self, sender, receiver=None):
        """What `sender` sends does not arrive; what it is sent does."""
        return Fault(self, f"cut {sender} -> {receiver or 'all'}", self._ways(sender, receiver)[:1])

    def lossy(self, one, other=None, percent=10):
        if not 0 < percent < 100:
            raise ValueError(f"{percent} per cent")
        lost = f"numgen random mod 100 < {percent} "
        return Fault(self, f"{percent} % lost {one} - {other or 'all'}", self._ways(one, other, lost))

    def slow(self, host, rate="1mbit"):
        """Everything to and from a host passes at this rate."""
        ends = self._ends(host)
        for words in ends:
            call("tc", *words[:2], "qdisc", "add", "dev", words[2], "root", "tbf", "rate", rate, "burst", BURST,
                 "latency", QUEUE)

        def heal():
            for words in ends:
                call("tc", *words[:2], "qdisc", "del", "dev", words[2], "root")
        return Fault(self, f"{host} at {rate}", heal=heal)

    def down(self, host):
        """The cable is pulled: the host sees its link without a carrier."""
        port = self._network.hosts[host].port
        call("ip", "-n", self._network.bridge, "link", "set", port, "down")
        return Fault(self, f"{host} unplugged",
                     heal=lambda: call("ip", "-n", self._network.bridge, "link", "set", port, "up"))

    def flapping(self, one, other=None, seconds=2):
        """Cut for so many seconds, whole for as many, and so on."""
        return Flapping(lambda: self.cut(one, other), seconds)

    def heal(self):
        """Ends all faults."""
        for fault in list(self._running):
            fault.heal()

    def _ways(self, one, other, which=""):
        one = self._network.hosts[one].port
        there = f'oifname "{self._network.hosts[other].port}" ' if other else ""
        back = f'iifname "{self._network.hosts[other].port}" ' if other else ""
        return [f'iifname "{one}" {there}{which}counter name {{counter}} drop',
                f'{back}oifname "{one}" {which}counter name {{counter}} drop']

    def _ends(self, host):
        host = self._network.hosts[host]
        return [("-n", self._network.bridge, host.port), ("-n", host.namespace, "eth0")]

    def start(self, fault):
        with self._lock:
            self._running.append(fault)
            self._apply(f"add counter bridge faults {fault.counter}\n" if fault.rules else "")

    def end(self, fault):
        with self._lock:
            self._running.remove(fault)
            self._apply("")

    def _apply(self, first):
        """One transaction: no packet passes between the old rules and the new."""
        rules = [f"add rule bridge faults forward {rule}\n" for fault in self._running for rule in fault.rules]
        self.nft("-f", "-", text=first + "flush chain bridge faults forward\n" + "".join(rules))
