#include "coordinator/actors/job_master.hpp"

#include <unistd.h>

#include "common/base/random.hpp"
#include "coordinator/actors/checkpoint_actor.hpp"
#include "coordinator/actors/checkpoint_keeper.hpp"
#include "coordinator/actors/job_master_state.hpp"

namespace millrace {
namespace {

// How often the machine hears the time: well below the shortest checkpoint interval of 50 ms.
constexpr std::chrono::milliseconds kTick{10};

// Unique to this life of this process.
std::string writer_id() {
  const auto now = std::chrono::system_clock::now().time_since_epoch().count();
  return "pid-" + std::to_string(getpid()) + "-" + std::to_string(now);
}

JobOptions machine_options(const JobPackage& job, JobOptions options) {
  options.writer = writer_id();
  options.parallelism = job.spec.parallelism;
  options.shards = job.shards;
  options.mode = *job.spec.merge->mode;
  options.retain = job.spec.checkpoint.retain;
  options.checkpoint_interval = job.spec.checkpoint.interval;
  options.has_sinks = has_sinks(job.spec);
  return options;
}

std::chrono::milliseconds monotonic_now() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::steady_clock::now().time_since_epoch());
}

// A checkpoint with content was read: training goes on from its counts.
void tell_restored(JobMasterSelf self, const StoreOutcome& outcome) {
  JobUpdate update = make_update(self, "restored", "");
  const RecordTotals& totals = *outcome.totals;
  update.totals = {};
  update.totals.read = totals.read;
  update.totals.records = totals.records;
  update.totals.quarantined = totals.quarantined;
  update.totals.skipped = totals.skipped;
  if (const auto* read = std::get_if<ManifestRead>(&outcome.event)) update.cut = read->cut;
  self->state.watcher(std::move(update));
}

void take_worker(JobMasterSelf self, const GrantWorker& grant) {
  const auto& [id, handle, running] = grant.worker;
  self->state.workers[id] = handle;
  if (grant.address.port != 0) self->state.addresses[id] = grant.address;
  step(self, WorkerRegistered{id, grant.room, running});
}

// Known to the master before the machine hears of them, and to that before the cut that has them.
void take_splits(JobMasterSelf self, const StoreOutcome& outcome) {
  self->state.job = outcome.package;
  JobUpdate update = make_update(self, "splits", "");
  update.package = outcome.package;
  self->state.watcher(std::move(update));
  if (!std::holds_alternative<SplitsStored>(outcome.event))
    step(self, SplitsStored{{}, outcome.package->first_positions()});
}

job_master_actor::behavior_type behavior(JobMasterSelf self, const SubmitJob& submit,
                                         std::shared_ptr<CheckpointKeeper> keeper) {
  auto& state = self->state;
  state.job = submit.job;
  state.store_url = submit.store_url;
  state.watcher = submit.watcher;
  state.machine = std::make_unique<JobMachine>(machine_options(*submit.job, submit.options));
  state.checkpoints = spawn_checkpoint_actor(self->system(), std::move(keeper),
                                             caf::actor_cast<job_master_actor>(self->ctrl()));
  self->link_to(state.checkpoints);
  step(self, JobStarted{submit.job->first_positions(), submit.from, submit.job->planned_splits()});
  step(self, Tick{monotonic_now()});
  self->delayed_send(self, kTick, MasterTick{});
  return {[self](const WorkerReport& report) { on_report(self, report); },
          [self](const GrantWorker& grant) { take_worker(self, grant); },
          [self](const WorkerGone& message) {
            step(self, WorkerLost{message.worker});
            self->state.workers.erase(message.worker);
            self->state.addresses.erase(message.worker);
          },
          [self](const RequestCut&) { step(self, CutRequested{}); },
          [self](const StopJob& stop) { step(self, StopRequested{stop.savepoint}); },
          [self](const CancelRun&) { step(self, CancelRequested{}); },
          [self](const RequestSavepoint& request) { step(self, SavepointRequested{request.name}); },
          [self](const ReleaseSavepoint& request) { step(self, ReleaseRequested{request.name}); },
          [self](const MasterTick&) {
            step(self, Tick{monotonic_now()});
            self->delayed_send(self, kTick, MasterTick{});
          },
          [self](const StoreOutcome& outcome) {
            for (const auto& warning : outcome.warnings) {
              self->state.watcher(make_update(self, "warning", warning));
            }
            if (outcome.package != nullptr) take_splits(self, outcome);
            if (!outcome.parts.empty()) {
              self->state.restored_parts = outcome.parts;
              tell_restored(self, outcome);
            }
            if (std::holds_alternative<Tick>(outcome.event)) return;  // nothing but warnings
            step(self, outcome.event);
          },
          [self](const PublishOutcome& outcome) { on_published(self, outcome); }};
}

}  // namespace

void step(JobMasterSelf self, const JobEvent& event) {
  execute_effects(self, self->state.machine->on_event(event));
}

Result<job_master_actor> spawn_job_master(caf::actor_system& system, const SubmitJob& submit) {
  MILLRACE_ASSIGN(std::shared_ptr<CheckpointKeeper> keeper,
                  CheckpointKeeper::open(submit.job, submit));
  return spawn_job_master(system, submit, std::move(keeper));
}

job_master_actor spawn_job_master(caf::actor_system& system, const SubmitJob& submit,
                                  std::shared_ptr<CheckpointKeeper> keeper) {
  return system.spawn(behavior, submit, std::move(keeper));
}

}  // namespace millrace
