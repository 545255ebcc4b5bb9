#include "worker/actors/attempt_parts.hpp"

#include <string>
#include <utility>

#include "worker/actors/shard_actor.hpp"
#include "worker/actors/trainer_actor.hpp"

namespace millrace {
namespace {

shard_actor spawn_shard(const PartsOwner& owner, const order::StartAttempt& order,
                        LoadedAttempt& loaded, std::size_t index) {
  ShardActorOptions options{.worker_id = owner.options.id,
                            .attempt = order.attempt,
                            .shard = order.shards[index],
                            .restored = order.restored->cut,
                            .routes = order.routes,
                            .exchange = owner.options.exchange,
                            .worker = owner.worker,
                            .state = owner.keeper,
                            .setup = loaded.setup,
                            .ledger = order.restored->ledger};
  return spawn_shard_actor(owner.system, std::move(options), std::move(loaded.shards[index]));
}

Result<trainer_actor> spawn_trainer(const PartsOwner& owner, const order::StartAttempt& order,
                                    LoadedAttempt& loaded, std::size_t index) {
  const auto& assignment = order.replicas[index];
  TrainerPlan plan;
  plan.setup = loaded.setup;
  plan.replica = assignment.replica;
  plan.attempt = order.attempt;
  plan.cut = order.restored->cut;
  plan.secrets = owner.options.secrets;
  plan.ingest = owner.options.ingest;
  plan.state = std::move(loaded.replicas[index]);
  for (const auto& position : assignment.splits) {
    if (position.split.value >= loaded.splits.size()) {
      return Status(Code::corrupted,
                    "the job's plan lacks split " + std::to_string(position.split.value));
    }
    plan.splits.push_back(loaded.splits[position.split.value]);
    plan.positions.push_back(position);
  }
  TrainerActorOptions options{owner.options.id,    order.routes, owner.options.exchange,
                              owner.worker,        owner.keeper, owner.options.warn,
                              owner.options.health};
  return spawn_trainer_actor(owner.system, std::move(options), std::move(plan));
}

}  // namespace

Status spawn_parts(const PartsOwner& owner, const order::StartAttempt& order, LoadedAttempt& loaded,
                   AttemptParts& parts) {
  for (std::size_t i = 0; i < order.shards.size(); ++i) {
    parts.shards[order.shards[i]] = spawn_shard(owner, order, loaded, i);
  }
  for (std::size_t i = 0; i < order.replicas.size(); ++i) {
    MILLRACE_ASSIGN(const auto trainer, spawn_trainer(owner, order, loaded, i));
    parts.trainers[order.replicas[i].replica] = trainer;
  }
  if (parts.trainers.contains(ReplicaId(0))) {
    parts.finder =
        spawn_split_finder(owner.system, owner.options, order, owner.worker, loaded.splits);
  }
  return {};
}

}  // namespace millrace
