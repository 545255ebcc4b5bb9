#include "common/ml/optimizer.hpp"

#include <algorithm>
#include <cmath>

#include "common/ml/kernels/kernels.hpp"
#include "common/ml/kernels/optimizer_kernels.hpp"
#include "common/ml/kernels/scalar_math.hpp"

namespace millrace {
namespace {

using kernels::StepRates;
using kernels::StepTask;

// Summed in stretches, so that a long vector neither overflows nor loses digits.
double squared_norm(std::span<const float> values) {
  constexpr std::size_t kStretch = 4096;
  double total = 0.0;
  for (std::size_t i = 0; i < values.size(); i += kStretch) {
    total += kernels::sum_of_squares(values.data() + i, std::min(kStretch, values.size() - i));
  }
  return total;
}

// Gives every stretch of a gradient to `step(task, is_intercept)`: runs of dense parameters that
// share a rate, then touched rows.
template <typename Step>
void for_each_stretch(const ParameterLayout& layout, const Gradient& gradient, float scale,
                      std::span<const std::uint8_t> intercepts, ParameterState& state,
                      std::span<float> copy_dense, Step&& step) {
  const auto stretch = [&](const float* values, std::size_t at, std::size_t count, bool copies) {
    return StepTask{.theta = state.theta.data() + at,
                    .gradient = values,
                    .slot0 = state.slots.empty() ? nullptr : state.slots[0].data() + at,
                    .slot1 = state.slots.size() < 2 ? nullptr : state.slots[1].data() + at,
                    .copy = copies && !copy_dense.empty() ? copy_dense.data() + at : nullptr,
                    .count = count,
                    .gradient_scale = scale};
  };
  std::size_t begin = 0;
  while (begin < layout.dense) {
    const bool is_intercept = !intercepts.empty() && intercepts[begin] != 0;
    std::size_t end = intercepts.empty() ? layout.dense : begin;
    while (end < layout.dense && (intercepts[end] != 0) == is_intercept) end += kRowFloats;
    end = std::min(end, layout.dense);
    step(stretch(gradient.dense.data() + begin, begin, end - begin, true), is_intercept);
    begin = end;
  }
  for (std::size_t i = 0; i < gradient.rows.size(); ++i) {
    const std::size_t at = layout.dense + std::size_t{gradient.rows[i]} * layout.table_width;
    step(
        stretch(gradient.row_values.data() + i * layout.table_width, at, layout.table_width, false),
        false);
  }
}

// What the four optimisers share: their names of slots, clipping, rates.
class GradientOptimizer : public Optimizer {
 public:
  GradientOptimizer(const OptimizerSpec& spec, std::vector<SlotShape> slots,
                    std::vector<SlotShape> scalars)
      : spec_(spec), slots_(std::move(slots)), scalars_(std::move(scalars)) {}

  std::span<const SlotShape> slots() const override { return slots_; }
  std::span<const SlotShape> scalars() const override { return scalars_; }

  void apply(const ParameterLayout& layout, const Gradient& gradient, double rate_scale,
             std::span<const std::uint8_t> intercepts, ParameterState& state,
             std::span<float> copy_dense) const override {
    MILLRACE_CHECK(state.theta.size() == layout.total() && gradient.dense.size() == layout.dense);
    MILLRACE_CHECK(state.slots.size() == slots_.size() && state.scalars.size() == scalars_.size());
    MILLRACE_CHECK(intercepts.empty() || intercepts.size() == layout.dense);
    MILLRACE_CHECK(copy_dense.empty() || copy_dense.size() >= layout.dense);
    step(layout, gradient, rate_scale, clip_factor(gradient, spec_.clip), intercepts, state,
         copy_dense);
  }

 protected:
  virtual void step(const ParameterLayout& layout, const Gradient& gradient, double rate_scale,
                    float clip, std::span<const std::uint8_t> intercepts, ParameterState& state,
                    std::span<float> copy_dense) const = 0;

  double intercept_rate() const {
    return spec_.intercept_learning_rate.value_or(spec_.learning_rate);
  }
  // Without a rate of their own and without L2, intercepts are as other parameters: one stretch.
  std::span<const std::uint8_t> relevant(std::span<const std::uint8_t> intercepts) const {
    const bool is_alike = intercept_rate() == spec_.learning_rate && spec_.l2 == 0.0;
    return is_alike ? std::span<const std::uint8_t>() : intercepts;
  }
  StepRates rates(double scale, bool is_intercept) const {
    StepRates result;
    result.rate =
        static_cast<float>((is_intercept ? intercept_rate() : spec_.learning_rate) * scale);
    result.l2 = is_intercept ? 0.0f : static_cast<float>(spec_.l2);
    result.epsilon = static_cast<float>(spec_.epsilon);
    return result;
  }

  OptimizerSpec spec_;

 private:
  std::vector<SlotShape> slots_;
  std::vector<SlotShape> scalars_;
};

class Sgd final : public GradientOptimizer {
 public:
  explicit Sgd(const OptimizerSpec& spec) : GradientOptimizer(spec, {}, {}) {}

 private:
  void step(const ParameterLayout& layout, const Gradient& gradient, double rate_scale, float clip,
            std::span<const std::uint8_t> intercepts, ParameterState& state,
            std::span<float> copy_dense) const override {
    for_each_stretch(layout, gradient, clip, relevant(intercepts), state, copy_dense,
                     [&](const StepTask& task, bool is_intercept) {
                       kernels::sgd_step(task, rates(rate_scale, is_intercept));
                     });
  }
};

class Adagrad final : public GradientOptimizer {
 public:
  explicit Adagrad(const OptimizerSpec& spec)
      : GradientOptimizer(spec, {{"sum_of_squares", SlotMerge::sum}}, {}) {}

 private:
  void step(const ParameterLayout& layout, const Gradient& gradient, double rate_scale, float clip,
            std::span<const std::uint8_t> intercepts, ParameterState& state,
            std::span<float> copy_dense) const override {
    for_each_stretch(layout, gradient, clip, relevant(intercepts), state, copy_dense,
                     [&](const StepTask& task, bool is_intercept) {
                       kernels::adagrad_step(task, rates(rate_scale, is_intercept));
                     });
  }
};

// The step count moves by weight as the moments do: it corrects their bias.
class Adam final : public GradientOptimizer {
 public:
  explicit Adam(const OptimizerSpec& spec)
      : GradientOptimizer(spec,
                          {{"first_moment", SlotMerge::average},
                           {"second_moment", SlotMerge::average_non_negative}},
                          {{"steps", SlotMerge::average}}) {}

 private:
  void step(const ParameterLayout& layout, const Gradient& gradient, double rate_scale, float clip,
            std::span<const std::uint8_t> intercepts, ParameterState& state,
            std::span<float> copy_dense) const override {
    const double steps = state.scalars[0] += 1.0;
    const double correction1 = 1.0 - kernels::stable_pow(std::max(spec_.beta1, 1e-300), steps);
    const double correction2 = 1.0 - kernels::stable_pow(std::max(spec_.beta2, 1e-300), steps);
    for_each_stretch(layout, gradient, clip, relevant(intercepts), state, copy_dense,
                     [&](const StepTask& task, bool is_intercept) {
                       StepRates now = rates(rate_scale / correction1, is_intercept);
                       now.one_minus_beta1 = static_cast<float>(1.0 - spec_.beta1);
                       now.beta2 = static_cast<float>(spec_.beta2);
                       now.one_minus_beta2 = static_cast<float>(1.0 - spec_.beta2);
                       now.inverse_root_correction2 =
                           static_cast<float>(1.0 / std::sqrt(correction2));
                       kernels::adam_step(task, now);
                     });
  }
};

class Nag final : public GradientOptimizer {
 public:
  explicit Nag(const OptimizerSpec& spec)
      : GradientOptimizer(spec, {{"sum_of_squares", SlotMerge::sum}, {"scale", SlotMerge::max}},
                          {{"norm", SlotMerge::sum}, {"weight", SlotMerge::sum}}) {}

 private:
  void step(const ParameterLayout& layout, const Gradient& gradient, double rate_scale, float clip,
            std::span<const std::uint8_t> intercepts, ParameterState& state,
            std::span<float> copy_dense) const override {
    const auto power = static_cast<float>(spec_.power_t);
    double norm = 0.0;
    for_each_stretch(layout, gradient, clip, {}, state, {},
                     [&](const StepTask& task, bool) { norm += kernels::nag_scan(task, power); });
    state.scalars[0] += norm;
    state.scalars[1] += 1.0;
    const double average = state.scalars[0] / state.scalars[1];
    const double multiplier =
        average > 0.0 ? kernels::stable_pow(average, spec_.power_t - 1.0) : 0.0;
    for_each_stretch(layout, gradient, clip, relevant(intercepts), state, copy_dense,
                     [&](const StepTask& task, bool is_intercept) {
                       StepRates now = rates(rate_scale * multiplier, is_intercept);
                       now.l2 = static_cast<float>(now.l2 * spec_.learning_rate * rate_scale);
                       kernels::nag_step(task, now, power);
                     });
  }
};

Status out_of_range(const char* name, double value, const char* range) {
  return Status(
      Code::invalid_argument,
      std::string("optimizer.") + name + ": " + std::to_string(value) + " is outside " + range,
      std::string("choose a value in ") + range);
}

Status check(const OptimizerSpec& spec) {
  // Written so that NaN fails too.
  if (!(spec.learning_rate > 0.0 && spec.learning_rate <= 1e6)) {
    return out_of_range("learning_rate", spec.learning_rate, "(0, 1e6]");
  }
  const double intercept = spec.intercept_learning_rate.value_or(1.0);
  if (!(intercept >= 0.0 && intercept <= 1e6)) {
    return out_of_range("intercept_learning_rate", intercept, "[0, 1e6]");
  }
  if (!(spec.power_t >= 0.0 && spec.power_t <= 1.0))
    return out_of_range("power_t", spec.power_t, "[0, 1]");
  if (!(spec.l2 >= 0.0 && spec.l2 <= 1e6)) return out_of_range("l2", spec.l2, "[0, 1e6]");
  if (!(spec.clip >= 0.0)) return out_of_range("clip", spec.clip, "[0, infinity)");
  if (!(spec.beta1 >= 0.0 && spec.beta1 < 1.0)) return out_of_range("beta1", spec.beta1, "[0, 1)");
  if (!(spec.beta2 >= 0.0 && spec.beta2 < 1.0)) return out_of_range("beta2", spec.beta2, "[0, 1)");
  if (!(spec.epsilon >= 1e-30 && spec.epsilon <= 1.0)) {
    return out_of_range("epsilon", spec.epsilon, "[1e-30, 1]");
  }
  return {};
}

}  // namespace

void Optimizer::initialise(ParameterState& state) const {
  state.slots.assign(slots().size(), AlignedVector<float>(state.theta.size(), 0.0f));
  state.scalars.assign(scalars().size(), 0.0);
}

float clip_factor(const Gradient& gradient, double clip) {
  if (!(clip > 0.0)) return 1.0f;
  const double norm = std::sqrt(squared_norm(gradient.dense) + squared_norm(gradient.row_values));
  return norm > clip ? static_cast<float>(clip / norm) : 1.0f;
}

Result<std::unique_ptr<const Optimizer>> make_optimizer(const OptimizerSpec& spec) {
  MILLRACE_TRY(check(spec));
  std::unique_ptr<const Optimizer> optimizer;
  switch (spec.kind) {
    case OptimizerKind::sgd:
      optimizer = std::make_unique<Sgd>(spec);
      break;
    case OptimizerKind::adagrad:
      optimizer = std::make_unique<Adagrad>(spec);
      break;
    case OptimizerKind::adam:
      optimizer = std::make_unique<Adam>(spec);
      break;
    case OptimizerKind::nag:
      optimizer = std::make_unique<Nag>(spec);
      break;
  }
  MILLRACE_CHECK(optimizer != nullptr);
  return optimizer;
}

}  // namespace millrace
