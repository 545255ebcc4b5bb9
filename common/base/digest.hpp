// Checksums and hashes: CRC32C against rotten bytes, SHA-256 for identity, mix64 for everything
// quick.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/base/bytes.hpp"

namespace millrace {

// CRC-32C (Castagnoli), as in iSCSI and RocksDB. `seed` continues an earlier value.
std::uint32_t crc32c(ByteView bytes, std::uint32_t seed = 0);

// SHA-256 as 64 lower-case hexadecimal digits.
std::string sha256_hex(ByteView bytes);

// Feeds bytes piecewise; `hex` may be called once.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;
  void update(ByteView bytes);
  std::string hex();

 private:
  void* context_;
};

// The finaliser of SplitMix64 (Steele, Lea, Flood 2014): a bijection on 64 bits with good
// avalanche.
constexpr std::uint64_t mix64(std::uint64_t x) {
  x += 0x9E3779B97F4A7C15ull;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ull;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBull;
  return x ^ (x >> 31);
}

// A 64-bit hash of text, the same on every machine and for ever: categories and hashed features
// depend on it.
std::uint64_t hash_text(std::string_view text, std::uint64_t seed = 0);

}  // namespace millrace
