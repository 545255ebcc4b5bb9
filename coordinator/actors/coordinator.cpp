#include "coordinator/actors/coordinator.hpp"

#include "common/observe/log.hpp"
#include "coordinator/actors/coordinator_state.hpp"
#include "coordinator/actors/job_master.hpp"

namespace millrace {
namespace {

// How often the cluster's state hears the time: well below its patiences.
constexpr std::chrono::milliseconds kTick{200};

// ---- One process: workers that are no hosts, and a job that nobody keeps

void submit(CoordinatorSelf self, const SubmitJob& job) {
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
    self->send(master.value(), GrantWorker{{id, handle}});
  }
}

void register_worker(CoordinatorSelf self, const RegisterWorker& message) {
  self->state.workers[message.worker] = message.handle;
  for (auto& [name, master] : self->state.masters) self->send(master, GrantWorker{message});
}

void stop_all(CoordinatorSelf self, const StopJob& message) {
  for (auto& [name, master] : self->state.masters) self->send(master, message);
}

// ---- A cluster

// CAF drops what it cannot encode or decode without a word.
void tell_message_faults(CoordinatorSelf self) {
  const MessageFaults faults = message_faults();
  if (faults.count == std::exchange(self->state.faults_told, faults.count)) return;
  log(LogLevel::error, "a message between processes was dropped", faults.last);
}

void tick(CoordinatorSelf self) {
  tell_message_faults(self);
  const auto now = std::chrono::steady_clock::now();
  step_cluster(
      self,
      ClusterTick{std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch())});
  for (auto& [name, run] : self->state.runs) {
    resume_rescale(self, run);
    share_again(self, run, now);
    if (!run.retry_at || *run.retry_at > now) continue;
    run.retry_at.reset();
    begin_job(self, run, run.is_recovered);
  }
  self->delayed_send(self, kTick, CoordinatorTick{});
}

// Goes on with what is wanted, and looks after what ended before.
void take_up(CoordinatorSelf self) {
  auto& state = self->state;
  // A copy: the catalogue belongs to the actor that writes it from now on.
  const auto jobs = state.options.catalog->jobs();
  for (const auto& damaged : state.options.catalog->damaged()) {
    log(LogLevel::error, "a job of the catalogue cannot be read", damaged.status);
    state.cluster_events->add("error", "damaged", damaged.status.message(), unix_now());
  }
  for (const auto& [name, entry] : jobs) {
    JobRun& run = add_run(self, entry);
    if (entry.ending) {
      run.state = entry.ending->state;
      if (entry.ending->error) run.message = entry.ending->error->message;
      recall_job(self, run);
      share_model(self, run);
      continue;
    }
    if (entry.wanted == WantedState::cancelled || entry.wanted == WantedState::deleted) {
      end_run(self, run, control::JobState::cancelled, {});
    } else {
      begin_job(self, run, true);
    }
  }
}

void set_up(CoordinatorSelf self, CoordinatorOptions options) {
  auto& state = self->state;
  state.options = std::move(options);
  state.started_at_ms = unix_now();
  state.gate.emplace(state.options.credentials, self->node());
  state.cluster.emplace(state.options.cluster);
  state.operations.emplace(std::to_string(state.started_at_ms), limits::kOperationsKept);
  state.cluster_events.emplace(state.started_at_ms, limits::kJobEventsKept);
  state.catalog = spawn_apart(self->system());
  self->link_to(state.catalog);
  if (state.options.volume) self->link_to(state.options.volume);
  self->set_down_handler([self](const caf::down_msg& down) { on_down(self, down); });
  tick(self);
  take_up(self);
}

void stop_masters(CoordinatorSelf self) {
  for (auto& [name, run] : self->state.runs) {
    if (run.master) self->send_exit(run.master, caf::exit_reason::user_shutdown);
  }
}

coordinator_actor::behavior_type behavior(CoordinatorSelf self, CoordinatorOptions options) {
  const bool is_cluster = options.catalog != nullptr;
  if (is_cluster) set_up(self, std::move(options));
  self->set_exit_handler([self](const caf::exit_msg& message) {
    stop_masters(self);
    self->quit(message.reason);
  });
  return {
      [=](const AskToJoin& message) {
        if (is_cluster) on_ask_to_join(self, message);
      },
      [=](const JoinCluster& message) {
        if (is_cluster) on_join(self, message);
      },
      [=](const JobOpened& message) {
        if (is_cluster) on_opened(self, message);
      },
      [=](const JobPrepared& message) {
        if (is_cluster) on_prepared(self, message);
      },
      [=](const ServingNews& message) {
        if (is_cluster) on_serving(self, message);
      },
      [=](const LeaveCluster& message) {
        if (is_cluster) on_leave(self, message);
      },
      [=](const WorkerTick& message) {
        const auto host = self->state.hosts.find(message.worker);
        if (host == self->state.hosts.end() || !host->second.handle) return;
        host->second.heard_at_ms = unix_now();
        self->send(host->second.handle, message);
      },
      [=](const RegisterWorker& message) { register_worker(self, message); },
      [=](const SubmitJob& message) { submit(self, message); },
      [=](const StopJob& message) { stop_all(self, message); },
      [=](const AskControl& message) {
        if (is_cluster) answer_control(self, message);
      },
      [=](const JobNews& message) { on_news(self, message); },
      [=](const Continue& message) { message.run(); },
      [=](const CoordinatorTick&) { tick(self); },
  };
}

}  // namespace

std::uint64_t unix_now() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(now).count());
}

JobFigures::Now present() {
  return {std::chrono::steady_clock::now(), unix_now()};
}

coordinator_actor spawn_coordinator(caf::actor_system& system, CoordinatorOptions options) {
  MILLRACE_CHECK(options.catalog != nullptr);
  return system.spawn(behavior, std::move(options));
}

coordinator_actor spawn_coordinator(caf::actor_system& system) {
  return system.spawn(behavior, CoordinatorOptions{});
}

}  // namespace millrace
