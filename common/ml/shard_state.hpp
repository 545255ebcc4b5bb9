// The stored form of one parameter shard at a cut: what checkpoints hold and versions are assembled
// from.
//
// Place: written by a worker's ParameterShard, read back by it at recovery, and by publication,
// which pastes the shards of a cut into one parameter vector. A value.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "common/base/bytes.hpp"
#include "common/data/dictionary.hpp"
#include "common/ml/optimizer.hpp"
#include "common/ml/shard_layout.hpp"

namespace millrace {

struct ShardState {
  std::uint64_t layout_id = 0;  // of the whole model: a shard of another one is refused
  std::uint32_t shard = 0;
  ParameterState parameters;             // the shard's slice, table rows in local order
  std::vector<double> statistics;        // shard 0: the pipeline's
  std::optional<Dictionary> dictionary;  // shard 0

  Bytes encode() const;
  static Result<ShardState> decode(ByteView bytes);
};

// Pastes the slice of `shard` into the whole vector [layout.whole().total()].
// Fails with corrupted when the slice has another size.
Status paste_shard(const ShardLayout& layout, std::uint32_t shard, std::span<const float> slice,
                   std::span<float> whole);
// The slice of `shard` of the whole vector.
AlignedVector<float> cut_shard(const ShardLayout& layout, std::uint32_t shard,
                               std::span<const float> whole);

}  // namespace millrace
