#include "common/ml/shard_recut.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "common/base/check.hpp"

namespace millrace {
namespace {

Status unfit(std::uint32_t shard, const std::string& why) {
  return {Code::corrupted, "the stored parameter shard " + std::to_string(shard) + " " + why,
          "start from an older checkpoint, or compare the store with a backup"};
}

// Copies what both slices hold of the whole vector.
void copy_common(const ShardLayout& from, std::uint32_t old_shard, std::span<const float> old_slice,
                 const ShardLayout& to, std::uint32_t new_shard, std::span<float> new_slice) {
  const std::size_t begin = std::max(from.dense_begin(old_shard), to.dense_begin(new_shard));
  const std::size_t end = std::min(from.dense_end(old_shard), to.dense_end(new_shard));
  if (begin < end) {
    std::copy_n(old_slice.data() + (begin - from.dense_begin(old_shard)), end - begin,
                new_slice.data() + (begin - to.dense_begin(new_shard)));
  }
  const ParameterLayout old_part = from.slice(old_shard);
  const std::size_t new_dense = to.slice(new_shard).dense;
  const std::size_t width = old_part.table_width;
  for (std::uint32_t row = 0; row < old_part.table_rows; ++row) {
    const std::uint32_t global = from.global_row(old_shard, row);
    if (to.shard_of_row(global) != new_shard) continue;
    std::copy_n(old_slice.data() + old_part.dense + row * width, width,
                new_slice.data() + new_dense + std::size_t{to.local_row(global)} * width);
  }
}

}  // namespace

ShardRecut::ShardRecut(const ShardCutting& from, const ShardCutting& to,
                       const std::vector<std::uint32_t>& wanted)
    : from_(from), to_(to.layout), added_(from_.layout.shards()) {
  MILLRACE_CHECK(from_.layout.whole().total() == to_.whole().total());
  for (const std::uint32_t shard : wanted) {
    MILLRACE_CHECK(shard < to_.shards());
    ShardState state;
    state.layout_id = to.layout_id;
    state.shard = shard;
    state.parameters.theta.assign(to_.slice(shard).total(), 0.0f);
    shards_.push_back(std::move(state));
  }
}

Status ShardRecut::check(const ShardState& old) const {
  if (old.shard >= added_.size() || added_[old.shard]) return unfit(old.shard, "is one too many");
  const std::size_t total = from_.layout.slice(old.shard).total();
  if (old.layout_id != from_.layout_id || old.parameters.theta.size() != total)
    return unfit(old.shard, "belongs to another model layout");
  const bool is_first = std::ranges::count(added_, true) == 0;
  if (!is_first && old.parameters.slots.size() != slots_)
    return unfit(old.shard, "has other optimiser slots than the shards before it");
  for (const auto& slot : old.parameters.slots) {
    if (slot.size() != total) return unfit(old.shard, "has slots unlike its parameters");
  }
  return {};
}

void ShardRecut::shape_slots(std::size_t slots) {
  slots_ = slots;
  for (auto& shard : shards_) {
    for (std::size_t i = 0; i < slots; ++i) {
      shard.parameters.slots.emplace_back(shard.parameters.theta.size(), 0.0f);
    }
  }
}

Status ShardRecut::add(ShardState old) {
  MILLRACE_TRY(check(old));
  if (std::ranges::count(added_, true) == 0) shape_slots(old.parameters.slots.size());
  added_[old.shard] = true;
  const ShardLayout& from = from_.layout;
  for (auto& shard : shards_) {
    auto& into = shard.parameters;
    copy_common(from, old.shard, old.parameters.theta, to_, shard.shard, into.theta);
    for (std::size_t i = 0; i < slots_; ++i) {
      copy_common(from, old.shard, old.parameters.slots[i], to_, shard.shard, into.slots[i]);
    }
    // Every shard applies every push's scalars; replicas adopt those of shard 0.
    if (old.shard == 0) into.scalars = old.parameters.scalars;
  }
  const auto first = std::ranges::find(shards_, 0u, &ShardState::shard);
  if (old.shard != 0 || first == shards_.end()) return {};
  first->statistics = std::move(old.statistics);
  first->dictionary = std::move(old.dictionary);
  return {};
}

Result<std::vector<ShardState>> ShardRecut::take() && {
  const auto missing = std::ranges::find(added_, false);
  if (missing != added_.end())
    return unfit(static_cast<std::uint32_t>(missing - added_.begin()), "is missing");
  return std::move(shards_);
}

}  // namespace millrace
