// Online SGD, AdaGrad and Adam for models with one layer.

#include "common/ml/kernels/targets.hpp"
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "common/ml/kernels/online_gradient.cpp"
#include <hwy/foreach_target.h>
// Highway includes this file once per target.
#include "common/ml/kernels/online_inl.hpp"
#include "common/ml/kernels/scalar_math.hpp"

HWY_BEFORE_NAMESPACE();
namespace millrace::kernels {
namespace HWY_NAMESPACE {

// Moves the parameters at [at, at + count) by gradient scale * x, or by `scale` alone where x is
// null.
template <typename Formula>
HWY_INLINE void move_stretch(const OnlineTask& t, const StepRates& rates, float scale,
                             const float* x, std::size_t at, std::size_t count) {
  float* w = t.theta + at;
  const F16 factor = set(scale);
  for (std::size_t i = 0; i < count; i += kLanes) {
    F16 s0 = factor, s1 = factor, theta = load(w + i);
    if constexpr (Formula::kSlots > 0) s0 = load(t.slot0 + at + i);
    if constexpr (Formula::kSlots > 1) s1 = load(t.slot1 + at + i);
    Formula::step(rates, mul(factor, load(x + i)), theta, s0, s1);
    store(theta, w + i);
    if constexpr (Formula::kSlots > 0) store(s0, t.slot0 + at + i);
    if constexpr (Formula::kSlots > 1) store(s1, t.slot1 + at + i);
  }
}

template <typename Formula>
HWY_INLINE void move_one(const OnlineTask& t, const StepRates& rates, float gradient,
                         std::size_t at) {
  float none = 0.0f;
  float* s0 = Formula::kSlots > 0 ? t.slot0 + at : &none;
  float* s1 = Formula::kSlots > 1 ? t.slot1 + at : &none;
  Formula::step(rates, gradient, t.theta[at], *s0, *s1);
}

struct Rates {
  StepRates weights;
  StepRates intercepts;
};

HWY_INLINE Rates rates_of(const OnlineTask& t) {
  StepRates rates;
  rates.rate = static_cast<float>(t.learning_rate);
  rates.l2 = static_cast<float>(t.l2);
  rates.epsilon = static_cast<float>(t.epsilon);
  rates.one_minus_beta1 = static_cast<float>(1.0 - t.beta1);
  rates.beta2 = static_cast<float>(t.beta2);
  rates.one_minus_beta2 = static_cast<float>(1.0 - t.beta2);
  StepRates intercepts = rates;
  intercepts.rate = static_cast<float>(t.intercept_rate);
  intercepts.l2 = 0.0f;
  return {rates, intercepts};
}

// Adam's bias correction at its next step; the powers are 0 in float long before they underflow.
HWY_INLINE void correct(const OnlineTask& t, double log_beta1, double log_beta2, Rates& rates) {
  const double steps = t.scalars[0] += 1.0;
  const double power1 = steps * log_beta1;
  const double power2 = steps * log_beta2;
  const double correction1 = power1 < -40.0 ? 1.0 : 1.0 - stable_exp(power1);
  const double correction2 = power2 < -40.0 ? 1.0 : 1.0 - stable_exp(power2);
  rates.weights.rate = static_cast<float>(t.learning_rate / correction1);
  rates.intercepts.rate = static_cast<float>(t.intercept_rate / correction1);
  rates.weights.inverse_root_correction2 = static_cast<float>(1.0 / __builtin_sqrt(correction2));
  rates.intercepts.inverse_root_correction2 = rates.weights.inverse_root_correction2;
}

template <typename Formula>
HWY_INLINE void learn(const OnlineTask& t, const Rates& rates, const Record& record,
                      const float* gradients, float scale) {
  for (std::size_t c = 0; c < t.active; ++c) {
    const float gradient = gradients[c] * scale;
    move_stretch<Formula>(t, rates.weights, gradient, record.x, c * t.inputs, t.inputs);
    move_one<Formula>(t, rates.intercepts, gradient, t.bias + c);
  }
  for (std::size_t s = 0; s < t.table_slots; ++s) {
    if (record.table_rows[s] == kAbsent) continue;
    const std::size_t row = t.table + record.table_rows[s] * t.table_width;
    for (std::size_t c = 0; c < t.active; ++c) {
      move_one<Formula>(t, rates.weights, gradients[c] * scale, row + c);
    }
  }
}

template <typename Formula>
HWY_INLINE void train(const OnlineTask& t) {
  Rates rates = rates_of(t);
  const double log_beta1 = t.beta1 > 0.0 ? stable_log(t.beta1) : -1e9;
  const double log_beta2 = t.beta2 > 0.0 ? stable_log(t.beta2) : -1e9;
  float* scores = t.scratch;
  float* gradients = t.scratch + (t.classes + kLanes - 1) / kLanes * kLanes;
  for (std::size_t r = 0; r < t.rows; ++r) {
    const Record record = record_at(t, r);
    score(t, record, scores);
    predict(t, record, scores, t.predictions + r * outputs(t), gradients);
    if (record.weight == 0.0f) continue;
    if constexpr (Formula::kSlots == 2) correct(t, log_beta1, log_beta2, rates);
    learn<Formula>(t, rates, record, gradients, record.weight * clip_factor(t, record, gradients));
  }
}

// Logistic or squared loss by SGD with the weights in registers: no store lies between two records.
// Bound by the latency of the chain dot, lane sum, exp, quotient, update (about 130 cycles), not by
// its arithmetic.
template <int kBlocks, bool kLogistic>
HWY_NOINLINE void train_in_registers(const OnlineTask& t) {
  F16 w[kBlocks];
#pragma GCC unroll 8
  for (int b = 0; b < kBlocks; ++b) w[b] = load(t.theta + static_cast<std::size_t>(b) * kLanes);
  float bias = t.theta[t.bias];
  const auto rate = static_cast<float>(t.learning_rate);
  const auto bias_rate = static_cast<float>(t.intercept_rate);
  for (std::size_t r = 0; r < t.rows; ++r) {
    const float* x = t.x + r * t.x_stride;
    F16 sum = set(0.0f);
    F16 in[kBlocks];
#pragma GCC unroll 8
    for (int b = 0; b < kBlocks; ++b) {
      in[b] = load(x + static_cast<std::size_t>(b) * kLanes);
      sum = fma(in[b], w[b], sum);
    }
    const float z = bias + lane_sum(sum);
    const float p = kLogistic ? sigmoid_of(z) : z;
    t.predictions[r] = p;
    const float gradient = (kLogistic ? p - t.labels[r] : 2.0f * (z - t.labels[r])) * t.weights[r];
    const F16 factor = set(gradient);
    const F16 step = set(rate);
#pragma GCC unroll 8
    for (int b = 0; b < kBlocks; ++b) w[b] = fnma(step, mul(factor, in[b]), w[b]);
    bias = fnma(bias_rate, gradient, bias);
  }
#pragma GCC unroll 8
  for (int b = 0; b < kBlocks; ++b) store(w[b], t.theta + static_cast<std::size_t>(b) * kLanes);
  t.theta[t.bias] = bias;
}

template <bool kLogistic>
HWY_INLINE bool try_registers(const OnlineTask& t) {
  if (t.table_slots != 0 || t.l2 != 0.0 || t.clip > 0.0) return false;
  switch (t.inputs / kLanes) {
    case 1:
      train_in_registers<1, kLogistic>(t);
      return true;
    case 2:
      train_in_registers<2, kLogistic>(t);
      return true;
    case 3:
      train_in_registers<3, kLogistic>(t);
      return true;
    case 4:
      train_in_registers<4, kLogistic>(t);
      return true;
    case 5:
      train_in_registers<5, kLogistic>(t);
      return true;
    case 6:
      train_in_registers<6, kLogistic>(t);
      return true;
    case 7:
      train_in_registers<7, kLogistic>(t);
      return true;
    case 8:
      train_in_registers<8, kLogistic>(t);
      return true;
    default:
      return false;
  }
}

void online_sgd_kernel(const OnlineTask& task) {
  if (task.loss == OnlineLoss::logistic && try_registers<true>(task)) return;
  if (task.loss == OnlineLoss::squared && try_registers<false>(task)) return;
  train<SgdFormula>(task);
}
void online_adagrad_kernel(const OnlineTask& task) {
  train<AdagradFormula>(task);
}
void online_adam_kernel(const OnlineTask& task) {
  train<AdamFormula>(task);
}

}  // namespace HWY_NAMESPACE
}  // namespace millrace::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace millrace::kernels {

HWY_EXPORT(online_sgd_kernel);
HWY_EXPORT(online_adagrad_kernel);
HWY_EXPORT(online_adam_kernel);

void online_sgd(const OnlineTask& task) {
  HWY_DYNAMIC_DISPATCH(online_sgd_kernel)(task);
}
void online_adagrad(const OnlineTask& task) {
  HWY_DYNAMIC_DISPATCH(online_adagrad_kernel)(task);
}
void online_adam(const OnlineTask& task) {
  HWY_DYNAMIC_DISPATCH(online_adam_kernel)(task);
}

}  // namespace millrace::kernels
#endif
