#include "coordinator/actors/coordinator.hpp"

#include "coordinator/actors/job_master.hpp"

namespace millrace {
namespace {

struct State {
  std::map<WorkerId, worker_control> workers;
  std::map<std::string, job_master_actor> masters;
  static inline const char* name = "coordinator";
};
using Self = coordinator_actor::stateful_pointer<State>;

void submit(Self self, const SubmitJob& job) {
  auto& state = self->state;
  auto master = spawn_job_master(self->system(), job);
  if (!master.is_ok()) {
    JobUpdate update;
    update.kind = "failed";
    update.status = master.status();
    job.watcher(std::move(update));
    return;
  }
  self->link_to(master.value());
  state.masters[job.job->spec.name] = master.value();
  for (const auto& [id, handle] : state.workers) {
    self->send(master.value(), RegisterWorker{id, handle});
  }
}

coordinator_actor::behavior_type behavior(Self self) {
  return {[self](const SubmitJob& job) { submit(self, job); },
          [self](const RegisterWorker& message) {
            self->state.workers[message.worker] = message.handle;
            for (auto& [name, master] : self->state.masters) self->send(master, message);
          },
          [self](const StopJob& message) {
            for (auto& [name, master] : self->state.masters) self->send(master, message);
          }};
}

}  // namespace

coordinator_actor spawn_coordinator(caf::actor_system& system) {
  return system.spawn(behavior);
}

}  // namespace millrace
