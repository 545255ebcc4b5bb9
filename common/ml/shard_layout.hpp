// How the parameters of a model are cut into shards, fixed at submit.
//
// Place: trainers cut pushes with it and paste answers, shards size their slice with it. The dense
// block is cut into contiguous ranges of whole cache lines; row r of the table belongs to shard r
// mod shards and is its local row r / shards there. Pure arithmetic, the same on every process.
#pragma once

#include <cstddef>
#include <cstdint>

#include "common/base/aligned.hpp"
#include "common/ml/model.hpp"

namespace millrace {

class ShardLayout {
 public:
  ShardLayout() = default;
  ShardLayout(const ParameterLayout& whole, std::uint32_t shards) : whole_(whole), shards_(shards) {
    MILLRACE_CHECK(shards >= 1);
    const std::size_t lines = whole.dense / kRowFloats + (whole.dense % kRowFloats != 0 ? 1 : 0);
    per_shard_ = (lines + shards - 1) / shards * kRowFloats;
  }

  const ParameterLayout& whole() const { return whole_; }
  std::uint32_t shards() const { return shards_; }
  std::size_t dense_begin(std::uint32_t shard) const { return min(shard * per_shard_); }
  std::size_t dense_end(std::uint32_t shard) const { return min((shard + 1) * per_shard_); }
  std::uint32_t shard_of_row(std::uint32_t row) const { return row % shards_; }
  std::uint32_t local_row(std::uint32_t row) const { return row / shards_; }
  std::uint32_t global_row(std::uint32_t shard, std::uint32_t local) const {
    return local * shards_ + shard;
  }

  // The slice of one shard as a layout of its own.
  ParameterLayout slice(std::uint32_t shard) const {
    ParameterLayout layout;
    layout.dense = dense_end(shard) - dense_begin(shard);
    layout.table_rows = whole_.table_rows / shards_ + (shard < whole_.table_rows % shards_ ? 1 : 0);
    layout.table_width = whole_.table_width;
    return layout;
  }

 private:
  std::size_t min(std::size_t position) const {
    return position < whole_.dense ? position : whole_.dense;
  }

  ParameterLayout whole_;
  std::uint32_t shards_ = 1;
  std::size_t per_shard_ = 0;
};

}  // namespace millrace
