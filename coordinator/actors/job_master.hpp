// Spawns the master of one job: a shell round its JobMachine.
#pragma once

#include "coordinator/actors/interfaces.hpp"

namespace millrace {

class CheckpointKeeper;

// Fails when the store or the registry cannot be opened; blocks while they are.
Result<job_master_actor> spawn_job_master(caf::actor_system& system, const SubmitJob& submit);
// With a keeper that was opened elsewhere.
job_master_actor spawn_job_master(caf::actor_system& system, const SubmitJob& submit,
                                  std::shared_ptr<CheckpointKeeper> keeper);

}  // namespace millrace
