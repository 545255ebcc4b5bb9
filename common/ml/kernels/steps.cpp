#include "common/ml/kernels/targets.hpp"
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "common/ml/kernels/steps.cpp"
#include <hwy/foreach_target.h>
// Highway includes this file once per target.
#include "common/ml/kernels/steps_inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace millrace::kernels {
namespace HWY_NAMESPACE {

// Adam is bound by memory once its four vectors leave the second cache (28 bytes per parameter, 32
// with a copy), and before that by one root and one quotient per lane.
template <typename Formula, typename F>
HWY_INLINE F step_at(const StepTask& t, const StepRates& rates, F g, F w, F s0, F s1, F* out0,
                     F* out1) {
  g = mul(g, same(g, t.gradient_scale));
  Formula::step(rates, g, w, s0, s1);
  *out0 = s0;
  *out1 = s1;
  return w;
}

template <typename Formula>
HWY_INLINE void step_all(const StepTask& t, const StepRates& rates) {
  std::size_t i = 0;
  for (; i + kLanes <= t.count; i += kLanes) {
    F16 s0 = set(0.0f), s1 = s0;
    if constexpr (Formula::kSlots > 0) s0 = load(t.slot0 + i);
    if constexpr (Formula::kSlots > 1) s1 = load(t.slot1 + i);
    const F16 w =
        step_at<Formula>(t, rates, load(t.gradient + i), load(t.theta + i), s0, s1, &s0, &s1);
    store(w, t.theta + i);
    if (t.copy != nullptr) store(w, t.copy + i);
    if constexpr (Formula::kSlots > 0) store(s0, t.slot0 + i);
    if constexpr (Formula::kSlots > 1) store(s1, t.slot1 + i);
  }
  for (; i < t.count; ++i) {
    float s0 = 0.0f, s1 = 0.0f;
    if constexpr (Formula::kSlots > 0) s0 = t.slot0[i];
    if constexpr (Formula::kSlots > 1) s1 = t.slot1[i];
    const float w = step_at<Formula>(t, rates, t.gradient[i], t.theta[i], s0, s1, &s0, &s1);
    t.theta[i] = w;
    if (t.copy != nullptr) t.copy[i] = w;
    if constexpr (Formula::kSlots > 0) t.slot0[i] = s0;
    if constexpr (Formula::kSlots > 1) t.slot1[i] = s1;
  }
}

void sgd_step_kernel(const StepTask& task, const StepRates& rates) {
  step_all<SgdFormula>(task, rates);
}
void adagrad_step_kernel(const StepTask& task, const StepRates& rates) {
  step_all<AdagradFormula>(task, rates);
}
void adam_step_kernel(const StepTask& task, const StepRates& rates) {
  step_all<AdamFormula>(task, rates);
}

// Lanes are summed over stretches of this many floats and the stretches in double precision, so
// that a sum over millions of coordinates keeps its digits.
inline constexpr std::size_t kStretch = 4096;

double nag_scan_step_kernel(const StepTask& t, float power) {
  double total = 0.0;
  for (std::size_t begin = 0; begin < t.count; begin += kStretch) {
    const std::size_t end = t.count - begin < kStretch ? t.count : begin + kStretch;
    F16 norm = set(0.0f);
    float tail = 0.0f;
    std::size_t i = begin;
    for (; i + kLanes <= end; i += kLanes) {
      const F16 g = mul(load(t.gradient + i), set(t.gradient_scale));
      F16 w = load(t.theta + i), sum = load(t.slot0 + i), scale = load(t.slot1 + i);
      norm = add(norm, nag_learn(g, set(1.0f), power, w, sum, scale).norm);
      store(w, t.theta + i);
      store(sum, t.slot0 + i);
      store(scale, t.slot1 + i);
    }
    for (; i < end; ++i) {
      const float g = t.gradient[i] * t.gradient_scale;
      tail += nag_learn(g, 1.0f, power, t.theta[i], t.slot0[i], t.slot1[i]).norm;
    }
    total += static_cast<double>(lane_sum(norm)) + static_cast<double>(tail);
  }
  return total;
}

template <typename F>
HWY_INLINE F nag_move(const StepTask& t, const StepRates& rates, float power, F g, F w, F sum,
                      F scale) {
  g = mul(g, same(g, t.gradient_scale));
  // Nothing is left to learn: this only reads the coordinate's rate.
  const F rate = nag_learn(g, same(g, 0.0f), power, w, sum, scale).rate;
  w = fnma(same(w, rates.l2), w, w);
  return fnma(mul(same(w, rates.rate), rate), g, w);
}

void nag_step_kernel(const StepTask& t, const StepRates& rates, float power) {
  std::size_t i = 0;
  for (; i + kLanes <= t.count; i += kLanes) {
    const F16 w = nag_move(t, rates, power, load(t.gradient + i), load(t.theta + i),
                           load(t.slot0 + i), load(t.slot1 + i));
    store(w, t.theta + i);
    if (t.copy != nullptr) store(w, t.copy + i);
  }
  for (; i < t.count; ++i) {
    t.theta[i] = nag_move(t, rates, power, t.gradient[i], t.theta[i], t.slot0[i], t.slot1[i]);
    if (t.copy != nullptr) t.copy[i] = t.theta[i];
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace millrace::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace millrace::kernels {

HWY_EXPORT(sgd_step_kernel);
HWY_EXPORT(adagrad_step_kernel);
HWY_EXPORT(adam_step_kernel);
HWY_EXPORT(nag_scan_step_kernel);
HWY_EXPORT(nag_step_kernel);

void sgd_step(const StepTask& task, const StepRates& rates) {
  HWY_DYNAMIC_DISPATCH(sgd_step_kernel)(task, rates);
}
void adagrad_step(const StepTask& task, const StepRates& rates) {
  HWY_DYNAMIC_DISPATCH(adagrad_step_kernel)(task, rates);
}
void adam_step(const StepTask& task, const StepRates& rates) {
  HWY_DYNAMIC_DISPATCH(adam_step_kernel)(task, rates);
}
double nag_scan(const StepTask& task, float power) {
  return HWY_DYNAMIC_DISPATCH(nag_scan_step_kernel)(task, power);
}
void nag_step(const StepTask& task, const StepRates& rates, float power) {
  HWY_DYNAMIC_DISPATCH(nag_step_kernel)(task, rates, power);
}

}  // namespace millrace::kernels
#endif
