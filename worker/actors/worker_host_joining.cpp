// How a worker host joins the coordinator, and goes on joining.
#include <algorithm>

#include "worker/actors/worker_host_state.hpp"

namespace millrace {
namespace {

using Self = WorkerHostSelf;
using State = WorkerHostState;

std::chrono::sys_seconds wall_now() {
  return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
}

// Once for each text: retries go on for ever.
void warn(State& state, const std::string& text) {
  if (!state.options.warn || text == state.last_warning) return;
  state.last_warning = text;
  state.options.warn(text);
}

void ask(Self self) {
  auto& state = self->state;
  self->send(state.registry, AskToJoin{state.options.outline.id, state.prover->begin(),
                                       caf::actor_cast<worker_host>(self->ctrl())});
}

}  // namespace

Milliseconds monotonic_now() {
  return std::chrono::duration_cast<Milliseconds>(
      std::chrono::steady_clock::now().time_since_epoch());
}

void update_health(State& state) {
  auto& health = *state.options.health;
  health.is_joined = state.membership->is_member();
  health.jobs_hosted = static_cast<std::uint32_t>(state.jobs.size());
  health.jobs_running = static_cast<std::uint32_t>(std::ranges::count_if(
      state.jobs, [](const auto& job) { return job.second.part.has_value(); }));
}

void forget_registry(Self self) {
  auto& state = self->state;
  if (state.registry) self->demonitor(state.registry.address());
  state.registry = nullptr;
  state.volume_link->disconnect();
  state.is_challenged = false;
}

void on_challenge(Self self, const JoinChallenge& challenge) {
  auto& state = self->state;
  if (!state.registry || state.membership->state() != Membership::State::asking) return;
  auto proof = state.prover->answer(challenge, state.registry.node(), wall_now());
  if (!proof.is_ok()) {
    if (proof.status().code() == Code::conflict) return;  // of an earlier question
    warn(state, proof.status().message());
    ++state.options.health->join_failures;
    forget_registry(self);
    state.membership->on_refused(monotonic_now());
    return;
  }
  state.is_challenged = true;
  JoinCluster join{state.options.outline,
                   std::move(proof).value(),
                   {},
                   caf::actor_cast<worker_host>(self->ctrl())};
  for (const auto& [name, hosted] : state.jobs) {
    join.jobs.push_back(
        {name, hosted.term, hosted.part, caf::actor_cast<worker_control>(hosted.worker)});
  }
  self->send(state.registry, std::move(join));
}

void on_welcome(Self self, const Welcome& message) {
  auto& state = self->state;
  if (!state.is_challenged || message.worker != state.options.outline.id) return;
  if (!state.membership->is_member()) ++state.options.health->joins;
  state.membership->on_welcome(monotonic_now());
  state.last_warning.clear();
  update_health(state);
}

void on_offered(Self self, const VolumeOffered& offered) {
  auto& state = self->state;
  const bool is_meant = state.is_challenged && offered.worker == state.options.outline.id &&
                        offered.volume.node() == state.registry.node();
  if (is_meant) state.volume_link->connect(offered.volume);
}

void on_refused(Self self, const JoinRefused& message) {
  auto& state = self->state;
  if (!state.registry || message.worker != state.options.outline.id) return;
  warn(state, "the coordinator refuses this worker: " + message.status.message());
  ++state.options.health->join_failures;
  forget_registry(self);
  state.membership->on_refused(monotonic_now());
  update_health(state);
}

void on_connected(Self self, const CoordinatorFound& found) {
  auto& state = self->state;
  if (state.membership->on_connected(monotonic_now()) != Membership::Step::ask) return;
  forget_registry(self);
  state.registry = found.registry;
  self->monitor(state.registry);
  ask(self);
}

void on_missing(Self self, const CoordinatorMissing& message) {
  auto& state = self->state;
  ++state.options.health->join_failures;
  warn(state, message.status.message() + "; trying on");
  state.membership->on_unreachable(monotonic_now());
}

void on_down(Self self, const caf::down_msg& down) {
  auto& state = self->state;
  if (!state.registry || down.source != state.registry.address()) {
    // A job's worker has ended without being told to.
    std::erase_if(state.jobs,
                  [&](const auto& job) { return job.second.worker.address() == down.source; });
    return update_health(state);
  }
  forget_registry(self);
  state.membership->on_lost(monotonic_now());
  warn(state, "the connection to the coordinator is lost; what runs here goes on");
  update_health(state);
}

void step_membership(Self self) {
  auto& state = self->state;
  switch (state.membership->on_tick(monotonic_now())) {
    case Membership::Step::connect:
      self->send(state.aides.finder, FindCoordinator{state.membership->address()});
      break;
    case Membership::Step::leave:
      forget_registry(self);
      warn(state, "the coordinator does not answer; what runs here goes on");
      break;
    default:
      break;
  }
}

}  // namespace millrace
