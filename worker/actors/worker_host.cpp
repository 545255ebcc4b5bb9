#include "worker/actors/worker_host.hpp"

#include <algorithm>

#include "common/base/limits.hpp"
#include "common/store/job_folder.hpp"
#include "worker/actors/peer_links.hpp"
#include "worker/actors/remote_store.hpp"
#include "worker/actors/worker.hpp"
#include "worker/actors/worker_host_state.hpp"

namespace millrace {
namespace {

// How often Membership hears the time, and how often the coordinator hears that this lives.
constexpr Milliseconds kTick{50};
constexpr Milliseconds kLifeSign{1'000};
// Orders that wait for the one that is carried out: a coordinator gives a few at a time.
constexpr std::size_t kPreparationsMax = 64;

using Self = WorkerHostSelf;
using State = WorkerHostState;

bool is_stale(State& state, const std::string& job, Term term) {
  const auto found = state.jobs.find(job);
  if (found == state.jobs.end() || term >= found->second.term) return false;
  ++state.options.health->stale_terms_rejected;
  return true;
}

WorkerOptions worker_options(Self self, const std::string& job) {
  const auto& options = self->state.options;
  // A folder for each life of the job here: what the one before has open may still be closing.
  const auto scratch = options.scratch / job / std::to_string(++self->state.workers_made);
  WorkerOptions made{options.outline.id, scratch, std::make_shared<LocalExchange>(),
                     options.secrets};
  made.warn = options.warn;
  made.health = options.health;
  made.roots = options.roots;
  made.ingest = options.ingest;
  made.volume = self->state.volume;
  const auto host = caf::actor_cast<worker_host_actor>(self->ctrl());
  made.on_part = [host = caf::actor_cast<caf::weak_actor_ptr>(host), job](
                     Term term, std::optional<RunningPart> part) {
    if (const auto alive = caf::actor_cast<worker_host_actor>(host)) {
      caf::anon_send(alive, PartChanged{job, term, std::move(part)});
    }
  };
  auto* system = self->state.system;
  made.link_peers = [system, id = options.outline.id,
                     patience = options.connect_max](const order::StartAttempt& start) {
    return link_peers(*system, id, start, patience);
  };
  return made;
}

Status find_hindrance(const State& state, const OpenJob& order) {
  MILLRACE_TRY(check_job_name(order.job));  // names become folders
  if (state.leaving || state.options.health->is_draining) {
    return {Code::conflict, state.options.outline.name + " drains and takes no new jobs"};
  }
  if (state.jobs.size() < limits::kHostedJobsMax) return {};
  return {Code::resource_exhausted, state.options.outline.name + " hosts " +
                                        std::to_string(state.jobs.size()) + " jobs, and no more"};
}

void open_job(Self self, const OpenJob& order) {
  auto& state = self->state;
  if (!state.registry || is_stale(state, order.job, order.term)) return;
  JobOpened news{state.options.outline.id, order.job, order.term, {}, {}};
  auto found = state.jobs.find(order.job);
  if (found == state.jobs.end()) {
    news.status = find_hindrance(state, order);
    if (!news.status.is_ok()) return self->send(state.registry, std::move(news));
    auto worker = spawn_worker(self->system(), worker_options(self, order.job));
    self->monitor(worker);
    found = state.jobs.emplace(order.job, HostedWorker{worker, order.term, {}}).first;
  }
  found->second.term = order.term;
  news.handle = caf::actor_cast<worker_control>(found->second.worker);
  self->send(state.registry, std::move(news));
  update_health(state);
}

void close_job(Self self, const CloseJob& order) {
  auto& state = self->state;
  const auto found = state.jobs.find(order.job);
  if (found == state.jobs.end() || is_stale(state, order.job, order.term)) return;
  self->demonitor(found->second.worker.address());
  self->send_exit(found->second.worker, caf::exit_reason::user_shutdown);
  state.jobs.erase(found);
  update_health(state);
}

void change_part(State& state, const PartChanged& changed) {
  const auto found = state.jobs.find(changed.job);
  if (found == state.jobs.end()) return;
  found->second.term = std::max(found->second.term, changed.term);
  found->second.part = changed.part;
  update_health(state);
}

void prepare_job(Self self, const PrepareJob& order) {
  auto& state = self->state;
  if (state.preparations >= kPreparationsMax) {
    JobPrepared news;
    news.worker = state.options.outline.id;
    news.request = order.request;
    news.status =
        Status(Code::resource_exhausted, state.options.outline.name + " prepares too many jobs");
    if (state.registry) self->send(state.registry, std::move(news));
    return;
  }
  ++state.preparations;
  self->send(state.aides.preparer, order);
}

// ---- Time, and the end

void say_leaving(Self self) {
  auto& state = self->state;
  if (!state.leaving) return;
  if (state.membership->is_member()) {
    self->send(state.registry, LeaveCluster{state.options.outline.id, *state.leaving});
  } else {
    state.options.health->is_released = true;  // nobody is there to be asked
  }
}

void on_released(State& state, const Released& message) {
  if (!state.leaving || message.worker != state.options.outline.id) return;
  state.options.health->is_released = true;
}

void tick(Self self) {
  auto& state = self->state;
  ++state.options.health->ticks;
  step_membership(self);
  const auto now = monotonic_now();
  if (state.membership->is_member() && now - state.ticked_at >= kLifeSign) {
    state.ticked_at = now;
    self->send(state.registry, WorkerTick{state.options.outline.id, state.ticks++});
    say_leaving(self);  // again, should the first have been lost
  }
  update_health(state);
  self->delayed_send(self, kTick, HostTick{});
}

void end(Self self, const caf::exit_msg& message) {
  auto& state = self->state;
  state.volume_link->stop();
  for (auto& [name, hosted] : state.jobs) {
    self->demonitor(hosted.worker.address());
    self->send_exit(hosted.worker, caf::exit_reason::user_shutdown);
  }
  state.jobs.clear();
  self->send_exit(state.aides.finder, caf::exit_reason::user_shutdown);
  self->send_exit(state.aides.preparer, caf::exit_reason::user_shutdown);
  self->send_exit(state.aides.loader, caf::exit_reason::user_shutdown);
  state.aides = {};
  forget_registry(self);
  self->quit(message.reason);
}

worker_host_actor::behavior_type behavior(Self self, ClusterSystem* system,
                                          WorkerHostOptions options) {
  auto& state = self->state;
  state.system = system;
  state.options = std::move(options);
  auto membership = state.options.membership;
  membership.addresses = state.options.coordinators.size();
  state.membership = std::make_unique<Membership>(membership);
  state.prover = std::make_unique<JoinProver>(system->credentials(), self->node());
  state.volume_link = std::make_shared<VolumeLink>(system->actors(), state.options.volume);
  state.volume = make_remote_volume(state.volume_link);
  state.aides = spawn_host_aides(*system, caf::actor_cast<worker_host_actor>(self->ctrl()),
                                 state.options, state.volume);
  self->set_down_handler([self](const caf::down_msg& down) { on_down(self, down); });
  self->set_exit_handler([self](const caf::exit_msg& message) { end(self, message); });
  return {
      [self](const JoinChallenge& challenge) { on_challenge(self, challenge); },
      [self](const Welcome& message) { on_welcome(self, message); },
      [self](const JoinRefused& message) { on_refused(self, message); },
      [self](const OpenJob& order) { open_job(self, order); },
      [self](const CloseJob& order) { close_job(self, order); },
      [self](const PrepareJob& order) { prepare_job(self, order); },
      [self](const ServeVersion& order) { self->send(self->state.aides.loader, order); },
      [self](const Drain& order) { self->state.options.health->is_draining = order.is_draining; },
      [self](const Released& message) { on_released(self->state, message); },
      [self](const VolumeOffered& offered) { on_offered(self, offered); },
      [self](const WorkerTick&) { self->state.membership->on_heard(monotonic_now()); },
      [self](const LeaveRequested& message) {
        self->state.leaving = message.reason;
        self->state.options.health->is_draining = true;
        say_leaving(self);
      },
      [self](const CoordinatorFound& found) { on_connected(self, found); },
      [self](const CoordinatorMissing& message) { on_missing(self, message); },
      [self](const PartChanged& changed) { change_part(self->state, changed); },
      [self](const JobPrepared& news) {
        --self->state.preparations;
        if (self->state.registry) self->send(self->state.registry, news);
      },
      [self](const ServingNews& news) {
        if (self->state.registry) self->send(self->state.registry, news);
      },
      [self](const HostListens& listens) {
        self->state.options.outline.address.port = listens.port;
        tick(self);
      },
      [self](const HostTick&) { tick(self); }};
}

}  // namespace

worker_host_actor spawn_worker_host(ClusterSystem& system, WorkerHostOptions options) {
  MILLRACE_CHECK(!options.coordinators.empty() && options.health != nullptr);
  return system.actors().spawn(behavior, &system, std::move(options));
}

}  // namespace millrace
