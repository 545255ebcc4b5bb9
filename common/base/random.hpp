// A counter-based random stream: the n-th draw of a key is a pure function of (key, n).
//
// Place: everything random is keyed by (seed, split, offset) or (seed, purpose), so that a record
// draws the same numbers however often it is replayed and whoever processes it.
#pragma once

#include <cstdint>

#include "common/base/digest.hpp"

namespace millrace {

class RandomStream {
 public:
  constexpr explicit RandomStream(std::uint64_t seed, std::uint64_t a = 0, std::uint64_t b = 0)
      : state_(mix64(mix64(mix64(seed) ^ a) ^ b)) {}

  constexpr std::uint64_t next() {
    state_ += 0x9E3779B97F4A7C15ull;
    return mix64(state_);
  }
  // Uniform in [0, 1), 53 bits.
  constexpr double uniform() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }
  // Uniform in [0, bound), bound > 0; bias below 2^-32 for bounds below 2^32.
  constexpr std::uint64_t below(std::uint64_t bound) {
    __extension__ using Wide = unsigned __int128;
    return static_cast<std::uint64_t>((static_cast<Wide>(next()) * bound) >> 64);
  }

 private:
  std::uint64_t state_;
};

}  // namespace millrace
