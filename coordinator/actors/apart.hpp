// Work that blocks, done apart from the coordinator's actor, and what is to be done with its result
// there.
//
// Place: the coordinator's parts. `work` runs on a thread of its own and must hold everything it
// uses; `then` runs on the coordinator again, or never when that has ended.
#pragma once

#include <memory>
#include <utility>

#include "coordinator/actors/interfaces.hpp"

namespace millrace {

// Does one thing after the other.
using apart_actor = caf::typed_actor<caf::reacts_to<Continue>>;

inline apart_actor spawn_apart(caf::actor_system& system) {
  return system.spawn<caf::detached>(
      []() -> apart_actor::behavior_type { return {[](const Continue& work) { work.run(); }}; });
}

template <typename Work, typename Then>
Continue work_apart(const coordinator_actor& back, Work work, Then then) {
  return {[back, work = std::move(work), then = std::move(then)] {
    auto result = std::make_shared<decltype(work())>(work());
    caf::anon_send(back, Continue{[then, result] { then(std::move(*result)); }});
  }};
}

// On a thread that ends with it.
template <typename Self, typename Work, typename Then>
void run_apart(Self self, Work work, Then then) {
  const auto back = caf::actor_cast<coordinator_actor>(self->ctrl());
  Continue order = work_apart(back, std::move(work), std::move(then));
  self->system().template spawn<caf::detached>(
      [order = std::move(order)](caf::event_based_actor*) { order.run(); });
}

}  // namespace millrace
