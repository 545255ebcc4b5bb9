// The inner loops of models and optimisers, dispatched at run time to AVX-512, AVX2 or a scalar
// twin.
//
// Place: called by the models, the optimisers and the tests; pure functions of their arguments,
// thread-safe. Shapes are row-major float32; a leading dimension (`*_stride`) counts floats.
//
// Invariant: the three targets agree bit for bit. Every reduction runs in 16 virtual lanes with one
// fixed tree; every gemm output is one chain of fused multiply-adds over the depth in ascending
// order, whatever the tile, so a row has the same bits alone or in any batch.
#pragma once

#include <cstddef>
#include <cstdint>

namespace millrace::kernels {

// Name of the target that runs: "AVX3", "AVX2" or "scalar".
const char* target_name();

// Sum of a[i] * b[i].
float dot(const float* a, const float* b, std::size_t count);
// y += scale * x, fused.
void axpy(float scale, const float* x, std::size_t count, float* y);
// Sum of squares in 16 lanes of `count` floats.
float sum_of_squares(const float* values, std::size_t count);
// True when every value is a number of magnitude below 3.4e30: finite, and far from overflow.
bool all_bounded(const float* values, std::size_t count);

// Element-wise, in place allowed; errors at most 2 ulp, sigmoid 2.5 (tests/unit/ml/math_test.cpp).
void exp(const float* x, std::size_t count, float* y);
void log(const float* x, std::size_t count, float* y);
void log1p(const float* x, std::size_t count, float* y);
// Never exactly 1: the largest float below it instead.
void sigmoid(const float* x, std::size_t count, float* y);
// Row by row over the first `active` of `classes` scores; the others get probability 0.
void softmax(const float* scores, std::size_t rows, std::size_t score_stride, std::size_t active,
             std::size_t classes, float* probabilities, std::size_t probability_stride);

enum class GemmStart : std::uint8_t { zero, bias, accumulate };

// c [rows, columns] = start + a [rows, depth] * b [depth, columns], and relu of it if asked.
struct Gemm {
  std::size_t rows = 0;
  std::size_t columns = 0;  // a multiple of 16
  std::size_t depth = 0;
  const float* a = nullptr;  // element (i, k) stands at a[i * a_row_stride + k * a_depth_stride]
  std::size_t a_row_stride = 0;
  std::size_t a_depth_stride = 1;
  const float* b = nullptr;  // [depth, columns]
  std::size_t b_stride = 0;
  float* c = nullptr;  // [rows, columns]
  std::size_t c_stride = 0;
  GemmStart start = GemmStart::zero;
  const float* bias = nullptr;  // [columns], for GemmStart::bias
  bool relu = false;
};
void gemm(const Gemm& task);

// scores[r, c] += dot(x[r], weights[c]); for heads narrower than a vector. inputs: a multiple
// of 16.
void narrow_scores(const float* x, std::size_t rows, std::size_t x_stride, const float* weights,
                   std::size_t classes, std::size_t inputs, float* scores,
                   std::size_t score_stride);

// out [columns] (+)= the sum of the rows of x, added in row order. columns: a multiple of 16.
void column_sums(const float* x, std::size_t rows, std::size_t stride, std::size_t columns,
                 bool accumulate, float* out);

// out [columns, rows] = x [rows, columns] transposed.
void transpose(const float* x, std::size_t rows, std::size_t columns, std::size_t x_stride,
               float* out, std::size_t out_stride);

// gradient *= (activation > 0 ? scale : 0), element-wise: the derivative of relu and inverted
// dropout at once, since a dropped unit has activation 0. count: a multiple of 16.
void mask_by_activation(const float* activation, std::size_t count, float scale, float* gradient);

// Inverted dropout of one row: unit u stays when the low 24 bits of hash(key, u) are at least
// `threshold` (of 2^24), and is then multiplied by `scale`. count: a multiple of 16.
void dropout_row(std::uint64_t key, std::uint32_t threshold, float scale, std::size_t count,
                 float* row);

}  // namespace millrace::kernels
