// What a scenario says happens, and when.
#include "tests/simulation/cluster.hpp"

namespace millrace::sim {

void Cluster::plan_script() {
  for (const Scripted& event : world_.options().script) {
    world_.outside(event.at, [this, event] { play(event); });
  }
}

void Cluster::play(const Scripted& event) {
  switch (event.kind) {
    case Scripted::Kind::crash:
      if (!coordinators_[event.process] && !workers_[event.process]) return;
      world_.injected().crashes += 1;
      return world_.crash(event.process);
    case Scripted::Kind::pause:
      world_.injected().pauses += 1;
      return world_.pause(event.process, world_.now() + event.lasts);
    case Scripted::Kind::block:
      return world_.block(event.process, event.other, world_.now() + event.lasts);
    case Scripted::Kind::take_over:
      if (coordinators_[coordinator_ids_[1]]) return;
      world_.injected().takeovers += 1;
      return start_coordinator(coordinator_ids_[1]);
    case Scripted::Kind::rescale:
      return rescale(Sizes{event.process, event.other});
    case Scripted::Kind::move_back:
      return serving_.move_back();
    default:
      if (Coordinator* coordinator = leader()) play_request(event, *coordinator);
  }
}

void Cluster::play_request(const Scripted& event, Coordinator& coordinator) {
  switch (event.kind) {
    case Scripted::Kind::savepoint:
      checkers_.requesting(event.name);
      return coordinator.on_event(SavepointRequested{event.name});
    case Scripted::Kind::release:
      checkers_.releasing(event.name);
      return coordinator.on_event(ReleaseRequested{event.name});
    case Scripted::Kind::stop:
      return coordinator.on_event(StopRequested{});
    case Scripted::Kind::cancel:
      return coordinator.on_event(CancelRequested{});
    case Scripted::Kind::branch: {
      const auto& cuts = coordinator.machine().complete_cuts();
      if (!cuts.empty()) branch_from(cuts.begin()->first);
      return;
    }
    default:
      return coordinator.on_event(CutRequested{});
  }
}

}  // namespace millrace::sim
