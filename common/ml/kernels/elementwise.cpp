#include "common/ml/kernels/targets.hpp"
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "common/ml/kernels/elementwise.cpp"
#include <hwy/foreach_target.h>
// Highway includes this file once per target.
#include "common/ml/kernels/kernels.hpp"
#include "common/ml/kernels/math_inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace millrace::kernels {
namespace HWY_NAMESPACE {

float dot_kernel(const float* a, const float* b, std::size_t count) {
  return dot_lanes(a, b, count);
}

void axpy_kernel(float scale, const float* x, std::size_t count, float* y) {
  const F16 factor = set(scale);
  std::size_t i = 0;
  for (; i + kLanes <= count; i += kLanes) store(fma(factor, load(x + i), load(y + i)), y + i);
  for (; i < count; ++i) y[i] = fma(scale, x[i], y[i]);
}

float squares_kernel(const float* values, std::size_t count) {
  return dot_lanes(values, values, count);
}

bool bounded_kernel(const float* values, std::size_t count) {
  // Large values overflow here; y - y is 0 for finite y and NaN otherwise, and a NaN stays in a
  // sum.
  constexpr float kRoom = 1e8f;
  const F16 room = set(kRoom);
  F16 sums[4] = {set(0.0f), set(0.0f), set(0.0f), set(0.0f)};
  std::size_t i = 0;
  for (; i + 4 * kLanes <= count; i += 4 * kLanes) {
    for (std::size_t k = 0; k < 4; ++k) {
      const F16 y = mul(load(values + i + k * kLanes), room);
      sums[k] = add(sums[k], sub(y, y));
    }
  }
  float total = lane_sum(add(add(sums[0], sums[1]), add(sums[2], sums[3])));
  for (; i < count; ++i) total += values[i] * kRoom - values[i] * kRoom;
  return total == 0.0f;
}

#define MILLRACE_ELEMENTWISE(name, function)                                      \
  void name(const float* x, std::size_t count, float* y) {                        \
    std::size_t i = 0;                                                            \
    for (; i + kLanes <= count; i += kLanes) store(function(load(x + i)), y + i); \
    for (; i < count; ++i) y[i] = function(x[i]);                                 \
  }
MILLRACE_ELEMENTWISE(exp_kernel, exp_of)
MILLRACE_ELEMENTWISE(log_kernel, log_of)
MILLRACE_ELEMENTWISE(log1p_kernel, log1p_of)
MILLRACE_ELEMENTWISE(sigmoid_kernel, sigmoid_of)
#undef MILLRACE_ELEMENTWISE

void softmax_kernel(const float* scores, std::size_t rows, std::size_t score_stride,
                    std::size_t active, std::size_t classes, float* probabilities,
                    std::size_t probability_stride) {
  for (std::size_t r = 0; r < rows; ++r) {
    softmax_of(scores + r * score_stride, active, classes, probabilities + r * probability_stride);
  }
}

void column_sums_kernel(const float* x, std::size_t rows, std::size_t stride, std::size_t columns,
                        bool accumulate, float* out) {
  for (std::size_t c = 0; c < columns; c += kLanes) {
    F16 sum = accumulate ? load(out + c) : set(0.0f);
    for (std::size_t r = 0; r < rows; ++r) sum = add(sum, load(x + r * stride + c));
    store(sum, out + c);
  }
}

void mask_kernel(const float* activation, std::size_t count, float scale, float* gradient) {
  const F16 zero = set(0.0f);
  const F16 factor = set(scale);
  for (std::size_t i = 0; i < count; i += kLanes) {
    const F16 scaled = mul(load(gradient + i), factor);
    store(select(less(zero, load(activation + i)), scaled, zero), gradient + i);
  }
}

// Two rounds of an integer hash (Wellons 2018, "lowbias32") with half the key before each; a lane
// is a unit.
HWY_INLINE I16 unit_hash(I16 unit, std::int32_t low, std::int32_t high) {
  I16 h = add(mul(unit, set(static_cast<std::int32_t>(0x9E3779B9u))), set(low));
  h = bit_xor(h, bit_and(shift_right<16>(h), set(0x0000FFFF)));
  h = mul(h, set(0x7FEB352D));
  h = bit_xor(h, set(high));
  h = bit_xor(h, bit_and(shift_right<15>(h), set(0x0001FFFF)));
  h = mul(h, set(static_cast<std::int32_t>(0x846CA68Bu)));
  return bit_xor(h, bit_and(shift_right<16>(h), set(0x0000FFFF)));
}

void dropout_kernel(std::uint64_t key, std::uint32_t threshold, float scale, std::size_t count,
                    float* row) {
  const auto low = static_cast<std::int32_t>(static_cast<std::uint32_t>(key));
  const auto high = static_cast<std::int32_t>(static_cast<std::uint32_t>(key >> 32));
  const F16 limit = set(static_cast<float>(threshold));
  const F16 zero = set(0.0f);
  const F16 factor = set(scale);
  for (std::size_t i = 0; i < count; i += kLanes) {
    const I16 draw =
        bit_and(unit_hash(iota(static_cast<std::int32_t>(i)), low, high), set(0x00FFFFFF));
    const F16 kept = mul(load(row + i), factor);
    store(select(less(to_float(draw), limit), zero, kept), row + i);
  }
}

void narrow_scores_kernel(const float* x, std::size_t rows, std::size_t x_stride,
                          const float* weights, std::size_t classes, std::size_t inputs,
                          float* scores, std::size_t score_stride) {
  std::size_t r = 0;
  // Four rows at a time hide the latency of the chain; each row's bits do not depend on the others.
  for (; r + 4 <= rows; r += 4) {
    const float* x0 = x + r * x_stride;
    for (std::size_t c = 0; c < classes; ++c) {
      const float* w = weights + c * inputs;
      F16 s0 = set(0.0f), s1 = s0, s2 = s0, s3 = s0;
      for (std::size_t i = 0; i < inputs; i += kLanes) {
        const F16 wi = load(w + i);
        s0 = fma(load(x0 + i), wi, s0);
        s1 = fma(load(x0 + x_stride + i), wi, s1);
        s2 = fma(load(x0 + 2 * x_stride + i), wi, s2);
        s3 = fma(load(x0 + 3 * x_stride + i), wi, s3);
      }
      float* out = scores + r * score_stride + c;
      out[0] += lane_sum(s0);
      out[score_stride] += lane_sum(s1);
      out[2 * score_stride] += lane_sum(s2);
      out[3 * score_stride] += lane_sum(s3);
    }
  }
  for (; r < rows; ++r) {
    for (std::size_t c = 0; c < classes; ++c) {
      scores[r * score_stride + c] += dot_lanes(x + r * x_stride, weights + c * inputs, inputs);
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace millrace::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace millrace::kernels {

HWY_EXPORT(dot_kernel);
HWY_EXPORT(axpy_kernel);
HWY_EXPORT(squares_kernel);
HWY_EXPORT(bounded_kernel);
HWY_EXPORT(exp_kernel);
HWY_EXPORT(log_kernel);
HWY_EXPORT(log1p_kernel);
HWY_EXPORT(sigmoid_kernel);
HWY_EXPORT(softmax_kernel);
HWY_EXPORT(column_sums_kernel);
HWY_EXPORT(mask_kernel);
HWY_EXPORT(dropout_kernel);
HWY_EXPORT(narrow_scores_kernel);

const char* target_name() {
  const std::int64_t targets = hwy::SupportedTargets() & HWY_TARGETS;
  if (targets & HWY_AVX3) return "AVX3";
  if (targets & HWY_AVX2) return "AVX2";
  return "scalar";
}

float dot(const float* a, const float* b, std::size_t count) {
  return HWY_DYNAMIC_DISPATCH(dot_kernel)(a, b, count);
}
void axpy(float scale, const float* x, std::size_t count, float* y) {
  HWY_DYNAMIC_DISPATCH(axpy_kernel)(scale, x, count, y);
}
float sum_of_squares(const float* values, std::size_t count) {
  return HWY_DYNAMIC_DISPATCH(squares_kernel)(values, count);
}
bool all_bounded(const float* values, std::size_t count) {
  return HWY_DYNAMIC_DISPATCH(bounded_kernel)(values, count);
}
void exp(const float* x, std::size_t count, float* y) {
  HWY_DYNAMIC_DISPATCH(exp_kernel)(x, count, y);
}
void log(const float* x, std::size_t count, float* y) {
  HWY_DYNAMIC_DISPATCH(log_kernel)(x, count, y);
}
void log1p(const float* x, std::size_t count, float* y) {
  HWY_DYNAMIC_DISPATCH(log1p_kernel)(x, count, y);
}
void sigmoid(const float* x, std::size_t count, float* y) {
  HWY_DYNAMIC_DISPATCH(sigmoid_kernel)(x, count, y);
}
void softmax(const float* scores, std::size_t rows, std::size_t score_stride, std::size_t active,
             std::size_t classes, float* probabilities, std::size_t probability_stride) {
  HWY_DYNAMIC_DISPATCH(softmax_kernel)
  (scores, rows, score_stride, active, classes, probabilities, probability_stride);
}
void column_sums(const float* x, std::size_t rows, std::size_t stride, std::size_t columns,
                 bool accumulate, float* out) {
  HWY_DYNAMIC_DISPATCH(column_sums_kernel)(x, rows, stride, columns, accumulate, out);
}
void mask_by_activation(const float* activation, std::size_t count, float scale, float* gradient) {
  HWY_DYNAMIC_DISPATCH(mask_kernel)(activation, count, scale, gradient);
}
void dropout_row(std::uint64_t key, std::uint32_t threshold, float scale, std::size_t count,
                 float* row) {
  HWY_DYNAMIC_DISPATCH(dropout_kernel)(key, threshold, scale, count, row);
}
void narrow_scores(const float* x, std::size_t rows, std::size_t x_stride, const float* weights,
                   std::size_t classes, std::size_t inputs, float* scores,
                   std::size_t score_stride) {
  HWY_DYNAMIC_DISPATCH(narrow_scores_kernel)
  (x, rows, x_stride, weights, classes, inputs, scores, score_stride);
}

}  // namespace millrace::kernels
#endif
