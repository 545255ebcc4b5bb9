// Cuts the parameters of a stored cut anew, for another number of shards.
//
// Place: the state keeper of a worker whose attempt starts from a cut of another parallelism feeds
// it the old shards, one after the other, and takes the new ones that it is to host. Pure; a value.
//
// Invariant: every parameter and slot keeps its bits and its global place, whatever the two
// counts; statistics and dictionary stay with shard 0. So cutting back gives the same bytes.
#pragma once

#include <cstdint>
#include <vector>

#include "common/base/status.hpp"
#include "common/ml/shard_layout.hpp"
#include "common/ml/shard_state.hpp"

namespace millrace {

// A number of shards, and the id that shards of it carry.
struct ShardCutting {
  ShardLayout layout;
  std::uint64_t layout_id = 0;
};

class ShardRecut {
 public:
  // Both layouts are of the same model. `wanted`: new shards, each once. Memory: those, and one old
  // shard at a time.
  ShardRecut(const ShardCutting& from, const ShardCutting& to,
             const std::vector<std::uint32_t>& wanted);

  // Every old shard once, in any order. corrupted when it is none of them or is not shaped like
  // one.
  Status add(ShardState old);
  // The new shards, in the order of `wanted`. corrupted when an old one is missing.
  Result<std::vector<ShardState>> take() &&;

 private:
  Status check(const ShardState& old) const;
  void shape_slots(std::size_t slots);

  ShardCutting from_;
  ShardLayout to_;
  std::vector<ShardState> shards_;
  std::vector<bool> added_;  // by old shard
  std::size_t slots_ = 0;    // of the first one that was added
};

}  // namespace millrace
