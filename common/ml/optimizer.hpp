// Optimisers: how a gradient, or a record, moves parameters and the optimiser's own slots.
//
// The gradient's norm is first brought down to `clip`, then `l2` times the weight is added to each
// weight's gradient (not to intercepts). Of the table only touched rows move, with their slots.
//
// sgd; adagrad (Duchi, Hazan and Singer 2011) and adam (Kingma and Ba 2015) as PyTorch 2 computes
// them; nag, the normalised adaptive invariant update of Vowpal Wabbit (Ross, Mineiro and Langford
// 2013; Karampatziakis and Langford 2011). A record alone is learned by nag's closed form; in a
// mini-batch nag follows the paper's Algorithm 2 with the batch's gradient in the place of the
// inputs: the scale of a coordinate is the largest |g| it has had, and l2 shrinks weights by rate *
// l2 per step.
//
// Place: `async_gradient` shards hold an optimiser and apply replicas' gradients with it; in every
// other mode each replica holds one and pushes what its parameters and slots gained. Slots are flat
// vectors shaped like theta and declare how replicas' slots merge; scalars (step counts, NAG's
// totals) likewise.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "common/base/aligned.hpp"
#include "common/ml/model.hpp"

namespace millrace {

// average: moves by weight like parameters (and stays non-negative where it began so); sum:
// increments add up; max: the larger one wins.
enum class SlotMerge : std::uint8_t { average, average_non_negative, sum, max };

struct SlotShape {
  std::string name;
  SlotMerge merge = SlotMerge::sum;
};

// Parameters with what the optimiser keeps beside them.
struct ParameterState {
  AlignedVector<float> theta;               // [layout.total()]
  std::vector<AlignedVector<float>> slots;  // each [layout.total()]
  std::vector<double> scalars;
};

class Optimizer {
 public:
  virtual ~Optimizer() = default;

  virtual std::span<const SlotShape> slots() const = 0;
  virtual std::span<const SlotShape> scalars() const = 0;
  // Slots and scalars at the start, shaped for state.theta.
  void initialise(ParameterState& state) const;
  // One step with the gradient of a mini-batch: all dense parameters, and the touched table rows.
  // `rate_scale` multiplies the learning rate (merge.learning_rate_scale). When `copy_dense` is not
  // empty, the new dense parameters are also written there in the same pass. `intercepts` holds one
  // byte per dense parameter, the same within each aligned group of 16; empty means none.
  virtual void apply(const ParameterLayout& layout, const Gradient& gradient, double rate_scale,
                     std::span<const std::uint8_t> intercepts, ParameterState& state,
                     std::span<float> copy_dense = {}) const = 0;
};

// What brings the norm of the whole gradient down to `clip`: 1 when it is not above, or clip is 0.
float clip_factor(const Gradient& gradient, double clip);

Result<std::unique_ptr<const Optimizer>> make_optimizer(const OptimizerSpec& spec);

// Online training of a micro-batch: each record is predicted with all earlier ones learned, then
// trained on.
//
// Fused per-record kernels for linear, logistic and softmax models; any other model goes record by
// record through predict, gradient and apply.
class OnlineTrainer {
 public:
  virtual ~OnlineTrainer() = default;
  // A record's gradient is multiplied by its weight; a record of weight 0 is predicted and not
  // learned. predictions [batch.rows, outputs]. Touched table rows are appended to `touched`
  // (unsorted, repeats allowed).
  virtual void train(const MicroBatch& batch, std::uint64_t seed, double rate_scale,
                     ParameterState& state, Workspace& workspace, std::span<float> predictions,
                     std::vector<std::uint32_t>& touched) const = 0;
};

// `model` and `optimizer` outlive the trainer.
Result<std::unique_ptr<const OnlineTrainer>> make_online_trainer(
    const ModelSpec& model_spec, const OptimizerSpec& optimizer_spec, const Model& model,
    const Optimizer& optimizer, const ModelInputs& inputs);

}  // namespace millrace
