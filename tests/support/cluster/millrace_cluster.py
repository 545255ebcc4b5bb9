"""A Millrace cluster of real processes on hosts of their own: coordinator, workers, clients, with keys for all.

    with Cluster(folder, workers=2) as cluster:
        cluster.start()
        cluster.cli("submit", job)
        cluster.workers["worker-1"].kill().start()
        cluster.wait_for_state("name", "finished")

Everything that processes write lies in `folder`: keys/, state/NAME/, logs/NAME.log, and shared/, which all of them
see: shared/data is the only place that workers read files from, shared/checkpoints the store.
"""
import json
import pathlib
import re
import subprocess

from cluster.fault_proxy import FaultProxy
from cluster.network import Network
from cluster.processes import Failed, HostedProcess, wait_for
from program import Outcome, program

ACTORS, CONTROL, METRICS = 4700, 4701, 4703
WORKER_ACTORS, PREDICTIONS, WORKER_METRICS = 4710, 4711, 4713
CLI_SECONDS_MAX = 120
LOOK_SECONDS_MAX = 3
SLOTS = 2  # of a worker
MEMORY = 1 << 30
OPERATOR, CALLER = "ops", "app"
TRAINED = "millrace_worker_records_total"
ENDED = ("finished", "stopped", "failed", "cancelled")


def programs():
    """By name, of the build under test."""
    here = program()
    return {name: here.with_name(name) for name in ("millrace", "millrace-coordinator", "millrace-worker")}


def missing_programs():
    return sorted(name for name, path in programs().items() if not path.is_file())


class Cluster:
    """The hosts with their programs, not started."""

    def __init__(self, folder, workers=2, slots=SLOTS, coordinator_flags=(), worker_flags=()):
        self.folder, self.slots = pathlib.Path(folder).resolve(), slots
        self.checkpoints = f"file://{self.folder}/shared/checkpoints"
        self.coordinator_flags, self.worker_flags = list(coordinator_flags), list(worker_flags)
        for name in ("logs", "state", "shared/data", "shared/checkpoints"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        self.data = self.folder / "shared/data"
        self.network = Network()
        try:
            self.client = self.network.host("client")
            self.coordinator = self._process("coordinator", self.coordinator_words)
            self.workers = {}
            for number in range(1, workers + 1):
                self.add_worker(f"worker-{number}")
        except BaseException:
            self.network.close()
            raise

    # ---- Processes

    def add_worker(self, name):
        """Not started."""
        self.workers[name] = self._process(name, self.worker_words)
        return self.workers[name]

    def start(self):
        """All that are not running, until the coordinator knows the workers."""
        for process in self.processes:
            if not process.is_alive():
                process.start()
        self.coordinator.wait_ready(METRICS)
        for worker in self.workers.values():
            self.wait_joined(worker)
        return self

    def wait_joined(self, worker, seconds=60):
        worker.wait_until(lambda: worker.host.get(worker.host.address, WORKER_METRICS, "/readyz")[0] == 200,
                          "it is ready", seconds)

    @property
    def processes(self):
        return [self.coordinator, *self.workers.values()]

    def close(self):
        self.network.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _process(self, name, words_for):
        host = self.network.host(name)
        self.make_keys(name)
        return HostedProcess(name, host, words_for(name, host), self.folder / f"logs/{name}.log")

    def make_keys(self, name):
        """Of one node; with the first come the authority and the clients."""
        clients = f"{CALLER}=predict,{OPERATOR}=operate+read-metrics"
        done = subprocess.run([programs()["millrace"], "keygen", self.folder / "keys", "--node", name, "--client",
                               clients], capture_output=True, text=True, timeout=CLI_SECONDS_MAX, check=False)
        if done.returncode != 0:
            raise Failed(f"keygen: {done.stdout}{done.stderr}")

    def coordinator_words(self, name, host):
        return [programs()["millrace-coordinator"], "--listen", f"{host.address}:{ACTORS}",
                "--control", f"tcp://{host.address}:{CONTROL}",
                "--metrics", f"{host.address}:{METRICS}", "--state", self.folder / "state" / name,
                "--checkpoints", self.checkpoints,
                *self._node_keys(name), *self.coordinator_flags]

    def worker_words(self, name, host):
        coordinator = self.network.host("coordinator").address
        return [programs()["millrace-worker"], "--name", name, "--coordinator", f"{coordinator}:{ACTORS}",
                "--listen", f"{host.address}:{WORKER_ACTORS}", "--advertise", host.address,
                "--predictions", f"tcp://{host.address}:{PREDICTIONS}",
                "--metrics", f"{host.address}:{WORKER_METRICS}", "--state", self.folder / "state" / name,
                "--slots", self.slots, "--memory", MEMORY, "--roles", "train,parameters,serve",
                "--data-root", self.data, *self._node_keys(name), *self.worker_flags]

    def _node_keys(self, name):
        """The policy is where keygen has put it."""
        return ["--keys", self.folder / "keys/nodes" / name]

    def client_keys(self, name):
        return ["--keys", self.folder / "keys/clients" / name] if name else []

    def put_proxy_before_coordinator(self, worker):
        """A worker that has not started yet will reach the coordinator through this proxy alone."""
        proxy = FaultProxy(self.network.host(f"{worker.name}-proxy"), ACTORS, (self.coordinator.host.address, ACTORS))
        self.network.at_close.append(proxy.close)
        worker.words[worker.words.index("--coordinator") + 1] = f"{proxy.host.address}:{ACTORS}"
        return proxy.start()

    def store_in(self, url, secrets):
        """Checkpoints go there, before anything is started; all processes find the credentials in this folder."""
        self.checkpoints = url
        for process in self.processes:
            process.words += ["--secrets", str(secrets)]
        words = self.coordinator.words
        words[words.index("--checkpoints") + 1] = url

    # ---- What a user does

    def cli(self, verb, *words, seconds=CLI_SECONDS_MAX, keys=OPERATOR):
        """One command on the client's host, with its answer as JSON."""
        return self._run(verb, *words, "--coordinator", self.control_endpoint, *self.client_keys(keys), seconds=seconds)

    def predict(self, endpoint, model, row, keys=CALLER):
        """One prediction of one worker."""
        return self._run("predict", model, "--row", row, "--endpoint", endpoint, *self.client_keys(keys))

    def _run(self, *words, seconds=CLI_SECONDS_MAX):
        command = self.client.command(programs()["millrace"], *words, "--output", "json")
        done = subprocess.run(command, capture_output=True, text=True, timeout=seconds, cwd=self.folder, check=False)
        return Outcome(done.returncode, done.stdout, done.stderr)

    def done(self, verb, *words, **options):
        """A command that must succeed; its answer."""
        outcome = self.cli(verb, *words, **options)
        if outcome.code != 0:
            raise Failed(f"millrace {verb} {' '.join(map(str, words))}: {outcome}\n{self.tails()}")
        return outcome.summary if outcome.out.strip() else {}

    @property
    def control_endpoint(self):
        return f"tcp://{self.coordinator.host.address}:{CONTROL}"

    def prediction_endpoints(self):
        return [f"tcp://{worker.host.address}:{PREDICTIONS}" for worker in self.workers.values()]

    def status(self, job):
        return self.done("status", job)

    def look(self, job):
        """Its status, or an error soon."""
        return self.cli("status", job, "--request-timeout", LOOK_SECONDS_MAX)

    def wait_for_state(self, job, *states, seconds=300):
        """Its status then. A job that has ended otherwise fails at once."""
        def in_one_of_them():
            outcome = self.look(job)
            if outcome.code != 0:
                return None  # the coordinator is away, or just back
            state = outcome.summary["state"]
            if state in ENDED and state not in states:
                raise Failed(f"{job} is {state}: {outcome}\n{self.tails()}")
            return outcome.summary if state in states else None
        return self.wait(in_one_of_them, f"{job} is {' or '.join(states)}", seconds, poll=0.3)

    def wait_for_records(self, job, records, seconds=120):
        """Until it has learned so many; its status then."""
        def learned():
            outcome = self.look(job)
            return outcome.summary if outcome.code == 0 and (outcome.summary.get("records") or 0) >= records else None
        return self.wait(learned, f"{job} has learned {records} records", seconds, poll=0.2)

    def wait(self, claim, what, seconds, poll=0.1):
        try:
            return wait_for(claim, what, seconds, poll)
        except Failed as failed:
            raise failed if "----" in str(failed) else Failed(f"{failed}\n{self.tails()}") from None

    # ---- What is seen from outside

    def metrics(self, process):
        """{'name{labels}': value} of what a process tells Prometheus."""
        port = METRICS if process is self.coordinator else WORKER_METRICS
        status, text = process.host.get(process.host.address, port, "/metrics")
        if status != 200:
            raise Failed(f"{process.name}: /metrics says {status}: {text[:200]}")
        return {name: float(value) for name, value in re.findall(r"^([^#\s].*?) ([-+.\w]+)(?: \d+)?$", text, re.M)}

    def trained(self):
        """Records that the workers' own counters have seen; they do not fall back when a checkpoint is restored."""
        return sum(value for worker in self.workers.values() if worker.is_alive()
                   for name, value in self.metrics(worker).items() if name.startswith(TRAINED))

    def tails(self):
        return "\n".join(process.tail() for process in self.processes)


def counted(status):
    """(records, records in the confusion matrix, read, quarantined + skipped) of a status."""
    matrix = status["metrics"]["prequential"]["confusion_matrix"]
    return status["records"], sum(map(sum, matrix)), status["read"], status["quarantined"] + status["skipped"]


def require_exact(status, records):
    """Each record was learned, and counted by the metrics, exactly once."""
    if counted(status) != (records, records, records, 0):
        raise Failed(f"wanted {records} records, counted (records, matrix, read, set aside) {counted(status)}:\n"
                     + json.dumps(status)[:3000])
    return status
