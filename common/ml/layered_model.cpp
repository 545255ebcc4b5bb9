#include "common/ml/layered_model.hpp"

#include <cmath>

#include "common/base/random.hpp"
#include "common/ml/kernels/kernels.hpp"
#include "common/ml/layered_pass.hpp"

namespace millrace {
namespace {

// Hidden layers are padded to whole vectors; only a head can be narrow.
constexpr std::uint32_t kNarrowBelow = 16;
// dropout_row compares its threshold with 24 random bits.
constexpr double kDropoutSteps = 1 << 24;

std::size_t weight_floats(const Layer& layer) {
  return layer.is_narrow ? layer.outputs * layer.input_stride : layer.inputs * layer.output_stride;
}

}  // namespace

std::uint32_t Layer::dropout_threshold() const {
  return static_cast<std::uint32_t>(std::lround(dropout * kDropoutSteps));
}

float Layer::dropout_scale() const {
  return static_cast<float>(1.0 / (1.0 - dropout_threshold() / kDropoutSteps));
}

LayeredModel::LayeredModel(const Options& options)
    : head_(options.head),
      starts_at_zero_(options.starts_at_zero),
      table_slots_(options.features.table_slots) {
  std::uint32_t inputs = options.features.dense;
  std::size_t end = 0;
  const std::size_t count = options.hidden.size() + 1;
  for (std::size_t l = 0; l < count; ++l) {
    Layer layer;
    const bool is_head = l + 1 == count;
    layer.inputs = inputs;
    layer.outputs = is_head ? options.outputs : options.hidden[l];
    layer.is_narrow = is_head && (options.starts_at_zero || layer.outputs < kNarrowBelow);
    layer.input_stride = round_up(layer.inputs, kRowFloats);
    layer.output_stride = round_up(layer.outputs, kRowFloats);
    layer.weights = end;
    layer.intercepts = layer.weights + weight_floats(layer);
    if (!is_head && !options.dropout.empty()) layer.dropout = options.dropout[l];
    end = layer.intercepts + layer.output_stride;
    layers_.push_back(layer);
    inputs = layer.outputs;
  }
  layout_.dense = end;
  layout_.table_rows = table_slots_ == 0 ? 0 : options.features.table_rows;
  const Layer& first = layers_.front();
  const bool is_small = first.is_narrow && first.outputs <= kRowFloats;
  if (layout_.table_rows != 0) {
    layout_.table_width =
        is_small ? first.outputs : static_cast<std::uint32_t>(first.output_stride);
  }
  intercepts_.assign(layout_.dense, 0);
  for (const Layer& layer : layers_) {
    std::fill_n(intercepts_.begin() + static_cast<std::ptrdiff_t>(layer.intercepts),
                layer.output_stride, std::uint8_t{1});
  }
}

std::size_t LayeredModel::parameter_count() const {
  std::size_t count = std::size_t{layout_.table_rows} * layers_.front().outputs;
  for (const Layer& layer : layers_) count += (std::size_t{layer.inputs} + 1) * layer.outputs;
  return count;
}

// Weights uniform in +-sqrt(6 / inputs) in hidden layers (He et al. 2015, section 2.2) and in
// +-1/sqrt(inputs) in the head, intercepts 0: on a stream every prediction of the beginning counts,
// and this start learns a few per cent faster than equal bounds for all. A record's table rows
// count as that many inputs, not the whole table.
void LayeredModel::initialise(std::span<float> theta, std::uint64_t seed) const {
  MILLRACE_CHECK(theta.size() == layout_.total());
  std::fill(theta.begin(), theta.end(), 0.0f);
  if (starts_at_zero_) return;
  for (std::size_t l = 0; l < layers_.size(); ++l) {
    const Layer& layer = layers_[l];
    RandomStream random(seed, 0x6C61796572, l);
    const double inputs = layer.inputs + (l == 0 ? table_slots_ : 0);
    const bool is_head = l + 1 == layers_.size();
    const double bound = std::sqrt((is_head ? 1.0 : 6.0) / std::max(inputs, 1.0));
    const auto draw = [&] { return static_cast<float>((2.0 * random.uniform() - 1.0) * bound); };
    for (std::uint32_t i = 0; i < layer.inputs; ++i) {
      for (std::uint32_t o = 0; o < layer.outputs; ++o) {
        const std::size_t at =
            layer.is_narrow ? o * layer.input_stride + i : i * layer.output_stride + o;
        theta[layer.weights + at] = draw();
      }
    }
    if (l != 0) continue;
    for (std::size_t row = 0; row < layout_.table_rows; ++row) {
      for (std::uint32_t o = 0; o < layer.outputs; ++o) {
        theta[layout_.dense + row * layout_.table_width + o] = draw();
      }
    }
  }
}

bool LayeredModel::has_dropout() const {
  return std::any_of(layers_.begin(), layers_.end(),
                     [](const Layer& l) { return l.dropout > 0.0; });
}

// Intercepts, and for the first layer the record's table rows on top, in slot order.
void LayeredModel::prefill(const Pass& pass, const Layer& layer, float* out,
                           bool from_tables) const {
  const float* intercepts = pass.theta + layer.intercepts;
  const float* table = pass.theta + layout_.dense;
  for (std::size_t r = 0; r < pass.rows; ++r) {
    float* row = out + r * layer.output_stride;
    std::copy_n(intercepts, layer.output_stride, row);
    if (!from_tables) continue;
    const std::uint32_t* ids = pass.batch.table_row(pass.begin + r);
    for (std::uint32_t s = 0; s < table_slots_; ++s) {
      if (ids[s] == kNoRow) continue;
      MILLRACE_CHECK(ids[s] < layout_.table_rows);
      kernels::axpy(1.0f, table + std::size_t{ids[s]} * layout_.table_width, layout_.table_width,
                    row);
    }
  }
}

void LayeredModel::drop_out(const Pass& pass, std::size_t l) const {
  const Layer& layer = layers_[l];
  const std::uint32_t threshold = layer.dropout_threshold();
  const float scale = layer.dropout_scale();
  const std::uint64_t of_split =
      mix64(mix64(pass.seed) ^ pass.batch.split.value) ^ (std::uint64_t{pass.number} << 32 | l);
  float* out = pass.output(l, layer);
  for (std::size_t r = 0; r < pass.rows; ++r) {
    const std::uint64_t key = mix64(mix64(of_split) ^ pass.batch.offsets[pass.begin + r].value);
    kernels::dropout_row(key, threshold, scale, layer.output_stride, out + r * layer.output_stride);
  }
}

void LayeredModel::forward(Pass& pass) const {
  for (std::size_t l = 0; l < layers_.size(); ++l) {
    const Layer& layer = layers_[l];
    const bool is_head = l + 1 == layers_.size();
    const bool from_tables = l == 0 && table_slots_ != 0;
    const float* in = pass.input(l, layers_[l == 0 ? 0 : l - 1]);
    float* out = pass.output(l, layer);
    if (layer.is_narrow || from_tables) prefill(pass, layer, out, from_tables);
    if (layer.is_narrow) {
      kernels::narrow_scores(in, pass.rows, pass.input_stride(l, layer), pass.theta + layer.weights,
                             layer.outputs, layer.input_stride, out, layer.output_stride);
      continue;
    }
    kernels::gemm({.rows = pass.rows,
                   .columns = layer.output_stride,
                   .depth = layer.inputs,
                   .a = in,
                   .a_row_stride = pass.input_stride(l, layer),
                   .b = pass.theta + layer.weights,
                   .b_stride = layer.output_stride,
                   .c = out,
                   .c_stride = layer.output_stride,
                   .start = from_tables ? kernels::GemmStart::accumulate : kernels::GemmStart::bias,
                   .bias = pass.theta + layer.intercepts,
                   .relu = !is_head});
    if (pass.is_training && layer.dropout > 0.0) drop_out(pass, l);
  }
}

// predictions [pass.rows, outputs()]
void LayeredModel::head_forward(const Pass& pass, float* predictions) const {
  const Layer& layer = layers_.back();
  const float* scores = pass.output(layers_.size() - 1, layer);
  if (head_ == Head::softmax) {
    kernels::softmax(scores, pass.rows, layer.output_stride, pass.active(layer.outputs),
                     layer.outputs, predictions, layer.outputs);
    return;
  }
  for (std::size_t r = 0; r < pass.rows; ++r) predictions[r] = scores[r * layer.output_stride];
  if (head_ == Head::sigmoid) kernels::sigmoid(predictions, pass.rows, predictions);
}

void LayeredModel::predict(const MicroBatch& batch, std::span<const float> theta,
                           Workspace& workspace, std::span<float> predictions) const {
  MILLRACE_CHECK(theta.size() == layout_.total());
  MILLRACE_CHECK(predictions.size() >= batch.rows * outputs());
  Pass pass{
      .batch = batch, .theta = theta.data(), .workspace = workspace, .layer_count = layers_.size()};
  for (; pass.begin < batch.rows; pass.begin += pass.rows) {
    pass.rows = std::min(kChunkRows, batch.rows - pass.begin);
    forward(pass);
    head_forward(pass, predictions.data() + pass.begin * outputs());
  }
}

}  // namespace millrace
