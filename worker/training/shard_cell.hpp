// A parameter shard that several threads of one process step: the core behind a short lock.
//
// Place: a shard actor owns one. Training threads of the same process call `on_entry` themselves,
// so a round costs the arithmetic and no message; entries of other processes come through the
// actor. The lock is held while one entry is applied and its answers are copied, and once a cut
// while the whole shard is cloned (ShardCore::split_views, complete_alignment): as long as memory
// takes, and never over a disk, a mailbox or a socket.
#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "worker/core/shard_core.hpp"

namespace millrace {

class ShardCell {
 public:
  explicit ShardCell(ShardCore core) : core_(std::move(core)) {}

  std::vector<ShardEffect> on_entry(const Entry& entry) {
    const std::lock_guard lock(mutex_);
    return core_.on_entry(entry);
  }
  std::vector<ShardEffect> request_cut(CutId cut) {
    const std::lock_guard lock(mutex_);
    return core_.request_cut(cut);
  }
  std::vector<ShardEffect> abort_cut(CutId cut) {
    const std::lock_guard lock(mutex_);
    return core_.abort_cut(cut);
  }

 private:
  std::mutex mutex_;
  ShardCore core_;
};

}  // namespace millrace
