// Spawns the master of one job: a shell round its JobMachine.
#pragma once

#include "coordinator/actors/interfaces.hpp"

namespace millrace {

// Fails when the store or the registry cannot be opened.
Result<job_master_actor> spawn_job_master(caf::actor_system& system, const SubmitJob& submit);

}  // namespace millrace
