#include "common/ml/kernels/targets.hpp"
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "common/ml/kernels/gemm.cpp"
#include <hwy/foreach_target.h>
// Highway includes this file once per target.
#include "common/ml/kernels/kernels.hpp"
#include "common/ml/kernels/lanes_inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace millrace::kernels {
namespace HWY_NAMESPACE {

// A tile of kRows x (16 * kVectors) outputs held in registers: 8 x 32 on AVX-512 (16 of 32
// registers), 6 x 16 on AVX2 (12 of 16). Bound by one fused multiply-add per cycle of 16 lanes;
// loads need 10 of 16 slots.
template <int kRows, int kVectors>
HWY_INLINE void tile(const Gemm& g, std::size_t i, std::size_t j) {
  F16 sum[kRows][kVectors];
#pragma GCC unroll 8
  for (int m = 0; m < kRows; ++m) {
#pragma GCC unroll 8
    for (int v = 0; v < kVectors; ++v) {
      const std::size_t column = j + static_cast<std::size_t>(v) * kLanes;
      if (g.start == GemmStart::zero) {
        sum[m][v] = set(0.0f);
      } else if (g.start == GemmStart::bias) {
        sum[m][v] = load(g.bias + column);
      } else {
        sum[m][v] = load(g.c + (i + static_cast<std::size_t>(m)) * g.c_stride + column);
      }
    }
  }
  const float* a = g.a + i * g.a_row_stride;
  const float* b = g.b + j;
  const std::size_t a_row = g.a_row_stride;
  const std::size_t a_step = g.a_depth_stride;
  const std::size_t b_step = g.b_stride;
  for (std::size_t k = 0; k < g.depth; ++k) {
    F16 right[kVectors];
#pragma GCC unroll 8
    for (int v = 0; v < kVectors; ++v) right[v] = load(b + static_cast<std::size_t>(v) * kLanes);
#pragma GCC unroll 8
    for (int m = 0; m < kRows; ++m) {
      const F16 left = set(a[static_cast<std::size_t>(m) * a_row]);
#pragma GCC unroll 8
      for (int v = 0; v < kVectors; ++v) sum[m][v] = fma(left, right[v], sum[m][v]);
    }
    a += a_step;
    b += b_step;
  }
#pragma GCC unroll 8
  for (int m = 0; m < kRows; ++m) {
#pragma GCC unroll 8
    for (int v = 0; v < kVectors; ++v) {
      const F16 value = g.relu ? max(sum[m][v], set(0.0f)) : sum[m][v];
      const std::size_t column = j + static_cast<std::size_t>(v) * kLanes;
      store(value, g.c + (i + static_cast<std::size_t>(m)) * g.c_stride + column);
    }
  }
}

// All columns of kRows rows: wide tiles first, then narrower ones.
template <int kRows, int kVectors>
HWY_NOINLINE void panel(const Gemm& g, std::size_t i, std::size_t j) {
  constexpr std::size_t kWidth = static_cast<std::size_t>(kVectors) * kLanes;
  for (; j + kWidth <= g.columns; j += kWidth) tile<kRows, kVectors>(g, i, j);
  if constexpr (kVectors > 1) {
    if (j < g.columns) panel<kRows, kVectors / 2>(g, i, j);
  }
}

#if HWY_TARGET == HWY_AVX3
inline constexpr int kTallRows = 8, kTallVectors = 2, kFourVectors = 4, kTwoVectors = 8;
#elif HWY_TARGET == HWY_AVX2
inline constexpr int kTallRows = 6, kTallVectors = 1, kFourVectors = 1, kTwoVectors = 2;
#else
inline constexpr int kTallRows = 1, kTallVectors = 1, kFourVectors = 1, kTwoVectors = 1;
#endif

void gemm_kernel(const Gemm& g) {
  std::size_t i = 0;
  for (; i + kTallRows <= g.rows; i += kTallRows) panel<kTallRows, kTallVectors>(g, i, 0);
#if HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX2
  // Few rows: wider tiles, so that enough independent chains are in flight.
  for (; i + 4 <= g.rows; i += 4) panel<4, kFourVectors>(g, i, 0);
  for (; i + 2 <= g.rows; i += 2) panel<2, kTwoVectors>(g, i, 0);
  for (; i < g.rows; ++i) panel<1, 2 * kTwoVectors>(g, i, 0);
#endif
}

#if HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX2
// A 4 x 4 block by two rounds of interleaving.
HWY_INLINE void transpose_block(const float* x, std::size_t x_stride, float* out,
                                std::size_t out_stride) {
  const hn::CappedTag<float, 4> d;
  const hn::Repartition<double, hn::CappedTag<float, 4>> wide;
  const auto r0 = hn::LoadU(d, x);
  const auto r1 = hn::LoadU(d, x + x_stride);
  const auto r2 = hn::LoadU(d, x + 2 * x_stride);
  const auto r3 = hn::LoadU(d, x + 3 * x_stride);
  const auto a = hn::BitCast(wide, hn::InterleaveLower(d, r0, r1));
  const auto b = hn::BitCast(wide, hn::InterleaveLower(d, r2, r3));
  const auto c = hn::BitCast(wide, hn::InterleaveUpper(d, r0, r1));
  const auto e = hn::BitCast(wide, hn::InterleaveUpper(d, r2, r3));
  hn::StoreU(hn::BitCast(d, hn::InterleaveLower(wide, a, b)), d, out);
  hn::StoreU(hn::BitCast(d, hn::InterleaveUpper(wide, a, b)), d, out + out_stride);
  hn::StoreU(hn::BitCast(d, hn::InterleaveLower(wide, c, e)), d, out + 2 * out_stride);
  hn::StoreU(hn::BitCast(d, hn::InterleaveUpper(wide, c, e)), d, out + 3 * out_stride);
}
#else
HWY_INLINE void transpose_block(const float* x, std::size_t x_stride, float* out,
                                std::size_t out_stride) {
  for (std::size_t r = 0; r < 4; ++r) {
    for (std::size_t c = 0; c < 4; ++c) out[c * out_stride + r] = x[r * x_stride + c];
  }
}
#endif

void transpose_kernel(const float* x, std::size_t rows, std::size_t columns, std::size_t x_stride,
                      float* out, std::size_t out_stride) {
  const std::size_t whole_columns = columns / 4 * 4;
  std::size_t r = 0;
  for (; r + 4 <= rows; r += 4) {
    for (std::size_t c = 0; c < whole_columns; c += 4) {
      transpose_block(x + r * x_stride + c, x_stride, out + c * out_stride + r, out_stride);
    }
  }
  for (std::size_t c = 0; c < columns; ++c) {
    for (std::size_t s = c < whole_columns ? r : 0; s < rows; ++s)
      out[c * out_stride + s] = x[s * x_stride + c];
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace millrace::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace millrace::kernels {

HWY_EXPORT(gemm_kernel);
HWY_EXPORT(transpose_kernel);

void gemm(const Gemm& task) {
  HWY_DYNAMIC_DISPATCH(gemm_kernel)(task);
}
void transpose(const float* x, std::size_t rows, std::size_t columns, std::size_t x_stride,
               float* out, std::size_t out_stride) {
  HWY_DYNAMIC_DISPATCH(transpose_kernel)(x, rows, columns, x_stride, out, out_stride);
}

}  // namespace millrace::kernels
#endif
