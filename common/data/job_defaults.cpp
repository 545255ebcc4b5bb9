#include "common/data/job_defaults.hpp"

#include <algorithm>
#include <string>

namespace millrace {
namespace {

// More shards take more pushes at a time.
constexpr std::uint32_t kShardsMax = 4;

const char* to_string(Task task) {
  switch (task) {
    case Task::regression:
      return "regression";
    case Task::binary:
      return "a label with two classes";
    case Task::multiclass:
      return "a label with more than two classes";
  }
  return "?";
}

Status check_model_fits(ModelKind kind, Task task) {
  const char* name = nullptr;
  if (kind == ModelKind::linear && task != Task::regression) name = "linear";
  if (kind == ModelKind::logistic && task != Task::binary) name = "logistic";
  if (kind == ModelKind::softmax && task == Task::regression) name = "softmax";
  if (name == nullptr) return {};
  std::string hint = "leave `model` out to get the one that fits";
  if (kind == ModelKind::logistic && task == Task::multiclass)
    hint = "use `model: {kind: softmax}`, or `schema.positive` to learn one class against the rest";
  if (task == Task::regression)
    hint += "; if the label is a class, say `schema: {task: binary}` or `multiclass`";
  return {Code::invalid_argument,
          std::string("model.kind: ") + name + " does not fit " + to_string(task), hint};
}

}  // namespace

ModelKind default_model(Task task) {
  switch (task) {
    case Task::regression:
      return ModelKind::linear;
    case Task::binary:
      return ModelKind::logistic;
    case Task::multiclass:
      return ModelKind::softmax;
  }
  return ModelKind::logistic;
}

OptimizerSpec default_optimizer(ModelKind kind) {
  OptimizerSpec spec;
  if (kind == ModelKind::mlp) {
    spec.kind = OptimizerKind::adam;
    spec.learning_rate = 1e-3;
    return spec;
  }
  // The normalised update needs no tuning for the scale of the inputs, and its rate falls slowly
  // enough for drift.
  spec.kind = OptimizerKind::nag;
  spec.learning_rate = 0.5;
  spec.power_t = 0.5;
  // Steps of an adaptive rate do not grow with the label's scale, and never reach a label in
  // thousands; the normalised step alone has no scale.
  if (kind == ModelKind::linear) {
    spec.learning_rate = 0.05;
    spec.power_t = 0.0;
  }
  return spec;
}

TrainingSpec default_training(ModelKind kind) {
  TrainingSpec spec;
  spec.mode = kind == ModelKind::mlp ? TrainingMode::mini_batch : TrainingMode::online;
  return spec;
}

// Where a round costs little, gradients learn more from the same records: inside a process, and
// between hosts for models with a weight or a few for each feature. Those of a network would be as
// many bytes as the link between hosts carries, and old when they arrive. Normalised updates are
// never averaged unasked: what a replica gained with its own norms is too much for the average.
MergeMode default_merge_mode(ModelKind model, OptimizerKind optimizer, MergeReach reach) {
  const bool is_costly = reach == MergeReach::hosts && model == ModelKind::mlp;
  return is_costly && optimizer != OptimizerKind::nag ? MergeMode::async_average
                                                      : MergeMode::async_gradient;
}

// Online, a micro-batch is so little work that a push for each would cost a tenth of the time.
// Between hosts, averages of sixteen micro-batches learn as much as averages of each, from a
// sixteenth of the bytes, and rarer ones less; gradients and rounds are what they are for.
std::uint32_t default_merge_every(MergeMode mode, TrainingMode training, MergeReach reach) {
  if (reach == MergeReach::hosts && mode == MergeMode::async_average) return 16;
  return training == TrainingMode::online ? 8 : 1;
}

// What Adam keeps of its gradients changes slowly, and is two thirds of what it pushes: between
// hosts one push in 32 takes it along.
constexpr std::uint32_t kSlotsEveryBetweenHosts = 32;

// What is left open of how averages travel. Inside a process bytes cost nothing.
void resolve_traffic(MergeSpec& merge, MergeReach reach) {
  const bool is_costly = reach == MergeReach::hosts;
  if (!merge.slots_every) merge.slots_every = is_costly ? kSlotsEveryBetweenHosts : 1;
  if (!merge.precision) merge.precision = is_costly ? Precision::bfloat16 : Precision::float32;
}

// A gradient is one step of one optimiser: its answer is theta itself, which moves uncopied.
std::uint32_t default_shards(const JobSpec& resolved) {
  const bool is_gradient = resolved.merge->mode == MergeMode::async_gradient;
  return is_gradient ? 1 : std::min(resolved.parallelism, kShardsMax);
}

Status resolve_defaults(JobSpec& spec, const Schema& schema, MergeReach reach) {
  if (!spec.model) {
    spec.model.emplace();
    spec.model->kind = default_model(schema.task);
  }
  MILLRACE_TRY(check_model_fits(spec.model->kind, schema.task));
  if (!spec.preprocess) {
    spec.preprocess.emplace();
    if (schema.numeric_count() != 0)
      spec.preprocess->push_back({.kind = TransformKind::standardize, .fields = {}});
  }
  if (!spec.optimizer) spec.optimizer = default_optimizer(spec.model->kind);
  if (!spec.training) spec.training = default_training(spec.model->kind);
  if (!spec.merge) spec.merge.emplace();
  auto& merge = *spec.merge;
  if (!merge.mode) merge.mode = default_merge_mode(spec.model->kind, spec.optimizer->kind, reach);
  if (!merge.every) merge.every = default_merge_every(*merge.mode, spec.training->mode, reach);
  if (*merge.mode == MergeMode::async_average) resolve_traffic(merge, reach);
  return {};
}

}  // namespace millrace
