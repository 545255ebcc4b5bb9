// The formulas of the optimisers for sixteen lanes or one: shared by the batch steps and the online
// trainers, so that both round alike.
#if defined(MILLRACE_STEPS_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef MILLRACE_STEPS_INL
#undef MILLRACE_STEPS_INL
#else
#define MILLRACE_STEPS_INL
#endif

#include "common/ml/kernels/math_inl.hpp"
#include "common/ml/kernels/optimizer_kernels.hpp"

HWY_BEFORE_NAMESPACE();
namespace millrace::kernels {
namespace HWY_NAMESPACE {

// Each step has `slots` of state per parameter and moves (w, s0, s1) by the gradient g.
struct SgdFormula {
  static constexpr int kSlots = 0;
  template <typename F>
  static HWY_INLINE void step(const StepRates& r, F g, F& w, F&, F&) {
    g = fma(same(w, r.l2), w, g);
    w = fnma(same(w, r.rate), g, w);
  }
};

struct AdagradFormula {
  static constexpr int kSlots = 1;
  template <typename F>
  static HWY_INLINE void step(const StepRates& r, F g, F& w, F& sum, F&) {
    g = fma(same(w, r.l2), w, g);
    sum = fma(g, g, sum);
    w = fnma(same(w, r.rate), div(g, add(root(sum), same(w, r.epsilon))), w);
  }
};

struct AdamFormula {
  static constexpr int kSlots = 2;
  template <typename F>
  static HWY_INLINE void step(const StepRates& r, F g, F& w, F& m, F& v) {
    g = fma(same(w, r.l2), w, g);
    m = fma(same(w, r.one_minus_beta1), sub(g, m), m);
    v = fma(mul(same(w, r.one_minus_beta2), g), g, mul(same(w, r.beta2), v));
    const F denominator = fma(root(v), same(w, r.inverse_root_correction2), same(w, r.epsilon));
    w = fnma(same(w, r.rate), div(m, denominator), w);
  }
};

// x^power of positive x.
template <typename F>
HWY_INLINE F power_of(F x, float power) {
  return exp_of(mul(same(x, power), log_of(x)));
}

// Inputs below this count as absent: their squares would vanish (the x_min of Vowpal Wabbit's
// gd.cc).
inline constexpr float kSmallestInput = 1.084202e-19f;

// Learns one coordinate's input x: sum += gradient_squared x^2, scale = max(scale, |x|), the weight
// shrunk as if the new scale had always been known. Returns x^2 / scale^2 and the coordinate's
// rate, 0 where x is absent. Ross, Mineiro and Langford 2013, Algorithm 2; p = power as Vowpal
// Wabbit's --power_t.
template <typename F>
struct NagLearned {
  F norm;
  F rate;
};
template <typename F>
HWY_INLINE NagLearned<F> nag_learn(F x, F gradient_squared, float power, F& w, F& sum, F& scale) {
  const F zero = same(x, 0.0f);
  const F one = same(x, 1.0f);
  const F size = abs(x);
  const auto present = less(same(x, kSmallestInput), size);
  const F square = select(present, mul(x, x), zero);
  sum = fma(gradient_squared, square, sum);
  const F larger = select(present, max(size, scale), scale);
  if (any(less(scale, larger))) {
    const auto known = less(zero, scale);
    const F ratio = div(select(known, scale, one), select(known, larger, one));
    if (power == 0.5f) {
      w = mul(w, ratio);
    } else if (power == 0.0f) {
      w = mul(w, mul(ratio, ratio));
    } else {
      w = mul(w, power_of(ratio, 2.0f - 2.0f * power));
    }
    scale = larger;
  }
  const F divisor = select(present, scale, one);
  // Never 0, though a small gradient's square may be.
  const F gathered = max(sum, same(x, 1.17549435e-38f));
  F relative;
  F rate;
  if (power == 0.5f) {
    // One division for both: it is what this step spends its time on.
    const F spread = root(gathered);
    rate = div(one, mul(spread, divisor));
    relative = mul(size, mul(rate, spread));
  } else if (power == 0.0f) {
    relative = div(size, divisor);
    rate = div(one, mul(divisor, divisor));
  } else {
    relative = div(size, divisor);
    rate = mul(power_of(gathered, -power), power_of(divisor, 2.0f * power - 2.0f));
  }
  return {select(present, mul(relative, relative), zero), select(present, rate, zero)};
}

}  // namespace HWY_NAMESPACE
}  // namespace millrace::kernels
HWY_AFTER_NAMESPACE();

#endif
