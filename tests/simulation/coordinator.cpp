#include "tests/simulation/coordinator.hpp"

#include <utility>
#include <vector>

#include "tests/simulation/cluster.hpp"

namespace millrace::sim {

namespace {

constexpr Time kTick = 40 * kMillisecond;
constexpr Time kLostAfter = 700 * kMillisecond;

Milliseconds to_milliseconds(Time time) {
  return Milliseconds(time / kMillisecond);
}

JobOptions job_options(const SimOptions& options, const Sizes& sizes, const std::string& writer) {
  JobOptions job;
  job.writer = writer;
  job.parallelism = sizes.replicas;
  job.shards = sizes.shards;
  job.mode = options.mode;
  job.retain = options.retain;
  job.checkpoint_interval = to_milliseconds(options.cut_interval);
  job.cut_timeout = to_milliseconds(options.cut_timeout);
  job.start_timeout = Milliseconds(4'000);
  job.retry_interval = Milliseconds(120);
  job.store_patience = Milliseconds(1'000'000);
  job.restarts_max = 1'000'000;  // faults are allowed to win often, never for ever
  job.backoff = Milliseconds(20);
  job.backoff_max = Milliseconds(200);
  job.adoption_patience = to_milliseconds(options.adoption_patience);
  job.has_sinks = options.has_sinks;
  job.release_patience = Milliseconds(1'000'000);
  job.log_snapshot_every = options.log_snapshot_every;
  job.mutations = options.mutations.job;
  return job;
}

}  // namespace

Coordinator::Coordinator(Cluster& cluster, World& world, ProcessId process,
                         const std::string& writer)
    : cluster_(cluster),
      world_(world),
      home_(world.address(process)),
      machine_(job_options(world.options(), cluster.sizes(), writer)) {}

void Coordinator::start() {
  from_ = cluster_.start_from();
  const Truth& truth = cluster_.truth();
  on_event(JobStarted{cluster_.store().splits(truth), from_, truth.planned()});
  if (world_.is_alive(home_)) tick();
}

void Coordinator::tick() {
  std::vector<WorkerId> lost;
  for (const auto& [worker, at] : heard_) {
    if (world_.now() - at > kLostAfter) lost.push_back(worker);
  }
  for (const WorkerId worker : lost) {
    heard_.erase(worker);
    parts_.erase(worker);
    on_event(WorkerLost{worker});
    if (!world_.is_alive(home_)) return;
  }
  on_event(Tick{to_milliseconds(world_.now())});
  if (!world_.is_alive(home_)) return;
  world_.after(home_, kTick, "tick", [this] { tick(); });
}

void Coordinator::on_register(Address from, WorkerId worker,
                              const std::optional<RunningPart>& running) {
  if (!heard_.contains(worker)) cluster_.serving().joined(home_, from);
  const bool is_new = !heard_.contains(worker) || parts_[worker] != running;
  heard_[worker] = world_.now();
  parts_[worker] = running;
  const WorkerRoom room = world_.options().is_one_each ? WorkerRoom{1, 1} : WorkerRoom{};
  if (is_new) on_event(WorkerRegistered{worker, room, running});
}

void Coordinator::on_event(const JobEvent& event) {
  execute(machine_.on_event(event));
  const bool is_new =
      machine_.is_adopted() && machine_.state() == JobState::running && !has_adopted_;
  if (is_new) world_.injected().adopted += 1;
  if (is_new) cluster_.checkers().adoption_done(machine_.term(), machine_.attempt());
  if (from_ && machine_.state() == JobState::running) {
    cluster_.checkers().led(from_->request, machine_.term());
  }
  has_adopted_ = has_adopted_ || is_new;
}

void Coordinator::execute(std::vector<JobEffect> effects) {
  for (JobEffect& effect : effects) {
    if (!world_.survives(home_)) return;
    std::visit([this](const auto& e) { run(e); }, effect);
  }
}

void Coordinator::run(const WriteLog& effect) {
  cluster_.store().append(home_, effect, [this](const LogWritten& event) { on_event(event); });
}
void Coordinator::run(const ReadLog& effect) {
  cluster_.store().read(home_, effect, [this](const LogRead& event) { on_event(event); });
}
void Coordinator::run(const ListLog& effect) {
  cluster_.store().list(home_, effect, [this](const LogListed& event) { on_event(event); });
}
void Coordinator::run(const TrimLog& effect) {
  cluster_.store().trim(effect);
}
void Coordinator::run(const ReadManifest& effect) {
  cluster_.store().get_manifest(home_, effect, [this](const ManifestRead& event) {
    on_event(SplitsStored{{}, cluster_.store().splits(cluster_.truth())});
    if (world_.is_alive(home_)) on_event(event);
  });
}
void Coordinator::run(const WriteManifest& effect) {
  cluster_.store().put_manifest(home_, effect.contents,
                                [this](const ManifestWritten& event) { on_event(event); });
}

void Coordinator::run(const ReleaseOutputs& effect) {
  cluster_.send_order(home_, effect.worker, "release", effect,
                      [from = home_](Worker& worker, const ReleaseOutputs& message) {
                        worker.on_release(message, from);
                      });
}
void Coordinator::run(const StartWorker& effect) {
  cluster_.checkers().started(effect);
  cluster_.send_order(home_, effect.worker, "start", effect,
                      [from = home_](Worker& worker, const StartWorker& message) {
                        worker.on_start(message, from);
                      });
}
void Coordinator::run(const AdoptWorker& effect) {
  cluster_.checkers().adopted(effect);
  cluster_.send_order(home_, effect.worker, "adopt", effect,
                      [from = home_](Worker& worker, const AdoptWorker& message) {
                        worker.on_adopt(message, from);
                      });
}
void Coordinator::run(const StopAttempt& effect) {
  cluster_.send_order(home_, effect.worker, "stop", effect,
                      [from = home_](Worker& worker, const StopAttempt& message) {
                        worker.on_stop(message, from);
                      });
}
void Coordinator::run(const TriggerCut& effect) {
  cluster_.checkers().triggered(effect);
  cluster_.send_order(home_, effect.worker, "trigger", effect,
                      [from = home_](Worker& worker, const TriggerCut& message) {
                        worker.on_trigger(message, from);
                      });
}
void Coordinator::run(const AbortCut& effect) {
  cluster_.checkers().aborted(effect.term, effect.cut);
  cluster_.send_order(
      home_, effect.worker, "abort", effect,
      [from = home_](Worker& worker, const AbortCut& message) { worker.on_abort(message, from); });
}

void Coordinator::run(const StoreSplits& effect) {
  cluster_.store().put_splits(home_, cluster_.truth(), effect,
                              [this](const SplitsStored& event) { on_event(event); });
}

void Coordinator::run(const Publish& effect) {
  cluster_.checkers().published(*effect.contents);
  cluster_.serving().publish(home_, effect.contents->cut, false);
}
void Coordinator::run(const PublishRestored& effect) {
  cluster_.checkers().published(*effect.contents);
  cluster_.serving().publish(home_, effect.contents->cut, true);
}
void Coordinator::run(const RemoveCut& effect) {
  cluster_.checkers().removing(effect.cut);
  cluster_.store().remove(home_, effect.cut, machine_.attempt());
}
void Coordinator::run(const JobFinished& effect) {
  cluster_.job_finished(effect);
}
void Coordinator::run(const JobFailed& effect) {
  cluster_.job_failed(effect.status);
}
void Coordinator::run(const JobCancelled&) {
  cluster_.job_cancelled();
}
void Coordinator::run(const SavepointTaken& effect) {
  world_.injected().savepoints += 1;
  cluster_.checkers().savepoint_taken(effect);
}
void Coordinator::run(const SavepointFailed& effect) {
  world_.injected().savepoints_failed += 1;
  world_.remark("savepoint " + effect.name + " refused: " + effect.status.message());
  cluster_.checkers().savepoint_failed(effect);
}
void Coordinator::run(const SavepointReleased& effect) {
  world_.injected().released += 1;
  cluster_.checkers().savepoint_released(effect);
}
void Coordinator::run(const ReleaseFailed& effect) {
  world_.remark("savepoint " + effect.name + " not released: " + effect.status.message());
}
void Coordinator::run(const JobDeposed&) {
  world_.crash(home_.process);
}
void Coordinator::run(const AuditFailed& effect) {
  cluster_.checkers().report("audit: " + effect.status.message());
}
void Coordinator::run(const Note& effect) {
  world_.trace("note", 0, home_.process);
  world_.remark(effect.text);
}

}  // namespace millrace::sim
