// All models that are a stack of dense layers: linear, logistic and softmax have one, an MLP has
// several.
//
// Place: made by make_model. Immutable after construction, thread-safe.
//
// A layer of at least 16 outputs keeps weights as [inputs, outputs] for the gemm kernels, with the
// outputs padded to 16; a narrower one, and the single layer of the linear family, as [outputs,
// inputs] for dot products, with the inputs padded to 16. Padding stays 0: its gradient is 0. Dense
// block: weights, intercepts, layer by layer.
#pragma once

#include <vector>

#include "common/ml/model.hpp"

namespace millrace {

enum class Head : std::uint8_t { identity, sigmoid, softmax };

struct Layer {
  std::uint32_t inputs = 0;
  std::uint32_t outputs = 0;
  bool is_narrow = false;
  std::size_t input_stride = 0;   // floats between rows of what it reads
  std::size_t output_stride = 0;  // floats between rows of what it writes
  std::size_t weights = 0;        // where they begin in theta
  std::size_t intercepts = 0;
  double dropout = 0.0;  // share of outputs dropped in training

  // The share as dropout_row wants it, and what outputs that stay are multiplied by so that the
  // expected sum is the same. Forward and backward pass must agree bit for bit.
  std::uint32_t dropout_threshold() const;
  float dropout_scale() const;
};

class LayeredModel final : public Model {
 public:
  struct Options {
    std::vector<std::uint32_t> hidden;
    std::vector<double> dropout;  // per hidden layer, or empty
    Head head = Head::identity;
    std::uint32_t outputs = 1;
    bool starts_at_zero = false;  // the linear family; else random, as `initialise` says
    FeatureLayout features;
  };
  explicit LayeredModel(const Options& options);

  ParameterLayout parameters() const override { return layout_; }
  std::size_t parameter_count() const override;
  std::uint32_t outputs() const override { return layers_.back().outputs; }
  void initialise(std::span<float> theta, std::uint64_t seed) const override;
  void predict(const MicroBatch& batch, std::span<const float> theta, Workspace& workspace,
               std::span<float> predictions) const override;
  void gradient(const MicroBatch& batch, std::span<const float> theta, Workspace& workspace,
                std::uint64_t seed, std::uint32_t pass, Gradient& gradient) const override;
  void predict_and_gradient(const MicroBatch& batch, std::span<const float> theta,
                            Workspace& workspace, std::uint64_t seed, std::uint32_t pass,
                            Gradient& gradient, std::span<float> predictions) const override;
  std::span<const std::uint8_t> intercepts() const override { return intercepts_; }

  Head head() const { return head_; }
  const std::vector<Layer>& layers() const { return layers_; }

 private:
  struct Pass;

  void forward(Pass& pass) const;
  void prefill(const Pass& pass, const Layer& layer, float* out, bool from_tables) const;
  void head_forward(const Pass& pass, float* predictions) const;
  void drop_out(const Pass& pass, std::size_t layer) const;
  void loss_gradient(const Pass& pass, const float* predictions, double weight_sum) const;
  void backward(const Pass& pass, Gradient& gradient) const;
  void input_gradient(const Pass& pass, const Layer& layer, const float* delta, float* below) const;
  void table_gradient(const Pass& pass, Gradient& gradient) const;
  bool has_dropout() const;
  void run_gradient(const MicroBatch& batch, std::span<const float> theta, Workspace& workspace,
                    std::uint64_t seed, std::uint32_t pass, Gradient& gradient,
                    std::span<float> predictions) const;

  std::vector<Layer> layers_;
  Head head_;
  bool starts_at_zero_;
  std::uint32_t table_slots_;
  ParameterLayout layout_;
  std::vector<std::uint8_t> intercepts_;
};

}  // namespace millrace
