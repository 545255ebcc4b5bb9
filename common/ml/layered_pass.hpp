// One forward or backward pass over a chunk of a batch's rows: what the steps of LayeredModel hand
// on.
//
// Place: private to layered_model.cpp and layered_gradient.cpp; lives on one thread's stack.
#pragma once

#include "common/ml/layered_model.hpp"

namespace millrace {

// Rows that go through all layers together: their activations stay in the second cache. Results do
// not depend on it.
inline constexpr std::size_t kChunkRows = 256;

struct LayeredModel::Pass {
  const MicroBatch& batch;
  const float* theta;
  Workspace& workspace;
  std::size_t layer_count;
  std::size_t begin = 0;            // first row of the chunk
  std::size_t rows = 0;             // rows of the chunk
  bool is_training = false;         // dropout applies
  bool keeps_first_deltas = false;  // of all chunks, for the table's gradient
  std::uint64_t seed = 0;
  std::uint32_t number = 0;  // of the epoch over this batch

  std::size_t active(std::uint32_t outputs) const {
    return batch.active_classes == 0 ? outputs : std::min(batch.active_classes, outputs);
  }
  // What layer l reads: [rows, input_stride(l)].
  const float* input(std::size_t l, const Layer& below) const {
    return l == 0 ? batch.numeric_row(begin) : output(l - 1, below);
  }
  std::size_t input_stride(std::size_t l, const Layer& layer) const {
    return l == 0 ? batch.numeric_stride : layer.input_stride;
  }
  // Activations, or the head's scores: [rows, output_stride].
  float* output(std::size_t l, const Layer& layer) const {
    return workspace.floats(l, kChunkRows * layer.output_stride);
  }
  // Derivative of the loss by the layer's pre-activations: [rows, output_stride].
  float* delta(std::size_t l, const Layer& layer) const {
    const bool is_kept = l == 0 && keeps_first_deltas;
    float* all = workspace.floats(
        layer_count + l, std::max(is_kept ? batch.rows : 0, kChunkRows) * layer.output_stride);
    return is_kept ? all + begin * layer.output_stride : all;
  }
  float* probabilities(std::size_t count) const { return workspace.floats(2 * layer_count, count); }
  float* transposed(std::size_t which, std::size_t count) const {
    return workspace.floats(2 * layer_count + 1 + which, count);
  }
};

}  // namespace millrace
