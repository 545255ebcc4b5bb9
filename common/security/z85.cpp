#include "common/security/z85.hpp"

#include <cstdint>
#include <limits>

#include "common/base/check.hpp"

namespace millrace::security {
namespace {

constexpr std::string_view kAlphabet =
    "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#";
constexpr std::uint32_t kBase = 85;
static_assert(kAlphabet.size() == kBase);

}  // namespace

void z85_encode(ByteView bytes, std::span<char> text) {
  MILLRACE_CHECK(bytes.size() % 4 == 0 && text.size() == bytes.size() / 4 * 5);
  for (std::size_t group = 0; group < bytes.size() / 4; ++group) {
    std::uint32_t number = 0;
    for (std::size_t i = 0; i < 4; ++i) {
      number = number << 8 | std::to_integer<std::uint32_t>(bytes[group * 4 + i]);
    }
    for (std::size_t i = 5; i-- > 0; number /= kBase) {
      text[group * 5 + i] = kAlphabet[number % kBase];
    }
  }
}

bool z85_decode(std::string_view text, std::span<std::byte> bytes) {
  if (bytes.size() % 4 != 0 || text.size() != bytes.size() / 4 * 5) return false;
  for (std::size_t group = 0; group < bytes.size() / 4; ++group) {
    std::uint64_t number = 0;
    for (std::size_t i = 0; i < 5; ++i) {
      const auto digit = kAlphabet.find(text[group * 5 + i]);
      if (digit == kAlphabet.npos) return false;
      number = number * kBase + digit;
    }
    // Five digits reach a little beyond four bytes.
    if (number > std::numeric_limits<std::uint32_t>::max()) return false;
    for (std::size_t i = 4; i-- > 0; number >>= 8) {
      bytes[group * 4 + i] = static_cast<std::byte>(number & 0xFF);
    }
  }
  return true;
}

}  // namespace millrace::security
