#include "worker/training/training_setup.hpp"

#include <algorithm>
#include <cmath>

#include "common/base/digest.hpp"

namespace millrace {
namespace {

PushKind push_kind_of(MergeMode mode, TrainingMode training) {
  if (mode == MergeMode::elastic) return PushKind::position;
  if (mode == MergeMode::async_gradient && training == TrainingMode::mini_batch) {
    return PushKind::gradient;
  }
  return PushKind::delta;
}

// An average over n replicas moves each parameter by a share of what one replica learned, so the
// rate grows with the replicas; slower beyond four, since many replicas disagree. Sums and
// gradients need no correction.
double resolve_rate_scale(const MergeSpec& merge, std::uint32_t replicas) {
  if (merge.learning_rate_scale > 0) return merge.learning_rate_scale;
  const bool averages =
      merge.mode == MergeMode::async_average || merge.mode == MergeMode::synchronous;
  const double n = replicas;
  return averages ? std::min(n, 2.0 * std::sqrt(n)) : 1.0;
}

std::uint64_t layout_id_of(const ParameterLayout& layout, std::size_t slots, std::size_t statistics,
                           std::uint32_t shards) {
  std::uint64_t id = 0;
  for (const std::uint64_t part : {std::uint64_t{layout.dense}, std::uint64_t{layout.table_rows},
                                   std::uint64_t{layout.table_width}, std::uint64_t{slots},
                                   std::uint64_t{statistics}, std::uint64_t{shards}}) {
    id = mix64(id ^ part);
  }
  return id;
}

}  // namespace

Pipeline TrainingSetup::compile_pipeline() const {
  auto pipeline = Pipeline::compile(*spec.preprocess, schema);
  MILLRACE_CHECK(pipeline.is_ok());  // compiled once already, when the setup was made
  return std::move(pipeline).value();
}

ParameterShardOptions TrainingSetup::shard_options(ShardId shard) const {
  const auto intercepts = model->intercepts();
  return {.shard = shard.value,
          .replicas = spec.parallelism,
          .mode = *spec.merge->mode,
          .alpha = spec.merge->alpha,
          .push_kind = push_kind,
          .layout = shards,
          .layout_id = layout_id,
          .optimizer = shard_optimizer,
          .intercepts = {intercepts.begin(), intercepts.end()}};
}

ViewShape TrainingSetup::view_shape(ShardId shard) const {
  ViewShape shape;
  shape.slice = shards.slice(shard.value);
  const bool is_delta = push_kind == PushKind::delta;
  if (is_delta) shape.vectors = 1 + optimizer->slots().size();
  if (shard.value != 0) return shape;
  if (is_delta) shape.scalars = optimizer->scalars().size();
  shape.statistics = statistics_size;
  return shape;
}

std::vector<float> TrainingSetup::initial_parameters() const {
  std::vector<float> theta(model->parameters().total());
  model->initialise(theta, spec.seed);
  return theta;
}

Result<TrainingSetupPtr> make_training_setup(const JobSpec& resolved, const Schema& schema,
                                             std::uint32_t shards) {
  auto setup = std::make_shared<TrainingSetup>();
  setup->spec = resolved;
  setup->schema = schema;
  MILLRACE_ASSIGN(const Pipeline pipeline, Pipeline::compile(*resolved.preprocess, schema));
  setup->features = pipeline.layout();
  setup->dictionary_capacity = pipeline.dictionary_capacity();
  setup->statistics_size = pipeline.statistics_size();
  setup->head_classes = schema.task == Task::regression ? 0
                        : schema.task == Task::binary   ? 2
                                                        : schema.max_classes;

  const ModelInputs inputs{setup->features, schema.task, setup->head_classes};
  MILLRACE_ASSIGN(auto model, make_model(*resolved.model, inputs));
  setup->model = std::move(model);
  MILLRACE_ASSIGN(auto optimizer, make_optimizer(*resolved.optimizer));
  setup->optimizer = std::move(optimizer);
  OptimizerSpec unclipped = *resolved.optimizer;
  unclipped.clip = 0.0;
  MILLRACE_ASSIGN(auto shard_optimizer, make_optimizer(unclipped));
  setup->shard_optimizer = std::move(shard_optimizer);
  if (resolved.training->mode == TrainingMode::online) {
    MILLRACE_ASSIGN(auto online, make_online_trainer(*resolved.model, *resolved.optimizer,
                                                     *setup->model, *setup->optimizer, inputs));
    setup->online = std::move(online);
  }

  const ParameterLayout layout = setup->model->parameters();
  setup->shards = ShardLayout(layout, shards);
  setup->layout_id =
      layout_id_of(layout, setup->optimizer->slots().size(), setup->statistics_size, shards);
  setup->push_kind = push_kind_of(*resolved.merge->mode, resolved.training->mode);
  if (resolved.merge->mode == MergeMode::async_average) {
    setup->push_filter = {resolved.merge->slots_every.value_or(1),
                          resolved.merge->precision.value_or(Precision::float32)};
  }
  setup->rate_scale = resolve_rate_scale(*resolved.merge, resolved.parallelism);
  return TrainingSetupPtr(std::move(setup));
}

}  // namespace millrace
