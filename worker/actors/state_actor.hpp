// Spawns the detached actor that owns a worker's StateKeeper.
#pragma once

#include <filesystem>

#include "worker/actors/interfaces.hpp"

namespace millrace {

// Results go to `worker` as AttemptLoaded and LocalReport.
state_actor spawn_state_actor(caf::actor_system& system, WorkerId id, std::filesystem::path scratch,
                              const worker_actor& worker);

}  // namespace millrace
