// A replica's parameters between pushes: what is theirs, what is frozen in flight, what was learned
// since.
//
// Place: owned by one Trainer and its thread. `freeze_*` cuts what was learned into one payload per
// shard and remembers it until every shard has answered; `rebase` pastes a shard's answer.
//
// Invariant: theta == base + (learned since the last freeze), and base == (last answered values) +
// (frozen pushes not yet answered), slice by slice. So an answer v for push q gives base' = v +
// later frozen pushes and theta' = base' + (theta - base): nothing learned meanwhile is lost, and
// nobody waited.
//
// A push may leave the optimiser's averages behind, and what rounding takes off theta
// (PushFilter): it stays between base and present until a push takes it along, and a flush leaves
// nothing. Answers to rounded pushes arrive rounded; gains are counted from them as they arrived.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "common/ml/optimizer.hpp"
#include "common/ml/shard_layout.hpp"
#include "worker/training/parameter_payload.hpp"

namespace millrace {

using PushPayloads = std::vector<std::shared_ptr<ParameterPush>>;  // one per shard

// What a push may leave for a later one.
struct PushFilter {
  // Every how many pushes the optimiser's slots travel. More than 1 only where all of them are
  // averages, which is what each replica has of its own gradients anyway, and no table rows travel.
  std::uint32_t slots_every = 1;
  // Of theta's dense gains. Rows are whole: one that is not trained again would keep its rest.
  Precision precision = Precision::float32;
};

enum class PushExtent : std::uint8_t {
  filtered,
  whole,  // a flush: nothing is left behind
};

class ReplicaParameters {
 public:
  ReplicaParameters(const ShardLayout& layout, std::uint64_t layout_id, PushKind kind,
                    std::shared_ptr<const Optimizer> optimizer, PushFilter filter = {});

  // Continues from a replica's own state (elastic averaging); else the first views of the shards
  // say all.
  void restore(const ParameterState& state) { state_ = state; }

  ParameterState& state() { return state_; }
  const ParameterState& state() const { return state_; }
  // Table rows trained since the last freeze, repeats allowed; the trainer appends.
  std::vector<std::uint32_t>& touched() { return touched_; }

  // What was learned since the last freeze, or where theta stands (elastic).
  PushPayloads freeze(PushExtent extent = PushExtent::whole);
  // Whether the newest push left something behind.
  bool holds_back() const { return pushes_without_slots_ != 0 || is_rounded_; }
  // Payloads without parameters: they carry only what the trainer adds.
  PushPayloads freeze_nothing() const { return empty_payloads(0); }
  // A gradient, handed over: this replica's own parameters do not move until the shards answer.
  PushPayloads freeze_gradient(Gradient&& gradient, double rate_scale);
  // The push just frozen was sent under this sequence number, the same for every shard.
  void sent(Sequence sequence, const PushPayloads& payloads);
  // `sequence` may be that of an announcement or a barrier: then nothing of it was frozen.
  // Takes the buffers of a view that nobody else holds instead of copying them.
  void rebase(ShardId shard, Sequence sequence, const std::shared_ptr<const ParameterView>& view);
  // A spent gradient's memory, for the next one; empty when there is none.
  Gradient recycle();

 private:
  struct Outstanding {
    Sequence sequence;
    PushPayloads payloads;
  };
  // One stretch of floats of one vector: a shard's dense slice or one table row.
  struct Stretch {
    std::span<float> now;
    std::span<float> base;
    SlotMerge merge;
  };

  bool takes_slots(PushExtent extent) const;
  PushPayloads empty_payloads(std::size_t vectors) const;
  void freeze_dense(std::size_t vector, PushPayloads& payloads);
  void freeze_rows(PushPayloads& payloads);
  void freeze_stretch(const Stretch& at, std::span<float> gain) const;
  bool take_theta(const std::shared_ptr<const ParameterView>& view);
  void rebase_dense(std::uint32_t shard, std::size_t vector, Sequence answered,
                    const AlignedVector<float>& values);
  void rebase_row(std::uint32_t shard, std::size_t vector, Sequence answered,
                  std::uint32_t local_row, std::span<const float> values);
  void rebase_scalars(const ParameterView& view, Sequence answered);
  // Whether a push after `answered` is frozen and in flight.
  bool has_later(Sequence answered) const;
  void forget_answered(ShardId shard, Sequence answered);
  Stretch stretch(std::size_t vector, std::size_t begin, std::size_t count);
  std::size_t row_begin(std::uint32_t shard, std::uint32_t local_row) const;
  std::size_t vectors() const;

  ShardLayout layout_;
  std::uint64_t layout_id_;
  PushKind kind_;
  PushFilter filter_;
  std::shared_ptr<const Optimizer> optimizer_;
  ParameterState state_;
  ParameterState base_;  // only for PushKind::delta
  std::vector<std::uint32_t> touched_;
  std::deque<Outstanding> outstanding_;  // ascending
  std::vector<Sequence> answered_;  // newest answer of each shard; an answer may skip earlier ones
  Gradient spare_;
  std::uint32_t pushes_without_slots_ = 0;  // since the last with them
  bool is_rounded_ = false;                 // the newest push
};

}  // namespace millrace
