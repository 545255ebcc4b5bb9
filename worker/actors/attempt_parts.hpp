// What a worker runs of an attempt: its trainers and shards, and who looks for new splits.
//
// Place: the worker actor owns it; its state actor has loaded what they start from.
#pragma once

#include <map>

#include "worker/actors/interfaces.hpp"
#include "worker/actors/split_finder.hpp"
#include "worker/actors/worker.hpp"

namespace millrace {

struct AttemptParts {
  std::map<ReplicaId, trainer_actor> trainers;
  std::map<ShardId, shard_actor> shards;
  split_finder finder;  // where replica 0 runs and its stream may gain splits
};

// Who spawns them.
struct PartsOwner {
  caf::actor_system& system;
  const WorkerOptions& options;
  worker_actor worker;
  state_actor keeper;
};

// `parts` holds what was spawned also where it fails: with corrupted when the plan of the job lacks
// a split, or with what a trainer says of its state.
Status spawn_parts(const PartsOwner& owner, const order::StartAttempt& order, LoadedAttempt& loaded,
                   AttemptParts& parts);

}  // namespace millrace
