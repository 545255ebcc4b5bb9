// Spawns the shell of one parameter shard for one attempt.
#pragma once

#include <memory>

#include "worker/actors/interfaces.hpp"
#include "worker/training/local_exchange.hpp"

namespace millrace {

struct ShardActorOptions {
  WorkerId worker_id;
  Attempt attempt;
  ShardId shard;
  CutId restored;
  std::shared_ptr<const Routes> routes;
  std::shared_ptr<LocalExchange> exchange;
  worker_actor worker;
  state_actor state;
  TrainingSetupPtr setup;
  ShardLedger ledger;
};

shard_actor spawn_shard_actor(caf::actor_system& system, ShardActorOptions options,
                              std::unique_ptr<ParameterShard> values);

}  // namespace millrace
