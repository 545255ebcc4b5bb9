"""Two coordinators that want one job: what happens when an old one comes back, or somebody starts a second.

    duel = Duel(cluster, "stream", is_paused=True)
    duel.fight()

The second one has a copy of the first one's state and commits to the same store, as after a host that was taken for
dead. The first one may be paused meanwhile: then it comes back to a job that is no longer its own.
"""
import contextlib
import shutil

from cluster.processes import Failed, HostedProcess

STALE = "millrace_worker_stale_rejected_total"
PATIENCE_SECONDS = 60
DEPOSED = "another coordinator"


def stale_rejected(cluster):
    """{worker: messages of older terms and attempts that it has refused}; of those that answer."""
    refused = {}
    for name, worker in cluster.workers.items():
        with contextlib.suppress(OSError):  # it is dead, or paused
            refused[name] = sum(value for key, value in cluster.metrics(worker).items() if key.startswith(STALE))
    return refused


class Duel:
    """One takeover and the way back from it."""

    SECOND = "coordinator-2"

    def __init__(self, cluster, job, is_paused=False):
        self.cluster, self.job, self.is_paused = cluster, job, is_paused
        self.log = cluster.folder / "shared/checkpoints" / job / "log"
        self.outcome = ""

    def fight(self):
        """The second takes over; the first notices at its next commit, and leaves the job alone until it is told to go
        on. Fails when both go on."""
        before = self.cluster.status(self.job)
        second = self.make_second()
        try:
            if self.is_paused:
                self.cluster.coordinator.pause()
                entries = self.entries()
            second.start()
            if self.is_paused:
                self.cluster.wait(lambda: self.entries() - entries, "the second has committed", PATIENCE_SECONDS)
                self.cluster.coordinator.resume()
            deposed = self.cluster.wait(self.first_is_deposed, "the first coordinator is deposed", PATIENCE_SECONDS)
        finally:
            second.kill()
        if deposed["checkpoints"]["last_id"] < before["checkpoints"]["last_id"]:
            raise Failed(f"a checkpoint was lost: {before['checkpoints']} and then {deposed['checkpoints']}")
        self.cluster.done("resume", self.job)
        after = self.cluster.wait(lambda: self.running_after(deposed), "the first coordinator has gone on",
                                  PATIENCE_SECONDS)
        self.outcome = (f"{'paused, ' if self.is_paused else ''}attempt {before['attempt']} -> {after['attempt']}, deposed after checkpoint "
                        f"{deposed['checkpoints']['last_id']}, goes on with {after['checkpoints']['last_id']}")

    def entries(self):
        """Of the job's commit log."""
        return {path.name for path in self.log.iterdir()}

    def make_second(self):
        state = self.cluster.folder / "state" / self.SECOND
        shutil.rmtree(state, ignore_errors=True)
        shutil.copytree(self.cluster.folder / "state/coordinator", state)
        host = self.cluster.network.host(self.SECOND)
        self.cluster.make_keys(self.SECOND)
        return HostedProcess(self.SECOND, host, self.cluster.coordinator_words(self.SECOND, host),
                             self.cluster.folder / f"logs/{self.SECOND}.log")

    def first_is_deposed(self):
        status = self.cluster.status(self.job)
        return status if status["state"] == "failed" and DEPOSED in str(status.get("last_error")) else None

    def running_after(self, deposed):
        status = self.cluster.status(self.job)
        if status["state"] == "finished":
            return status
        is_ahead = status["checkpoints"]["last_id"] > deposed["checkpoints"]["last_id"]
        return status if status["state"] == "running" and is_ahead else None
