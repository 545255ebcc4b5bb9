#include "worker/training/replica_parameters.hpp"

#include <algorithm>

#include "common/ml/kernels/kernels.hpp"
#include "common/ml/kernels/merge_kernels.hpp"

namespace millrace {
namespace {

// `next_base` is what the shard answered plus this replica's later frozen pushes.
void rebase_stretch(std::span<float> now, std::span<float> base, std::span<const float> next_base,
                    SlotMerge merge) {
  if (merge == SlotMerge::max) {
    kernels::merge_max(next_base.data(), now.size(), now.data());
    std::ranges::copy(next_base, base.begin());
    return;
  }
  if (merge == SlotMerge::average_non_negative) {
    return kernels::rebase_non_negative(next_base.data(), now.size(), now.data(), base.data());
  }
  kernels::rebase(next_base.data(), now.size(), now.data(), base.data());
}

void add_later(std::span<float> base, std::span<const float> gain, SlotMerge merge) {
  if (merge == SlotMerge::max) {
    kernels::merge_max(gain.data(), base.size(), base.data());
  } else if (merge == SlotMerge::average_non_negative) {
    kernels::merge_non_negative(1.0f, 0.0f, gain.data(), base.size(), base.data());
  } else {
    kernels::axpy(1.0f, gain.data(), base.size(), base.data());
  }
}

}  // namespace

ReplicaParameters::ReplicaParameters(const ShardLayout& layout, std::uint64_t layout_id,
                                     PushKind kind, std::shared_ptr<const Optimizer> optimizer,
                                     PushFilter filter)
    : layout_(layout),
      layout_id_(layout_id),
      kind_(kind),
      filter_(filter),
      optimizer_(std::move(optimizer)),
      answered_(layout.shards()) {
  state_.theta.assign(layout_.whole().total(), 0.0f);
  optimizer_->initialise(state_);
  if (kind_ == PushKind::delta) base_ = state_;
}

std::size_t ReplicaParameters::vectors() const {
  return kind_ == PushKind::delta ? 1 + state_.slots.size() : 1;
}

std::size_t ReplicaParameters::row_begin(std::uint32_t shard, std::uint32_t local_row) const {
  return layout_.whole().dense +
         std::size_t{layout_.global_row(shard, local_row)} * layout_.whole().table_width;
}

ReplicaParameters::Stretch ReplicaParameters::stretch(std::size_t vector, std::size_t begin,
                                                      std::size_t count) {
  auto& now = vector == 0 ? state_.theta : state_.slots[vector - 1];
  Stretch result{std::span(now).subspan(begin, count), {}, SlotMerge::average};
  if (vector > 0) result.merge = optimizer_->slots()[vector - 1].merge;
  if (kind_ == PushKind::delta) {
    auto& base = vector == 0 ? base_.theta : base_.slots[vector - 1];
    result.base = std::span(base).subspan(begin, count);
  }
  return result;
}

PushPayloads ReplicaParameters::empty_payloads(std::size_t vectors) const {
  PushPayloads payloads;
  for (std::uint32_t shard = 0; shard < layout_.shards(); ++shard) {
    auto push = std::make_shared<ParameterPush>();
    push->kind = kind_;
    push->layout_id = layout_id_;
    push->vectors.resize(vectors);
    payloads.push_back(std::move(push));
  }
  return payloads;
}

// What a stretch gained since its base, which moves up by as much. A maximum and a position are
// sent as they stand.
void ReplicaParameters::freeze_stretch(const Stretch& at, std::span<float> gain) const {
  if (kind_ == PushKind::delta) {
    kernels::take_gain(at.now.data(), at.now.size(), at.base.data(), gain.data());
    if (at.merge != SlotMerge::max) return;
  }
  std::ranges::copy(at.now, gain.begin());
}

void ReplicaParameters::freeze_dense(std::size_t vector, PushPayloads& payloads) {
  for (std::uint32_t shard = 0; shard < layout_.shards(); ++shard) {
    const std::size_t begin = layout_.dense_begin(shard);
    const std::size_t count = layout_.dense_end(shard) - begin;
    auto& gain = payloads[shard]->vectors[vector].dense;
    gain.resize(count);
    const Stretch at = stretch(vector, begin, count);
    if (vector == 0 && is_rounded_) {
      kernels::take_rounded_gain(at.now.data(), count, at.base.data(), gain.data());
    } else {
      freeze_stretch(at, gain);
    }
  }
}

void ReplicaParameters::freeze_rows(PushPayloads& payloads) {
  std::ranges::sort(touched_);
  touched_.erase(std::unique(touched_.begin(), touched_.end()), touched_.end());
  const std::size_t width = layout_.whole().table_width;
  for (const auto row : touched_) {
    auto& push = *payloads[layout_.shard_of_row(row)];
    push.vectors[0].rows.push_back(layout_.local_row(row));
    for (std::size_t v = 0; v < push.vectors.size(); ++v) {
      auto& values = push.vectors[v].row_values;
      values.resize(values.size() + width);
      const std::span<float> gain(values.data() + values.size() - width, width);
      freeze_stretch(stretch(v, layout_.whole().dense + std::size_t{row} * width, width), gain);
    }
  }
  touched_.clear();
}

bool ReplicaParameters::takes_slots(PushExtent extent) const {
  const auto is_average = [](const SlotShape& slot) {
    return slot.merge == SlotMerge::average || slot.merge == SlotMerge::average_non_negative;
  };
  return extent == PushExtent::whole || layout_.whole().table_rows != 0 ||
         pushes_without_slots_ + 1 >= filter_.slots_every ||
         !std::ranges::all_of(optimizer_->slots(), is_average);
}

PushPayloads ReplicaParameters::freeze(PushExtent extent) {
  MILLRACE_CHECK(kind_ != PushKind::gradient);
  const bool has_slots = takes_slots(extent);
  pushes_without_slots_ = has_slots || vectors() == 1 ? 0 : pushes_without_slots_ + 1;
  is_rounded_ = extent == PushExtent::filtered && kind_ == PushKind::delta &&
                filter_.precision == Precision::bfloat16;
  PushPayloads payloads = empty_payloads(has_slots ? vectors() : 1);
  const auto precision = is_rounded_ ? Precision::bfloat16 : Precision::float32;
  for (const auto& push : payloads) push->precision = precision;
  for (std::size_t v = 0; v < payloads[0]->vectors.size(); ++v) freeze_dense(v, payloads);
  freeze_rows(payloads);
  if (kind_ == PushKind::delta) {
    std::vector<double> gains(state_.scalars.size());
    for (std::size_t i = 0; i < gains.size(); ++i) {
      const bool is_max = optimizer_->scalars()[i].merge == SlotMerge::max;
      gains[i] = is_max ? state_.scalars[i] : state_.scalars[i] - base_.scalars[i];
    }
    base_.scalars = state_.scalars;
    for (auto& push : payloads) push->scalars = gains;
  }
  return payloads;
}

PushPayloads ReplicaParameters::freeze_gradient(Gradient&& gradient, double rate_scale) {
  MILLRACE_CHECK(kind_ == PushKind::gradient);
  touched_.clear();
  PushPayloads payloads = empty_payloads(1);
  for (auto& push : payloads) push->rate_scale = rate_scale;
  if (layout_.shards() == 1) {
    payloads[0]->vectors[0] = std::move(gradient);
    return payloads;
  }
  for (std::uint32_t shard = 0; shard < layout_.shards(); ++shard) {
    const auto* dense = gradient.dense.data();
    payloads[shard]->vectors[0].dense.assign(dense + layout_.dense_begin(shard),
                                             dense + layout_.dense_end(shard));
  }
  const std::size_t width = layout_.whole().table_width;
  for (std::size_t i = 0; i < gradient.rows.size(); ++i) {
    auto& part = payloads[layout_.shard_of_row(gradient.rows[i])]->vectors[0];
    part.rows.push_back(layout_.local_row(gradient.rows[i]));
    const auto* values = gradient.row_values.data() + i * width;
    part.row_values.insert(part.row_values.end(), values, values + width);
  }
  spare_ = std::move(gradient);
  return payloads;
}

void ReplicaParameters::sent(Sequence sequence, const PushPayloads& payloads) {
  outstanding_.push_back({sequence, payloads});
}

Gradient ReplicaParameters::recycle() {
  return std::exchange(spare_, {});
}

bool ReplicaParameters::has_later(Sequence answered) const {
  return !outstanding_.empty() && outstanding_.back().sequence > answered;
}

void ReplicaParameters::rebase_dense(std::uint32_t shard, std::size_t vector, Sequence answered,
                                     const AlignedVector<float>& values) {
  const Stretch at = stretch(vector, layout_.dense_begin(shard), values.size());
  if (kind_ == PushKind::gradient) {
    std::ranges::copy(values, at.now.begin());
    return;
  }
  if (kind_ == PushKind::position) {
    for (std::size_t i = 0; i < values.size(); ++i) at.now[i] += values[i];
    return;
  }
  if (!has_later(answered)) return rebase_stretch(at.now, at.base, values, at.merge);
  AlignedVector<float> next_base(values);
  for (const auto& later : outstanding_) {
    const auto& pushed = later.payloads[shard]->vectors;
    if (later.sequence <= answered || vector >= pushed.size()) continue;
    add_later(next_base, pushed[vector].dense, at.merge);
  }
  rebase_stretch(at.now, at.base, next_base, at.merge);
}

void ReplicaParameters::rebase_row(std::uint32_t shard, std::size_t vector, Sequence answered,
                                   std::uint32_t local_row, std::span<const float> values) {
  const std::size_t width = values.size();
  const Stretch at = stretch(vector, row_begin(shard, local_row), width);
  if (kind_ == PushKind::gradient) {
    std::ranges::copy(values, at.now.begin());
    return;
  }
  if (kind_ == PushKind::position) {
    for (std::size_t i = 0; i < width; ++i) at.now[i] += values[i];
    return;
  }
  if (!has_later(answered)) return rebase_stretch(at.now, at.base, values, at.merge);
  AlignedVector<float> next_base(values.begin(), values.end());
  for (const auto& later : outstanding_) {
    if (later.sequence <= answered) continue;
    const auto& push = *later.payloads[shard];
    const auto found = std::ranges::lower_bound(push.vectors[0].rows, local_row);
    if (found == push.vectors[0].rows.end() || *found != local_row) continue;
    const auto index = static_cast<std::size_t>(found - push.vectors[0].rows.begin());
    add_later(next_base, std::span(push.vectors[vector].row_values).subspan(index * width, width),
              at.merge);
  }
  rebase_stretch(at.now, at.base, next_base, at.merge);
}

void ReplicaParameters::rebase_scalars(const ParameterView& view, Sequence answered) {
  if (kind_ != PushKind::delta) return;
  for (std::size_t i = 0; i < state_.scalars.size(); ++i) {
    const bool is_max = optimizer_->scalars()[i].merge == SlotMerge::max;
    double next_base = view.scalars[i];
    for (const auto& later : outstanding_) {
      if (later.sequence <= answered) continue;
      const double gain = later.payloads[0]->scalars[i];
      next_base = is_max ? std::max(next_base, gain) : next_base + gain;
    }
    state_.scalars[i] = is_max ? std::max(next_base, state_.scalars[i])
                               : next_base + (state_.scalars[i] - base_.scalars[i]);
    base_.scalars[i] = next_base;
  }
}

// Where gradients travel, an answer is the whole of theta: a sole owner swaps instead of copying.
bool ReplicaParameters::take_theta(const std::shared_ptr<const ParameterView>& view) {
  if (kind_ != PushKind::gradient || view.use_count() != 1) return false;
  auto& own = const_cast<ParameterView&>(*view);  // no other reference is left
  if (own.vectors.size() != 1 || own.vectors[0].dense.size() != state_.theta.size()) return false;
  state_.theta.swap(own.vectors[0].dense);
  return true;
}

void ReplicaParameters::rebase(ShardId shard, Sequence sequence,
                               const std::shared_ptr<const ParameterView>& pointer) {
  const ParameterView& view = *pointer;
  const std::size_t width = layout_.whole().table_width;
  const std::size_t parts = take_theta(pointer) ? 0 : std::min(vectors(), view.vectors.size());
  for (std::size_t v = 0; v < parts; ++v) {
    rebase_dense(shard.value, v, sequence, view.vectors[v].dense);
    for (std::size_t i = 0; i < view.vectors[0].rows.size(); ++i) {
      rebase_row(shard.value, v, sequence, view.vectors[0].rows[i],
                 std::span(view.vectors[v].row_values).subspan(i * width, width));
    }
  }
  if (shard.value == 0) rebase_scalars(view, sequence);
  forget_answered(shard, sequence);
}

void ReplicaParameters::forget_answered(ShardId shard, Sequence answered) {
  answered_[shard.value] = std::max(answered_[shard.value], answered);
  const Sequence by_all = *std::ranges::min_element(answered_);
  while (!outstanding_.empty() && outstanding_.front().sequence <= by_all) {
    auto& vectors = outstanding_.front().payloads[0]->vectors;
    if (kind_ == PushKind::gradient && layout_.shards() == 1 && !vectors.empty()) {
      spare_ = std::move(vectors[0]);
    }
    outstanding_.pop_front();
  }
}

}  // namespace millrace
