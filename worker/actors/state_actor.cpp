#include "worker/actors/state_actor.hpp"

namespace millrace {
namespace {

struct State {
  std::unique_ptr<StateKeeper> keeper;
  WorkerId id;
  worker_actor worker;
  std::function<Status(const order::StartAttempt&)> link_peers;
  static inline const char* name = "state";
};
using Self = state_actor::stateful_pointer<State>;

template <typename What>
void tell(Self self, Attempt attempt, What what) {
  self->send(self->state.worker,
             LocalReport{WorkerReport{self->state.id, attempt, std::move(what)}});
}

bool is_current(Self self, Attempt attempt) {
  return self->state.keeper->attempt() == attempt;
}

void ship(Self self, Attempt attempt, CutId cut, const Status& added) {
  if (!added.is_ok()) {
    tell(self, attempt, report::CutFailed{cut, added.with_context("storing the cut")});
    return;
  }
  auto part = self->state.keeper->ship_if_complete(cut);
  if (!part.is_ok()) {
    tell(self, attempt, report::CutFailed{cut, part.status()});
  } else if (part.value()) {
    tell(self, attempt, report::PartDurable{cut, *std::move(part).value()});
  }
}

// Links first: what is loaded is wanted at once.
Result<LoadedAttempt> load(Self self, const order::StartAttempt& start) {
  if (self->state.link_peers) MILLRACE_TRY(self->state.link_peers(start));
  return self->state.keeper->load(start);
}

state_actor::behavior_type state_behavior(Self self, StateActorOptions options) {
  self->state.keeper = std::make_unique<StateKeeper>(
      options.id, std::move(options.scratch), std::move(options.roots), std::move(options.stores));
  self->state.id = options.id;
  self->state.worker = options.worker;
  self->state.link_peers = std::move(options.link_peers);
  return {
      [self](const order::StartAttempt& start) {
        auto loaded = load(self, start);
        if (!loaded.is_ok()) {
          tell(self, start.attempt, report::AttemptFailed{loaded.status()});
          return;
        }
        self->send(self->state.worker,
                   AttemptLoaded{std::make_shared<const order::StartAttempt>(start),
                                 std::make_shared<LoadedAttempt>(std::move(loaded).value())});
      },
      [self](const ExpectCut& expect) {
        if (!is_current(self, expect.attempt)) return;
        self->state.keeper->expect(expect.cut, expect.contributions);
        ship(self, expect.attempt, expect.cut, {});
      },
      [self](const ShardCutMessage& message) {
        if (!is_current(self, message.attempt)) return;
        const auto& values = static_cast<const ParameterShard&>(*message.values);
        ship(self, message.attempt, message.cut,
             self->state.keeper->add_shard(message.cut, message.shard, values.state().encode()));
      },
      [self](const TrainerCutMessage& message) {
        if (!is_current(self, message.attempt)) return;
        ship(
            self, message.attempt, message.cut->cut,
            self->state.keeper->add_replica(message.cut->cut, message.replica, message.cut->state));
      },
      [self](const order::AbortCut& abort) {
        if (is_current(self, abort.attempt)) self->state.keeper->abort(abort.cut);
      },
      [self](const order::SendShards& wanted) {
        if (!is_current(self, wanted.attempt)) return;
        for (auto& [shard, bytes] : self->state.keeper->completed(wanted.cut)) {
          tell(self, wanted.attempt, report::ShardContent{wanted.cut, shard, std::move(bytes)});
        }
      }};
}

}  // namespace

state_actor spawn_state_actor(caf::actor_system& system, StateActorOptions options) {
  return system.spawn<caf::detached>(state_behavior, std::move(options));
}

}  // namespace millrace
