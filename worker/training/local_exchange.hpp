// Finds the shards and trainers that run in this process, for the path that needs no messages.
//
// Place: one per process, shared by its workers; one per worker where entries shall travel by
// message. Entries go straight to a shard's cell and answers straight to a trainer's inbox; what
// else a shard has to say, answers to replicas that are not here included, goes to the listener its
// actor registered. Thread-safe.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <utility>

#include "worker/training/shard_cell.hpp"
#include "worker/training/trainer_inbox.hpp"

namespace millrace {

class LocalExchange {
 public:
  // Takes what is for others: a cut that is ready, a failure, the answer to a replica elsewhere.
  using EffectListener = std::function<void(ShardEffect)>;

  void add_shard(Attempt attempt, ShardId shard, std::shared_ptr<ShardCell> cell,
                 EffectListener listener);
  void remove_shard(Attempt attempt, ShardId shard);
  void add_replica(Attempt attempt, ReplicaId replica, std::shared_ptr<TrainerInbox> inbox);
  void remove_replica(Attempt attempt, ReplicaId replica);

  // False when the shard is not here (yet): the caller sends the entry by message.
  bool send(const Entry& entry);
  // Routes a shard's effects: answers to inboxes that are here, the rest to its listener.
  void route(Attempt attempt, ShardId shard, std::vector<ShardEffect> effects);

 private:
  struct Shard {
    std::shared_ptr<ShardCell> cell;
    EffectListener listener;
  };
  // False when the replica is not here.
  bool deliver(const Answer& answer);

  std::mutex mutex_;
  std::map<std::pair<Attempt, ShardId>, std::shared_ptr<Shard>> shards_;
  std::map<std::pair<Attempt, ReplicaId>, std::shared_ptr<TrainerInbox>> inboxes_;
};

}  // namespace millrace
