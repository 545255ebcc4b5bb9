// Spawns the coordinator: it knows the workers and runs one master per job.
#pragma once

#include "coordinator/actors/interfaces.hpp"

namespace millrace {

coordinator_actor spawn_coordinator(caf::actor_system& system);

}  // namespace millrace
