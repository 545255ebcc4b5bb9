// Spawns the detached actor that owns a worker's StateKeeper.
#pragma once

#include <filesystem>
#include <functional>

#include "common/store/checkpoint_store.hpp"
#include "worker/actors/interfaces.hpp"

namespace millrace {

struct StateActorOptions {
  WorkerId id;
  std::filesystem::path scratch;  // of this worker, emptied at will
  worker_actor worker;            // gets results: AttemptLoaded and LocalReport
  DataRoots roots;
  StoreOptions stores;  // what the checkpoint store is opened with
  // Called before an attempt is loaded; empty: others need not be reached directly.
  std::function<Status(const order::StartAttempt&)> link_peers;
};

state_actor spawn_state_actor(caf::actor_system& system, StateActorOptions options);

}  // namespace millrace
