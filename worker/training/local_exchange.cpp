#include "worker/training/local_exchange.hpp"

namespace millrace {

void LocalExchange::add_shard(Attempt attempt, ShardId shard, std::shared_ptr<ShardCell> cell,
                              EffectListener listener) {
  const std::lock_guard lock(mutex_);
  shards_[{attempt, shard}] = std::make_shared<Shard>(Shard{std::move(cell), std::move(listener)});
}

void LocalExchange::remove_shard(Attempt attempt, ShardId shard) {
  const std::lock_guard lock(mutex_);
  shards_.erase({attempt, shard});
}

void LocalExchange::add_replica(Attempt attempt, ReplicaId replica,
                                std::shared_ptr<TrainerInbox> inbox) {
  const std::lock_guard lock(mutex_);
  inboxes_[{attempt, replica}] = std::move(inbox);
}

void LocalExchange::remove_replica(Attempt attempt, ReplicaId replica) {
  const std::lock_guard lock(mutex_);
  inboxes_.erase({attempt, replica});
}

bool LocalExchange::send(const Entry& entry) {
  std::shared_ptr<Shard> shard;
  {
    const std::lock_guard lock(mutex_);
    const auto found = shards_.find({entry.attempt, entry.shard});
    if (found == shards_.end()) return false;
    shard = found->second;
  }
  route(entry.attempt, entry.shard, shard->cell->on_entry(entry));
  return true;
}

bool LocalExchange::deliver(const Answer& answer) {
  std::shared_ptr<TrainerInbox> inbox;
  {
    const std::lock_guard lock(mutex_);
    const auto found = inboxes_.find({answer.attempt, answer.replica});
    if (found == inboxes_.end()) return false;
    inbox = found->second;
  }
  inbox->post(answer);
  return true;
}

void LocalExchange::route(Attempt attempt, ShardId shard, std::vector<ShardEffect> effects) {
  for (auto& effect : effects) {
    const auto* send = std::get_if<SendAnswer>(&effect);
    if (send != nullptr && deliver(send->answer)) continue;
    EffectListener listener;
    {
      const std::lock_guard lock(mutex_);
      const auto found = shards_.find({attempt, shard});
      if (found == shards_.end()) continue;
      listener = found->second->listener;
    }
    listener(std::move(effect));
  }
}

}  // namespace millrace
