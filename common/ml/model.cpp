#include "common/ml/model.hpp"

#include <string>

#include "common/base/limits.hpp"
#include "common/ml/layered_model.hpp"

namespace millrace {
namespace {

Status wrong_task(const char* kind, const char* serves, const char* instead) {
  return Status(Code::invalid_argument,
                std::string("model.kind: a ") + kind + " model serves " + serves + " only",
                std::string("use ") + instead);
}

Status check_task(ModelKind kind, Task task) {
  if (kind == ModelKind::linear && task != Task::regression) {
    return wrong_task("linear", "regression", "logistic (two classes), softmax (more) or mlp");
  }
  if (kind == ModelKind::logistic && task != Task::binary) {
    return wrong_task("logistic", "two classes",
                      "linear (regression), softmax (more classes) or mlp");
  }
  if (kind == ModelKind::softmax && task != Task::multiclass) {
    return wrong_task("softmax", "three or more classes",
                      "linear (regression), logistic (two classes) or mlp");
  }
  return {};
}

Status check_layers(const ModelSpec& spec) {
  if (spec.kind != ModelKind::mlp) {
    if (spec.layers.empty() && spec.dropout.empty()) return {};
    return Status(Code::invalid_argument, "model.layers and model.dropout belong to an mlp",
                  "set model.kind: mlp, or remove them");
  }
  if (spec.layers.size() + 1 > limits::kLayersMax) {
    return Status(
        Code::invalid_argument,
        "model.layers: more than " + std::to_string(limits::kLayersMax - 1) + " hidden layers",
        "use fewer layers");
  }
  for (const std::uint32_t width : spec.layers) {
    if (width >= 1 && width <= limits::kLayerWidthMax) continue;
    return Status(Code::invalid_argument,
                  "model.layers: a width of " + std::to_string(width) + " is outside [1, " +
                      std::to_string(limits::kLayerWidthMax) + "]",
                  "choose a width in that range");
  }
  if (!spec.dropout.empty() && spec.dropout.size() != spec.layers.size()) {
    return Status(Code::invalid_argument,
                  "model.dropout has " + std::to_string(spec.dropout.size()) + " values for " +
                      std::to_string(spec.layers.size()) + " hidden layers",
                  "give one value per hidden layer, or none");
  }
  for (const double share : spec.dropout) {
    if (share >= 0.0 && share <= 0.99) continue;
    return Status(Code::invalid_argument,
                  "model.dropout: " + std::to_string(share) + " is outside [0, 0.99]",
                  "give the share of units to drop, for instance 0.2");
  }
  return {};
}

// Counted before anything of that size is allocated; in floating point, since it may pass 64 bits.
double predicted_parameters(const LayeredModel::Options& options) {
  double inputs = options.features.dense;
  double count = 0.0;
  for (const std::uint32_t width : options.hidden) {
    count += (inputs + 1.0) * width;
    inputs = width;
  }
  count += (inputs + 1.0) * options.outputs;
  const double table_width = options.hidden.empty() ? options.outputs : options.hidden.front();
  return count + static_cast<double>(options.features.table_rows) * table_width;
}

}  // namespace

Result<std::unique_ptr<const Model>> make_model(const ModelSpec& spec, const ModelInputs& inputs) {
  MILLRACE_TRY(check_task(spec.kind, inputs.task));
  MILLRACE_TRY(check_layers(spec));
  LayeredModel::Options options;
  options.hidden = spec.layers;
  options.dropout = spec.dropout;
  options.features = inputs.features;
  options.starts_at_zero = spec.kind != ModelKind::mlp;
  if (inputs.task == Task::binary) options.head = Head::sigmoid;
  if (inputs.task == Task::multiclass) {
    if (inputs.classes < 2 || inputs.classes > limits::kClassesMax) {
      return Status(Code::invalid_argument,
                    "a head of " + std::to_string(inputs.classes) + " classes is outside [2, " +
                        std::to_string(limits::kClassesMax) + "]",
                    "set schema.max_classes in that range");
    }
    options.head = Head::softmax;
    options.outputs = inputs.classes;
  }
  const double count = predicted_parameters(options);
  if (count > static_cast<double>(limits::kParametersMax)) {
    return Status(Code::invalid_argument,
                  "the model would have " + std::to_string(count) + " parameters, more than " +
                      std::to_string(limits::kParametersMax),
                  "use narrower layers, or fewer bits or categories in preprocess");
  }
  return std::unique_ptr<const Model>(std::make_unique<const LayeredModel>(options));
}

}  // namespace millrace
