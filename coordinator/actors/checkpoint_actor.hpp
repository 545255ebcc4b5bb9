// Spawns the detached actor that owns a job's CheckpointKeeper.
#pragma once

#include "coordinator/actors/interfaces.hpp"

namespace millrace {

class CheckpointKeeper;

// Outcomes go to `master`.
checkpoint_actor spawn_checkpoint_actor(caf::actor_system& system,
                                        std::shared_ptr<CheckpointKeeper> keeper,
                                        const job_master_actor& master);

}  // namespace millrace
