// A model family with dense parameters: linear, logistic, softmax, MLP.
//
// Place: found through `make_model`; the trainer's replica, the parameter shards' layout and the
// model servers use the same object. A Model is immutable and thread-safe: parameters and scratch
// memory are passed in.
//
// Parameters are one flat float32 vector: first the dense block (weights, intercepts), then a table
// of `table_rows` rows of `table_width` floats (one_hot and hashed inputs), of which only touched
// rows travel.
//
// Forward passes give a row the same bits alone or in any batch.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "common/base/aligned.hpp"
#include "common/base/status.hpp"
#include "common/config/job_spec.hpp"
#include "common/data/micro_batch.hpp"
#include "common/pipeline/pipeline.hpp"

namespace millrace {

struct ParameterLayout {
  std::size_t dense = 0;  // floats of the dense block, a multiple of 16
  std::uint32_t table_rows = 0;
  std::uint32_t table_width = 0;  // floats, a multiple of 16 where it is wider than 16, else any
  std::size_t total() const { return dense + std::size_t{table_rows} * table_width; }
};

// The gradient of one micro-batch's mean weighted loss.
struct Gradient {
  AlignedVector<float> dense;       // [layout.dense]
  std::vector<std::uint32_t> rows;  // touched table rows, ascending, unique
  AlignedVector<float> row_values;  // [rows.size(), table_width]
};

// Scratch memory of one thread, grown on first use and then reused.
class Workspace {
 public:
  AlignedVector<float>& buffer(std::size_t which) {
    if (buffers_.size() <= which) buffers_.resize(which + 1);
    return buffers_[which];
  }
  // At least `count` floats in buffer `which`; valid until the next call for the same buffer asks
  // for more.
  float* floats(std::size_t which, std::size_t count) {
    AlignedVector<float>& memory = buffer(which);
    if (memory.size() < count) memory.resize(count);
    return memory.data();
  }
  std::vector<std::uint64_t>& keys() { return keys_; }

 private:
  std::vector<AlignedVector<float>> buffers_;
  std::vector<std::uint64_t> keys_;
};

class Model {
 public:
  virtual ~Model() = default;

  virtual ParameterLayout parameters() const = 0;
  // Parameters that can learn: the layout's floats without its padding.
  virtual std::size_t parameter_count() const = 0;
  // Floats per prediction: 1 for regression (the value) and binary (probability of class 1), else
  // one probability per class of the head.
  virtual std::uint32_t outputs() const = 0;
  // Fills theta [parameters().total()]; the same seed gives the same bits.
  virtual void initialise(std::span<float> theta, std::uint64_t seed) const = 0;
  // predictions [batch.rows, outputs()], row-major.
  virtual void predict(const MicroBatch& batch, std::span<const float> theta, Workspace& workspace,
                       std::span<float> predictions) const = 0;
  // Gradient of the batch's mean weighted loss at theta. Dropout masks are keyed by (seed, split,
  // offset), `pass` tells the epochs over one batch apart.
  virtual void gradient(const MicroBatch& batch, std::span<const float> theta, Workspace& workspace,
                        std::uint64_t seed, std::uint32_t pass, Gradient& gradient) const = 0;
  // `predict` and then `gradient` with the same results, in one forward pass where there is no
  // dropout.
  virtual void predict_and_gradient(const MicroBatch& batch, std::span<const float> theta,
                                    Workspace& workspace, std::uint64_t seed, std::uint32_t pass,
                                    Gradient& gradient, std::span<float> predictions) const = 0;
  // Which dense parameters are intercepts (their own rate, no L2): one byte each,
  // [parameters().dense]; the same within each aligned group of 16.
  virtual std::span<const std::uint8_t> intercepts() const = 0;
};

struct ModelInputs {
  FeatureLayout features;
  Task task = Task::binary;
  std::uint32_t classes = 2;  // width of the label head
};

// Fails with invalid_argument when kind and task do not fit or a limit is passed.
Result<std::unique_ptr<const Model>> make_model(const ModelSpec& spec, const ModelInputs& inputs);

}  // namespace millrace
