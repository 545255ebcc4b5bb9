// First entries of replicas in other processes that began before the shards here were loaded.
//
// Place: owned by a worker, which hands them to its shards once they are there. Later entries of a
// stream are not kept: they cannot be applied before the first, and they come again.
//
// Invariant: at most limits::kReplicasMax entries, one of each stream, of the newest attempt that
// was heard of; the payloads of a stopped one would only hold memory.
#pragma once

#include <map>
#include <utility>
#include <vector>

#include "common/base/limits.hpp"
#include "worker/core/stream.hpp"

namespace millrace {

class EarlyEntries {
 public:
  void keep(const Entry& entry) {
    if (entry.sequence != Sequence(1)) return;
    const auto found = entries_.find({entry.shard, entry.replica});
    if (found != entries_.end()) {
      if (entry.attempt > found->second.attempt) found->second = entry;
    } else if (entries_.size() < limits::kReplicasMax) {
      entries_.emplace(std::pair(entry.shard, entry.replica), entry);
    }
  }
  // All of them, ascending by shard and replica; none is kept any more.
  std::vector<Entry> take() {
    std::vector<Entry> taken;
    for (auto& [stream, entry] : std::exchange(entries_, {})) taken.push_back(std::move(entry));
    return taken;
  }
  void clear() { entries_.clear(); }

 private:
  std::map<std::pair<ShardId, ReplicaId>, Entry> entries_;
};

}  // namespace millrace
