#include <algorithm>

#include "common/ml/kernels/kernels.hpp"
#include "common/ml/kernels/optimizer_kernels.hpp"
#include "common/ml/layered_model.hpp"
#include "common/ml/optimizer.hpp"

namespace millrace {
namespace {

void append_touched(const MicroBatch& batch, std::vector<std::uint32_t>& touched) {
  const std::size_t count = batch.rows * batch.categorical_columns;
  for (std::size_t i = 0; i < count; ++i) {
    if (batch.table_rows[i] != kNoRow) touched.push_back(batch.table_rows[i]);
  }
}

// The linear family: a whole micro-batch in one dispatched call.
class FusedOnlineTrainer final : public OnlineTrainer {
 public:
  FusedOnlineTrainer(const LayeredModel& model, const OptimizerSpec& spec,
                     std::uint32_t table_slots)
      : model_(model), spec_(spec), table_slots_(table_slots) {}

  void train(const MicroBatch& batch, std::uint64_t, double rate_scale, ParameterState& state,
             Workspace& workspace, std::span<float> predictions,
             std::vector<std::uint32_t>& touched) const override {
    const Layer& layer = model_.layers().front();
    const ParameterLayout layout = model_.parameters();
    MILLRACE_CHECK(state.theta.size() == layout.total());
    MILLRACE_CHECK(predictions.size() >= batch.rows * model_.outputs());
    MILLRACE_CHECK(batch.numeric_stride >= layer.input_stride || layer.inputs == 0);
    kernels::OnlineTask task;
    task.rows = batch.rows;
    task.x = batch.numeric.data();
    task.x_stride = batch.numeric_stride;
    task.labels = batch.labels.data();
    task.weights = batch.weights.data();
    task.table_slots = table_slots_;
    task.table_rows = batch.table_rows.data();
    task.predictions = predictions.data();
    task.loss = loss();
    task.classes = layer.outputs;
    task.active =
        batch.active_classes == 0 ? layer.outputs : std::min(batch.active_classes, layer.outputs);
    task.inputs = layer.input_stride;
    task.bias = layer.intercepts;
    task.table = layout.dense;
    task.table_width = layout.table_width;
    task.theta = state.theta.data();
    task.slot0 = state.slots.empty() ? nullptr : state.slots[0].data();
    task.slot1 = state.slots.size() < 2 ? nullptr : state.slots[1].data();
    task.scratch = workspace.floats(0, layer.input_stride + 3 * layer.output_stride);
    task.learning_rate = spec_.learning_rate * rate_scale;
    task.intercept_rate = spec_.intercept_learning_rate.value_or(spec_.learning_rate) * rate_scale;
    task.l2 = spec_.l2;
    task.clip = spec_.clip;
    task.epsilon = spec_.epsilon;
    task.beta1 = spec_.beta1;
    task.beta2 = spec_.beta2;
    task.power_t = spec_.power_t;
    task.scalars = state.scalars.data();
    if (table_slots_ != 0) {
      check_rows(batch, layout.table_rows);
      append_touched(batch, touched);
    }
    switch (spec_.kind) {
      case OptimizerKind::sgd:
        return kernels::online_sgd(task);
      case OptimizerKind::adagrad:
        return kernels::online_adagrad(task);
      case OptimizerKind::adam:
        return kernels::online_adam(task);
      case OptimizerKind::nag:
        return kernels::online_nag(task);
    }
  }

 private:
  kernels::OnlineLoss loss() const {
    if (model_.head() == Head::softmax) return kernels::OnlineLoss::softmax;
    return model_.head() == Head::sigmoid ? kernels::OnlineLoss::logistic
                                          : kernels::OnlineLoss::squared;
  }
  static void check_rows(const MicroBatch& batch, std::uint32_t table_rows) {
    const std::size_t count = batch.rows * batch.categorical_columns;
    for (std::size_t i = 0; i < count; ++i) {
      MILLRACE_CHECK(batch.table_rows[i] == kNoRow || batch.table_rows[i] < table_rows);
    }
  }

  const LayeredModel& model_;
  OptimizerSpec spec_;
  std::uint32_t table_slots_;
};

// Any other model: a batch of one record at a time.
class RecordTrainer final : public OnlineTrainer {
 public:
  RecordTrainer(const Model& model, const Optimizer& optimizer)
      : model_(model), optimizer_(optimizer) {}

  void train(const MicroBatch& batch, std::uint64_t seed, double rate_scale, ParameterState& state,
             Workspace& workspace, std::span<float> predictions,
             std::vector<std::uint32_t>& touched) const override {
    const std::uint32_t outputs = model_.outputs();
    MILLRACE_CHECK(predictions.size() >= batch.rows * outputs);
    MicroBatch single(1, batch.numeric_columns, batch.categorical_columns);
    single.rows = 1;
    single.split = batch.split;
    single.active_classes = batch.active_classes;
    Gradient gradient;
    for (std::size_t r = 0; r < batch.rows; ++r) {
      std::copy_n(batch.numeric_row(r), batch.numeric_columns, single.numeric_row(0));
      std::copy_n(batch.table_row(r), batch.categorical_columns, single.table_row(0));
      single.labels[0] = batch.labels[r];
      single.offsets[0] = batch.offsets[r];
      const std::span<float> prediction = predictions.subspan(r * outputs, outputs);
      model_.predict_and_gradient(single, state.theta, workspace, seed, 0, gradient, prediction);
      const float weight = batch.weights[r];
      if (weight == 0.0f) continue;
      // The mean over one record forgets its importance.
      if (weight != 1.0f) {
        for (float& value : gradient.dense) value *= weight;
        for (float& value : gradient.row_values) value *= weight;
      }
      optimizer_.apply(model_.parameters(), gradient, rate_scale, model_.intercepts(), state);
    }
    if (model_.parameters().table_rows != 0) append_touched(batch, touched);
  }

 private:
  const Model& model_;
  const Optimizer& optimizer_;
};

}  // namespace

Result<std::unique_ptr<const OnlineTrainer>> make_online_trainer(
    const ModelSpec& model_spec, const OptimizerSpec& optimizer_spec, const Model& model,
    const Optimizer& optimizer, const ModelInputs& inputs) {
  const auto* layered = dynamic_cast<const LayeredModel*>(&model);
  if (model_spec.kind != ModelKind::mlp && layered != nullptr) {
    return std::unique_ptr<const OnlineTrainer>(std::make_unique<FusedOnlineTrainer>(
        *layered, optimizer_spec, inputs.features.table_slots));
  }
  return std::unique_ptr<const OnlineTrainer>(std::make_unique<RecordTrainer>(model, optimizer));
}

}  // namespace millrace
