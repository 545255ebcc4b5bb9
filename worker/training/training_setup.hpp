// Everything about a job that every replica and shard shares and nobody changes: schema, model,
// optimiser, layout.
//
// Place: made once per process and attempt from the resolved job and the frozen schema; held by
// shared pointer by trainers, shards and publication. Immutable and thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "common/config/job_spec.hpp"
#include "common/data/dictionary.hpp"
#include "common/data/schema.hpp"
#include "common/ml/model.hpp"
#include "common/ml/optimizer.hpp"
#include "common/ml/shard_layout.hpp"
#include "common/pipeline/pipeline.hpp"
#include "worker/training/parameter_payload.hpp"
#include "worker/training/parameter_shard.hpp"
#include "worker/training/replica_parameters.hpp"

namespace millrace {

struct TrainingSetup {
  JobSpec spec;  // every optional filled in
  Schema schema;
  FeatureLayout features;
  std::vector<std::uint32_t> dictionary_capacity;
  std::size_t statistics_size = 0;
  std::uint32_t head_classes = 0;  // width of the label head; 0 for regression
  std::shared_ptr<const Model> model;
  std::shared_ptr<const Optimizer> optimizer;
  // Applies gradients in the shards: without clipping, which the trainer does on the whole
  // gradient.
  std::shared_ptr<const Optimizer> shard_optimizer;
  std::shared_ptr<const OnlineTrainer> online;  // null in mini_batch training
  ShardLayout shards;
  std::uint64_t layout_id = 0;
  PushKind push_kind = PushKind::delta;
  PushFilter push_filter;
  double rate_scale = 1.0;  // merge.learning_rate_scale, resolved

  // A fresh pipeline, to be owned by one trainer.
  Pipeline compile_pipeline() const;
  Dictionary initial_dictionary() const { return Dictionary(schema, dictionary_capacity); }
  ParameterShardOptions shard_options(ShardId shard) const;
  ViewShape view_shape(ShardId shard) const;
  std::vector<float> initial_parameters() const;
};

using TrainingSetupPtr = std::shared_ptr<const TrainingSetup>;

// Fails with invalid_argument naming what does not fit together.
Result<TrainingSetupPtr> make_training_setup(const JobSpec& resolved, const Schema& schema,
                                             std::uint32_t shards);

}  // namespace millrace
