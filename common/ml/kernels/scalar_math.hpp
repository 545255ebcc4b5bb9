// exp, log, log1p, pow and sigmoid in double precision, the same bits on every machine.
//
// Place: used per record or per batch by optimisers and losses. The C library's functions differ
// between its versions and processors; these are plain products and sums in a fixed order. Errors
// below 3e-15 relative (tests/unit/ml/math_test.cpp).
#pragma once

#include <bit>
#include <cstdint>

#include "common/base/math.hpp"

namespace millrace::kernels {

inline double stable_exp(double x) {
  if (!(x > -745.0)) return x != x ? x : 0.0;
  if (x > 709.7) return std::bit_cast<double>(std::uint64_t{0x7FF0000000000000});
  // Adding 1.5 * 2^52 rounds to the nearest integer, which stands in the low bits.
  const double shifted = x * 1.4426950408889634 + 6755399441055744.0;
  const double n = shifted - 6755399441055744.0;
  const double r = (x - n * 6.93147180369123816490e-01) - n * 1.90821492927058770002e-10;
  // Taylor to r^13 / 13!, |r| <= 0.3466: the remainder is below 5e-18. Two chains halve the
  // latency.
  const double s = r * r;
  double even = 1.0 / 479001600.0;
  double odd = 1.0 / 6227020800.0;
  even = even * s + 1.0 / 3628800.0;
  odd = odd * s + 1.0 / 39916800.0;
  even = even * s + 1.0 / 40320.0;
  odd = odd * s + 1.0 / 362880.0;
  even = even * s + 1.0 / 720.0;
  odd = odd * s + 1.0 / 5040.0;
  even = even * s + 1.0 / 24.0;
  odd = odd * s + 1.0 / 120.0;
  even = even * s + 0.5;
  odd = odd * s + 1.0 / 6.0;
  const double p = (r + r * s * odd) + s * even + 1.0;
  const auto exponent = static_cast<std::int64_t>(n);
  const std::int64_t half = exponent >> 1;
  const auto power = [](std::int64_t e) {
    return std::bit_cast<double>(static_cast<std::uint64_t>(e + 1023) << 52);
  };
  return p * power(half) * power(exponent - half);
}

// x > 0; smaller than the smallest normal number counts as it.
inline double stable_log(double x) {
  constexpr double kSmallest = 2.2250738585072014e-308;
  return deterministic_log(x < kSmallest ? kSmallest : x);
}

// x > -1.
inline double stable_log1p(double x) {
  const double u = 1.0 + x;
  return stable_log(u) + (x - (u - 1.0)) / u;
}

// x > 0.
inline double stable_pow(double x, double y) {
  return stable_exp(y * stable_log(x));
}

inline double stable_sigmoid(double x) {
  const double e = stable_exp(x < 0.0 ? x : -x);
  return (x < 0.0 ? e : 1.0) / (1.0 + e);
}

}  // namespace millrace::kernels
