// The gradient of LayeredModel: back-propagation, chunk by chunk.

#include <algorithm>

#include "common/ml/kernels/kernels.hpp"
#include "common/ml/layered_pass.hpp"

namespace millrace {

using kernels::GemmStart;

// The head's delta: derivative of the weighted mean loss by the scores. Squared loss is (p - y)^2.
void LayeredModel::loss_gradient(const Pass& pass, const float* predictions,
                                 double weight_sum) const {
  const Layer& layer = layers_.back();
  const std::uint32_t count = layer.outputs;
  const std::size_t active = pass.active(count);
  float* delta = pass.delta(layers_.size() - 1, layer);
  for (std::size_t r = 0; r < pass.rows; ++r) {
    const float label = pass.batch.labels[pass.begin + r];
    const double weight = pass.batch.weights[pass.begin + r];
    auto factor = static_cast<float>(weight_sum > 0.0 ? weight / weight_sum : 0.0);
    float* row = delta + r * layer.output_stride;
    std::fill_n(row, layer.output_stride, 0.0f);
    const float* p = predictions + r * count;
    if (head_ == Head::identity) factor *= 2.0f;
    if (head_ != Head::softmax) {
      row[0] = (p[0] - label) * factor;
      continue;
    }
    for (std::size_t c = 0; c < active; ++c) {
      const float target = static_cast<float>(c) == label ? 1.0f : 0.0f;
      row[c] = (p[c] - target) * factor;
    }
  }
}

// below [rows, input_stride] = delta times the transposed weights. Of delta and weights the smaller
// one is transposed; the sums run over the outputs in the same order either way.
void LayeredModel::input_gradient(const Pass& pass, const Layer& layer, const float* delta,
                                  float* below) const {
  const float* weights = pass.theta + layer.weights;
  if (layer.is_narrow) {
    kernels::gemm({.rows = pass.rows,
                   .columns = layer.input_stride,
                   .depth = layer.outputs,
                   .a = delta,
                   .a_row_stride = layer.output_stride,
                   .b = weights,
                   .b_stride = layer.input_stride,
                   .c = below,
                   .c_stride = layer.input_stride});
    return;
  }
  const std::size_t padded = round_up(pass.rows, kRowFloats);
  if (padded * (layer.inputs + layer.outputs) < std::size_t{layer.inputs} * layer.outputs) {
    float* right = pass.transposed(0, layer.outputs * padded);
    float* result = pass.transposed(1, layer.inputs * padded);
    kernels::transpose(delta, pass.rows, layer.outputs, layer.output_stride, right, padded);
    kernels::gemm({.rows = layer.inputs,
                   .columns = padded,
                   .depth = layer.outputs,
                   .a = weights,
                   .a_row_stride = layer.output_stride,
                   .b = right,
                   .b_stride = padded,
                   .c = result,
                   .c_stride = padded});
    kernels::transpose(result, layer.inputs, pass.rows, padded, below, layer.input_stride);
    return;
  }
  float* right = pass.transposed(0, layer.outputs * layer.input_stride);
  kernels::transpose(weights, layer.inputs, layer.outputs, layer.output_stride, right,
                     layer.input_stride);
  kernels::gemm({.rows = pass.rows,
                 .columns = layer.input_stride,
                 .depth = layer.outputs,
                 .a = delta,
                 .a_row_stride = layer.output_stride,
                 .b = right,
                 .b_stride = layer.input_stride,
                 .c = below,
                 .c_stride = layer.input_stride});
}

void LayeredModel::backward(const Pass& pass, Gradient& gradient) const {
  const GemmStart start = pass.begin == 0 ? GemmStart::zero : GemmStart::accumulate;
  for (std::size_t l = layers_.size(); l-- > 0;) {
    const Layer& layer = layers_[l];
    const Layer& under = layers_[l == 0 ? 0 : l - 1];
    const float* in = pass.input(l, under);
    const std::size_t in_stride = pass.input_stride(l, layer);
    const float* delta = pass.delta(l, layer);
    float* weights = gradient.dense.data() + layer.weights;
    if (layer.is_narrow) {
      kernels::gemm({.rows = layer.outputs,
                     .columns = layer.input_stride,
                     .depth = pass.rows,
                     .a = delta,
                     .a_row_stride = 1,
                     .a_depth_stride = layer.output_stride,
                     .b = in,
                     .b_stride = in_stride,
                     .c = weights,
                     .c_stride = layer.input_stride,
                     .start = start});
    } else {
      kernels::gemm({.rows = layer.inputs,
                     .columns = layer.output_stride,
                     .depth = pass.rows,
                     .a = in,
                     .a_row_stride = 1,
                     .a_depth_stride = in_stride,
                     .b = delta,
                     .b_stride = layer.output_stride,
                     .c = weights,
                     .c_stride = layer.output_stride,
                     .start = start});
    }
    kernels::column_sums(delta, pass.rows, layer.output_stride, layer.output_stride,
                         start == GemmStart::accumulate, gradient.dense.data() + layer.intercepts);
    if (l == 0) break;
    float* below = pass.delta(l - 1, under);
    input_gradient(pass, layer, delta, below);
    kernels::mask_by_activation(pass.output(l - 1, under), pass.rows * under.output_stride,
                                under.dropout_scale(), below);
  }
}

// Each touched row receives the first layer's deltas of the records that touched it, in record
// order.
void LayeredModel::table_gradient(const Pass& pass, Gradient& gradient) const {
  std::vector<std::uint64_t>& keys = pass.workspace.keys();
  keys.clear();
  for (std::size_t r = 0; r < pass.batch.rows; ++r) {
    const std::uint32_t* ids = pass.batch.table_row(r);
    for (std::uint32_t s = 0; s < table_slots_; ++s) {
      if (ids[s] != kNoRow) keys.push_back(std::uint64_t{ids[s]} << 32 | r);
    }
  }
  std::sort(keys.begin(), keys.end());
  const Layer& first = layers_.front();
  const std::size_t width = layout_.table_width;
  const float* deltas = pass.workspace.floats(layers_.size(), 0);
  for (const std::uint64_t key : keys) {
    const auto row = static_cast<std::uint32_t>(key >> 32);
    if (gradient.rows.empty() || gradient.rows.back() != row) {
      gradient.rows.push_back(row);
      gradient.row_values.resize(gradient.rows.size() * width, 0.0f);
    }
    const std::size_t record = key & 0xFFFFFFFFu;
    kernels::axpy(1.0f, deltas + record * first.output_stride, width,
                  gradient.row_values.data() + (gradient.rows.size() - 1) * width);
  }
}

void LayeredModel::run_gradient(const MicroBatch& batch, std::span<const float> theta,
                                Workspace& workspace, std::uint64_t seed, std::uint32_t number,
                                Gradient& gradient, std::span<float> predictions) const {
  MILLRACE_CHECK(theta.size() == layout_.total());
  gradient.dense.resize(layout_.dense);
  gradient.rows.clear();
  gradient.row_values.clear();
  if (batch.rows == 0) {
    std::fill(gradient.dense.begin(), gradient.dense.end(), 0.0f);
    return;
  }
  double weight_sum = 0.0;
  for (std::size_t r = 0; r < batch.rows; ++r) weight_sum += static_cast<double>(batch.weights[r]);
  Pass pass{.batch = batch,
            .theta = theta.data(),
            .workspace = workspace,
            .layer_count = layers_.size(),
            .is_training = true,
            .keeps_first_deltas = table_slots_ != 0,
            .seed = seed,
            .number = number};
  for (; pass.begin < batch.rows; pass.begin += pass.rows) {
    pass.rows = std::min(kChunkRows, batch.rows - pass.begin);
    forward(pass);
    float* p = predictions.empty() ? pass.probabilities(kChunkRows * outputs())
                                   : predictions.data() + pass.begin * outputs();
    head_forward(pass, p);
    loss_gradient(pass, p, weight_sum);
    backward(pass, gradient);
  }
  if (table_slots_ != 0) table_gradient(pass, gradient);
}

void LayeredModel::gradient(const MicroBatch& batch, std::span<const float> theta,
                            Workspace& workspace, std::uint64_t seed, std::uint32_t pass,
                            Gradient& gradient) const {
  run_gradient(batch, theta, workspace, seed, pass, gradient, {});
}

void LayeredModel::predict_and_gradient(const MicroBatch& batch, std::span<const float> theta,
                                        Workspace& workspace, std::uint64_t seed,
                                        std::uint32_t pass, Gradient& gradient,
                                        std::span<float> predictions) const {
  MILLRACE_CHECK(predictions.size() >= batch.rows * outputs());
  if (!has_dropout())
    return run_gradient(batch, theta, workspace, seed, pass, gradient, predictions);
  predict(batch, theta, workspace, predictions);
  run_gradient(batch, theta, workspace, seed, pass, gradient, {});
}

}  // namespace millrace
