// One shard's slice of a job's parameters, with the optimiser's slots, and in shard 0 the job's
// statistics and dictionary: the numeric content behind a ShardCore.
//
// Place: owned by a ShardCore, which decides what is applied, to which view, in which order; this
// class only does the arithmetic of merging. One thread at a time. A clone is the second view while
// a cut is aligned.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "common/ml/optimizer.hpp"
#include "common/ml/shard_layout.hpp"
#include "common/ml/shard_state.hpp"
#include "worker/core/shard_values.hpp"
#include "worker/training/parameter_payload.hpp"

namespace millrace {

struct ParameterShardOptions {
  std::uint32_t shard = 0;
  std::uint32_t replicas = 1;
  MergeMode mode = MergeMode::async_gradient;
  double alpha = 0.5;                    // elastic
  PushKind push_kind = PushKind::delta;  // of every push
  ShardLayout layout;
  std::uint64_t layout_id = 0;
  std::shared_ptr<const Optimizer> optimizer;  // slots' shapes; applies gradients in async_gradient
  std::vector<std::uint8_t> intercepts;        // of the whole dense block
};

class ParameterShard final : public ShardValues {
 public:
  // A fresh shard. `theta` is the whole initial vector; only shard 0 keeps statistics and
  // dictionary.
  ParameterShard(const ParameterShardOptions& options, std::span<const float> theta,
                 std::size_t statistics, Dictionary dictionary);
  // The shard as a cut holds it. Fails with conflict when it belongs to another model.
  static Result<std::unique_ptr<ParameterShard>> restore(const ParameterShardOptions& options,
                                                         ShardState state);
  ShardState state() const;

  Status check(const PushPayload& push) const override;
  void apply(ReplicaId from, const PushPayload& push, double weight) override;
  void apply_round(std::span<const RoundPush> pushes) override;
  std::unique_ptr<ShardValues> clone() const override;
  std::shared_ptr<const ViewPayload> answer(ReplicaId replica, const PushPayload* applied) override;
  std::size_t bytes() const override;

 private:
  explicit ParameterShard(const ParameterShardOptions& options);
  void adopt_dictionary(Dictionary dictionary);
  void apply_delta(const ParameterPush& push, double weight);
  void apply_position(const ParameterPush& push);
  void apply_shared_state(const ParameterPush& push);
  Status check_shape(const ParameterPush& push) const;
  std::size_t vectors() const;
  bool answers_name_rows() const;
  void mark_rows(ReplicaId from, const std::vector<std::uint32_t>& rows);
  std::vector<std::uint32_t> rows_to_tell(ReplicaId replica, const ParameterPush* push);

  ParameterShardOptions options_;
  ParameterLayout slice_;
  std::vector<std::uint8_t> intercepts_;  // of the slice
  ParameterState parameters_;
  std::vector<double> statistics_;
  Dictionary dictionary_;
  DictionaryLog dictionary_log_;
  // Elastic: how far the last push moves its replica, shaped like the push.
  Gradient last_move_;
  // Per replica, the local rows that others changed since the last answer to one of its pushes;
  // `is_dirty_` keeps the lists free of repeats. Empty where answers do not name rows.
  std::vector<std::vector<std::uint32_t>> dirty_rows_;
  std::vector<std::vector<bool>> is_dirty_;
};

}  // namespace millrace
