// How hosts join, are given jobs, and are lost.
#include "common/base/version.hpp"
#include "common/observe/log.hpp"
#include "coordinator/actors/coordinator_state.hpp"

namespace millrace {
namespace {

HostOffer offer_of(const WorkerOutline& outline) {
  HostOffer offer;
  offer.id = outline.id;
  offer.name = outline.name;
  offer.trains = outline.roles.train;
  offer.keeps_parameters = outline.roles.parameters;
  offer.serves = outline.roles.serve;
  offer.slots = outline.slots;
  offer.memory_bytes = outline.memory_bytes;
  return offer;
}

// Whether it may be a member, beside the proof of who it is.
Status check_member(CoordinatorSelf self, const WorkerOutline& outline) {
  std::size_t members = 0;
  for (const auto& [id, host] : self->state.hosts) {
    if (!host.handle) continue;
    ++members;
    if (id != outline.id && host.outline.name == outline.name) {
      return {
          Code::conflict, "worker '" + outline.name + "' is a member already",
          "a former life of it is given up within seconds; another worker needs another --name"};
    }
  }
  if (members < limits::kWorkersMax) return {};
  return {Code::resource_exhausted,
          "the cluster has " + std::to_string(members) + " workers, its most",
          "give fewer workers more slots"};
}

void note_cluster(CoordinatorSelf self, LogLevel level, const std::string& kind,
                  const std::string& message) {
  log(level, message);
  const char* severity = level == LogLevel::warning ? "warning" : "info";
  self->state.cluster_events->add(severity, kind, message, unix_now());
}

// Who hosts a part of the job may write what is stored of it.
void tell_writers(CoordinatorSelf self, const std::string& job) {
  auto& state = self->state;
  if (!state.options.volume) return;
  VolumeWriters writers{job, {}};
  const auto room = state.cluster->jobs().find(job);
  if (room != state.cluster->jobs().end()) {
    for (const auto& [worker, grant] : room->second.grants) {
      const auto host = state.hosts.find(worker);
      if (host != state.hosts.end() && host->second.handle)
        writers.nodes.insert(host->second.handle.node());
    }
  }
  self->send(state.options.volume, std::move(writers));
}

void open_on(CoordinatorSelf self, JobRun& run, WorkerId worker) {
  const auto host = self->state.hosts.find(worker);
  const bool can =
      run.master && run.term != Term() && host != self->state.hosts.end() && host->second.handle;
  if (!can) return;
  tell_writers(self, run.entry.name);  // before the host hears of it
  self->send(host->second.handle, OpenJob{run.entry.name, run.term});
}

void close_on(CoordinatorSelf self, const std::string& job, WorkerId worker) {
  const auto host = self->state.hosts.find(worker);
  if (host == self->state.hosts.end() || !host->second.handle) return;
  Term term;
  const JobRun* run = find_run(self, job);
  if (run != nullptr) term = run->term;
  const auto hosted = host->second.hosted.find(job);
  if (hosted != host->second.hosted.end()) term = std::max(term, hosted->second.term);
  self->send(host->second.handle, CloseJob{job, term});
  host->second.hosted.erase(job);
}

class Executor {
 public:
  explicit Executor(CoordinatorSelf self) : self_(self) {}

  void operator()(const GrantRoom& effect) {
    JobRun* run = find_run(self_, effect.job);
    if (run == nullptr) return;
    if (run->state == control::JobState::waiting) set_state(*run, control::JobState::starting, "");
    open_on(self_, *run, effect.worker);
  }
  void operator()(const RevokeRoom& effect) {
    JobRun* run = find_run(self_, effect.job);
    tell_writers(self_, effect.job);
    if (run != nullptr && run->master) self_->send(run->master, WorkerGone{effect.worker});
    if (!effect.is_lost) close_on(self_, effect.job, effect.worker);
  }
  void operator()(const ClosePart& effect) {
    tell_writers(self_, effect.job);
    close_on(self_, effect.job, effect.worker);
  }
  void operator()(const TakeCheckpoint& effect) {
    const JobRun* run = find_run(self_, effect.job);
    if (run != nullptr && run->master && run->figures.is_running()) {
      self_->send(run->master, RequestCut{});
    } else {
      step_cluster(self_, JobSaved{effect.job});
    }
  }
  void operator()(const JobWaits& effect) {
    JobRun* run = find_run(self_, effect.job);
    if (run == nullptr) return;
    note(*run, "info", "waiting", effect.reason);
    // Nothing trains, so there is nothing to drain.
    if (run->state == control::JobState::stopping)
      return end_run(self_, *run, control::JobState::stopped, {});
    set_state(*run, control::JobState::waiting, effect.reason);
  }
  void operator()(const HostDrained& effect) {
    auto& state = self_->state;
    const std::string name = host_name(self_, effect.worker);
    note_cluster(self_, LogLevel::info, "drained", "worker '" + name + "' hosts nothing any more");
    for (auto& [operation, workers] : state.drains) {
      if (workers.erase(effect.worker) > 0)
        state.operations->succeed(operation, "worker '" + name + "' is drained", unix_now());
    }
    std::erase_if(state.drains, [](const auto& drain) { return drain.second.empty(); });
    const auto host = state.hosts.find(effect.worker);
    if (host == state.hosts.end() || !host->second.is_leaving || !host->second.handle) return;
    self_->send(host->second.handle, Released{effect.worker});
  }

 private:
  CoordinatorSelf self_;
};

}  // namespace

std::string host_name(CoordinatorSelf self, WorkerId worker) {
  const auto host = self->state.hosts.find(worker);
  return host == self->state.hosts.end() ? std::to_string(worker.value) : host->second.outline.name;
}

void step_cluster(CoordinatorSelf self, ClusterEvent event) {
  auto& state = self->state;
  state.events.push_back(std::move(event));
  if (state.is_stepping) return;
  state.is_stepping = true;
  while (!state.events.empty()) {
    const ClusterEvent next = std::move(state.events.front());
    state.events.pop_front();
    for (const auto& effect : state.cluster->on_event(next)) std::visit(Executor(self), effect);
  }
  state.is_stepping = false;
}

void open_job(CoordinatorSelf self, JobRun& run) {
  const auto job = self->state.cluster->jobs().find(run.entry.name);
  if (job == self->state.cluster->jobs().end()) return;
  for (const auto& [worker, room] : job->second.grants) open_on(self, run, worker);
}

void on_ask_to_join(CoordinatorSelf self, const AskToJoin& asked) {
  if (asked.host) self->send(asked.host, self->state.gate->challenge(asked));
}

void on_join(CoordinatorSelf self, const JoinCluster& join) {
  auto& state = self->state;
  const WorkerOutline& outline = join.outline;
  const auto refuse = [&](const Status& why) {
    log(LogLevel::warning, "worker '" + outline.name + "' may not join", why);
    self->send(join.host, JoinRefused{outline.id, why});
  };
  if (auto status = state.gate->check(
          join, std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()));
      !status.is_ok())
    return refuse(status);
  if (auto status = check_member(self, outline); !status.is_ok()) return refuse(status);

  HostRecord& host = state.hosts[outline.id];
  const bool is_new = !host.handle;
  if (!is_new) self->demonitor(host.handle.address());
  host.handle = join.host;
  host.outline = outline;
  host.heard_at_ms = unix_now();
  if (host.joined_at_ms == 0) host.joined_at_ms = host.heard_at_ms;
  host.hosted.clear();
  HostJoined event{offer_of(outline), {}};
  for (const auto& job : join.jobs) {
    host.hosted[job.job] = job;
    WorkerRoom room{0, 0};
    if (job.running) {
      room.replicas = static_cast<std::uint32_t>(job.running->replicas.size());
      room.shards = static_cast<std::uint32_t>(job.running->shards.size());
    }
    event.hosted[job.job] = room;
  }
  self->monitor(host.handle);
  self->send(host.handle, Welcome{outline.id, state.options.name, program_version()});
  if (state.options.volume) {
    self->send(host.handle,
               VolumeOffered{outline.id, caf::actor_cast<checkpoint_volume>(state.options.volume)});
  }
  if (is_new) {
    note_cluster(self, LogLevel::info, "joined",
                 "worker '" + outline.name + "' has joined with " + std::to_string(outline.slots) +
                     " slots");
  }
  step_cluster(self, std::move(event));
  serve_all(self, host);
  for (auto& [name, run] : state.runs) {
    if (run.is_preparing && !run.preparer) ask_to_prepare(self, run);
  }
}

void on_opened(CoordinatorSelf self, const JobOpened& opened) {
  auto& state = self->state;
  JobRun* run = find_run(self, opened.job);
  const auto host = state.hosts.find(opened.worker);
  const auto job = state.cluster->jobs().find(opened.job);
  if (run == nullptr || !run->master || host == state.hosts.end()) return;
  if (job == state.cluster->jobs().end()) return;
  const auto grant = job->second.grants.find(opened.worker);
  if (grant == job->second.grants.end() || opened.term != run->term) return;
  if (!opened.status.is_ok()) {
    note(*run, "warning", "warning",
         "worker '" + host->second.outline.name +
             "' cannot open the job: " + opened.status.message());
    return step_cluster(self, HostRefused{opened.job, opened.worker});
  }
  GrantWorker message{{opened.worker, opened.handle}, grant->second, host->second.outline.address};
  const auto hosted = host->second.hosted.find(opened.job);
  if (hosted != host->second.hosted.end()) {
    message.worker.running = hosted->second.running;
    host->second.hosted.erase(hosted);
  }
  self->send(run->master, std::move(message));
}

void on_leave(CoordinatorSelf self, const LeaveCluster& leave) {
  const auto host = self->state.hosts.find(leave.worker);
  if (host == self->state.hosts.end() || host->second.is_leaving) return;
  host->second.is_leaving = true;
  note_cluster(self, LogLevel::info, "leaving",
               "worker '" + host->second.outline.name + "' leaves: " + leave.reason);
  step_cluster(self, DrainRequested{leave.worker});
}

void on_down(CoordinatorSelf self, const caf::down_msg& down) {
  auto& state = self->state;
  for (auto& [id, host] : state.hosts) {
    if (!host.handle || host.handle.address() != down.source) continue;
    host.handle = nullptr;
    host.hosted.clear();
    note_cluster(
        self, LogLevel::warning, "lost",
        "worker '" + host.outline.name + "' was lost: " + self->system().render(down.reason));
    const WorkerId worker = id;
    step_cluster(self, HostLost{worker});
    for (auto& [name, run] : state.runs) {
      if (run.preparer == worker) ask_to_prepare(self, run);
    }
    std::erase_if(state.hosts, [&](const auto& known) {
      return !known.second.handle && !state.cluster->hosts().contains(known.first);
    });
    return;
  }
  for (auto& [name, run] : state.runs) {
    if (!run.master || run.master.address() != down.source) continue;
    run.master = nullptr;
    return end_run(self, run, control::JobState::failed,
                   Status(Code::internal, "the job's master has ended by itself",
                          "report this with the coordinator's log; `millrace resume` goes on from "
                          "the newest checkpoint"));
  }
}

}  // namespace millrace
