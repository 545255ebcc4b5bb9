// Elementary functions in plain double arithmetic: the same bits on every machine, unlike the C
// library's.
//
// Place: wherever a result is stored, compared or merged (metrics, model state). Products and sums
// are never fused (-ffp-contract=off), so every IEEE 754 machine agrees.
#pragma once

#include <bit>
#include <cstdint>

namespace millrace {

// Natural logarithm of a positive, normal, finite number; relative error below 2^-51.
//
// x = 2^k m with m in [sqrt(1/2), sqrt(2)); log m = 2 artanh(s), s = (m - 1) / (m + 1), |s| <=
// 0.1716, from the first eleven terms of its series (the next one is below 2^-59); ln 2 is split so
// that k times its head is exact.
inline double deterministic_log(double x) {
  constexpr std::uint64_t kSqrtHalf = 0x3FE6A09E667F3BCDull;  // bits of sqrt(1/2)
  // Its last 17 bits are zero: k times it is exact.
  constexpr double kLn2Head = 0x1.62e42fefa0000p-1;
  constexpr double kLn2Tail = 0x1.cf79abc9e3b3ap-40;
  const std::uint64_t offset = std::bit_cast<std::uint64_t>(x) - kSqrtHalf;
  const auto k = static_cast<double>(static_cast<std::int64_t>(offset) >> 52);
  const double m = std::bit_cast<double>((offset & 0x000FFFFFFFFFFFFFull) + kSqrtHalf);
  const double f = m - 1.0;
  const double s = f / (2.0 + f);
  const double z = s * s, w = z * z;
  // 2/3 z + 2/5 z^2 + ... + 2/21 z^10, even and odd powers apart for shorter chains.
  const double odd =
      z * (2.0 / 3 + w * (2.0 / 7 + w * (2.0 / 11 + w * (2.0 / 15 + w * (2.0 / 19)))));
  const double even =
      w * (2.0 / 5 + w * (2.0 / 9 + w * (2.0 / 13 + w * (2.0 / 17 + w * (2.0 / 21)))));
  // 2 s = f - s f keeps the head exact: log m = f - (f^2 / 2 - s (f^2 / 2 + series)).
  const double half_square = 0.5 * f * f;
  return s * (half_square + (odd + even)) + k * kLn2Tail - half_square + f + k * kLn2Head;
}

}  // namespace millrace
