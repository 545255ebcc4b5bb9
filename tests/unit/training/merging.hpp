// Two replicas and the shards of a small model, stepped by hand.
#pragma once

#include <boost/test/unit_test.hpp>

#include "worker/training/parameter_shard.hpp"
#include "worker/training/replica_parameters.hpp"

namespace millrace::test {

class Merging {
 public:
  static constexpr ParameterLayout kWithTable{.dense = 32, .table_rows = 6, .table_width = 2};
  static constexpr ParameterLayout kWithoutTable{.dense = 32, .table_rows = 0, .table_width = 0};

  Merging(MergeMode mode, PushKind kind, OptimizerKind optimizer, std::uint32_t shards,
          PushFilter filter = {}, const ParameterLayout& layout = kWithTable) {
    OptimizerSpec spec;
    spec.kind = optimizer;
    spec.learning_rate = 0.5;
    optimizer_ = make_optimizer(spec).value();
    layout_ = ShardLayout(layout, shards);
    std::vector<float> theta(layout_.whole().total());
    for (std::size_t i = 0; i < theta.size(); ++i) theta[i] = static_cast<float>(i);
    for (std::uint32_t shard = 0; shard < shards; ++shard) {
      ParameterShardOptions options;
      options.shard = shard;
      options.replicas = 2;
      options.mode = mode;
      options.push_kind = kind;
      options.layout = layout_;
      options.layout_id = kLayout;
      options.optimizer = optimizer_;
      options.intercepts.assign(32, 0);
      shards_.push_back(
          std::make_unique<ParameterShard>(options, theta, 0, Dictionary(Schema{}, {4})));
    }
    for (std::uint32_t id = 0; id < 2; ++id) {
      replicas_.emplace_back(layout_, kLayout, kind, optimizer_, filter);
      tell(id, Sequence(1), {});
    }
  }

  ReplicaParameters& replica(std::uint32_t id) { return replicas_[id]; }
  std::span<float> theta(std::uint32_t id) { return replicas_[id].state().theta; }

  // Each shard's answer to a replica's entry that carried `payloads` (none: an announcement, or an
  // entry that was applied before).
  std::vector<std::shared_ptr<const ParameterView>> answer(std::uint32_t id,
                                                           const PushPayloads& payloads) {
    std::vector<std::shared_ptr<const ParameterView>> views;
    for (std::uint32_t shard = 0; shard < shards_.size(); ++shard) {
      const PushPayload* push = payloads.empty() ? nullptr : payloads[shard].get();
      views.push_back(std::static_pointer_cast<const ParameterView>(
          shards_[shard]->answer(ReplicaId(id), push)));
    }
    return views;
  }
  // The answers, taken in by the replica.
  void tell(std::uint32_t id, Sequence sequence, const PushPayloads& payloads) {
    const auto views = answer(id, payloads);
    for (std::uint32_t shard = 0; shard < shards_.size(); ++shard) {
      replicas_[id].rebase(ShardId(shard), sequence, views[shard]);
    }
  }
  void apply(std::uint32_t id, const PushPayloads& payloads, double weight) {
    for (std::uint32_t shard = 0; shard < shards_.size(); ++shard) {
      BOOST_REQUIRE(shards_[shard]->check(*payloads[shard]).is_ok());
      shards_[shard]->apply(ReplicaId(id), *payloads[shard], weight);
    }
  }
  // The whole vector as the shards hold it.
  std::vector<float> merged() const {
    std::vector<float> whole(layout_.whole().total());
    for (std::uint32_t shard = 0; shard < shards_.size(); ++shard) {
      const ShardState state = shards_[shard]->state();
      BOOST_REQUIRE(paste_shard(layout_, shard, state.parameters.theta, whole).is_ok());
    }
    return whole;
  }
  const ParameterShard& shard(std::uint32_t id) const { return *shards_[id]; }

 private:
  static constexpr std::uint64_t kLayout = 77;
  std::shared_ptr<const Optimizer> optimizer_;
  ShardLayout layout_;
  std::vector<std::unique_ptr<ParameterShard>> shards_;
  std::vector<ReplicaParameters> replicas_;
};

}  // namespace millrace::test
