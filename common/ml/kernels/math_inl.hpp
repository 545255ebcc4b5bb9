// exp, log and log1p of single precision, for F16 and for float, at most 2 ulp from the true value,
// and sigmoid, at most 2.5.
//
// Place: included by kernel sources inside foreach_target. The C library's functions differ from
// machine to machine; these are polynomials of our own in a fixed order of fused operations.
// Coefficients: Moshier, Cephes 2.8 (expf.c, logf.c).
#if defined(MILLRACE_MATH_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef MILLRACE_MATH_INL
#undef MILLRACE_MATH_INL
#else
#define MILLRACE_MATH_INL
#endif

#include "common/ml/kernels/lanes_inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace millrace::kernels {
namespace HWY_NAMESPACE {

// Finite x; 0 below -104, infinity above 89, denormal results rounded.
template <typename F>
HWY_INLINE F exp_of(F x) {
  x = min(max(x, same(x, -105.0f)), same(x, 90.0f));
  // Adding 1.5 * 2^23 rounds to the nearest integer, which stands in the low bits.
  const F magic = same(x, 12582912.0f);
  const F shifted = fma(x, same(x, 1.44269504088896341f), magic);
  const F n = sub(shifted, magic);
  F r = fnma(n, same(x, 0.693359375f), x);
  r = fnma(n, same(x, -2.12194440e-4f), r);
  F p = same(x, 1.9875691500e-4f);
  p = fma(p, r, same(x, 1.3981999507e-3f));
  p = fma(p, r, same(x, 8.3334519073e-3f));
  p = fma(p, r, same(x, 4.1665795894e-2f));
  p = fma(p, r, same(x, 1.6666665459e-1f));
  p = fma(p, r, same(x, 5.0000001201e-1f));
  p = add(fma(p, mul(r, r), r), same(x, 1.0f));
  // 2^n as two factors, so that denormal and infinite results come out of the multiplication.
  const auto exponent = add(bits_of(shifted), same(x, -0x4B400000));
  const auto half = shift_right<1>(exponent);
  const auto rest = add(exponent, mul(half, same(x, -1)));
  const auto bias = same(x, 127);
  p = mul(p, from_bits(shift_left<23>(add(half, bias))));
  return mul(p, from_bits(shift_left<23>(add(rest, bias))));
}

// x of at least the smallest normal number (smaller ones count as it), finite.
template <typename F>
HWY_INLINE F log_of(F x) {
  x = max(x, same(x, 1.17549435e-38f));
  const auto bits = bits_of(x);
  // m in [sqrt(1/2), sqrt(2)), x = m * 2^e.
  const auto shifted = add(bits, same(x, 0x3F800000 - 0x3F3504F3));
  const F e = to_float(add(shift_right<23>(shifted), same(x, -127)));
  const F m = from_bits(add(bit_and(shifted, same(x, 0x007FFFFF)), same(x, 0x3F3504F3)));
  const F r = sub(m, same(x, 1.0f));
  const F z = mul(r, r);
  F p = same(x, 7.0376836292e-2f);
  p = fma(p, r, same(x, -1.1514610310e-1f));
  p = fma(p, r, same(x, 1.1676998740e-1f));
  p = fma(p, r, same(x, -1.2420140846e-1f));
  p = fma(p, r, same(x, 1.4249322787e-1f));
  p = fma(p, r, same(x, -1.6668057665e-1f));
  p = fma(p, r, same(x, 2.0000714765e-1f));
  p = fma(p, r, same(x, -2.4999993993e-1f));
  p = fma(p, r, same(x, 3.3333331174e-1f));
  p = mul(mul(p, r), z);
  p = fma(e, same(x, -2.12194440e-4f), p);
  p = fnma(same(x, 0.5f), z, p);
  return fma(e, same(x, 0.693359375f), add(r, p));
}

// x > -1. log(u) corrected for the rounding of u = 1 + x (Higham 2002, problem 1.5, and its
// solution).
template <typename F>
HWY_INLINE F log1p_of(F x) {
  const F one = same(x, 1.0f);
  const F u = max(add(one, x), same(x, 1.17549435e-38f));
  const F lost = sub(x, sub(u, one));
  return add(log_of(u), div(lost, u));
}

// At most the largest float below 1: near 1 a float cannot say how sure it is, and a probability of
// exactly 1 would make the loss of a wrong prediction whatever bound the loss has, instead of about
// its score.
template <typename F>
HWY_INLINE F sigmoid_of(F x) {
  const F one = same(x, 1.0f);
  const F zero = same(x, 0.0f);
  const F e = exp_of(sub(zero, abs(x)));
  const F p = div(select(less(x, zero), e, one), add(one, e));
  return min(p, same(x, 0x1.fffffep-1f));
}

// Probabilities of the first `active` of `count` scores; the others get 0. In place is allowed.
HWY_INLINE void softmax_of(const float* scores, std::size_t active, std::size_t count,
                           float* probabilities) {
  const float top = largest(scores, active);
  F16 sum = set(0.0f);
  std::size_t i = 0;
  for (; i + kLanes <= active; i += kLanes) {
    const F16 e = exp_of(sub(load(scores + i), set(top)));
    store(e, probabilities + i);
    sum = add(sum, e);
  }
  alignas(64) float tail[kLanes] = {};
  for (std::size_t l = 0; i + l < active; ++l) {
    tail[l] = exp_of(scores[i + l] - top);
    probabilities[i + l] = tail[l];
  }
  if (i < active) sum = add(sum, load(tail));
  const float total = lane_sum(sum);
  for (std::size_t c = 0; c < active; ++c) probabilities[c] = probabilities[c] / total;
  for (std::size_t c = active; c < count; ++c) probabilities[c] = 0.0f;
}

}  // namespace HWY_NAMESPACE
}  // namespace millrace::kernels
HWY_AFTER_NAMESPACE();

#endif
