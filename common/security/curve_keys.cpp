#include "common/security/curve_keys.hpp"

#include <sodium.h>

#include <algorithm>

#include "common/base/check.hpp"
#include "common/security/z85.hpp"

namespace millrace::security {
namespace {

static_assert(kCurveKeyBytes == crypto_box_PUBLICKEYBYTES);
static_assert(kCurveKeyBytes == crypto_box_SECRETKEYBYTES);

void start_sodium() {
  // Idempotent and thread-safe; fails only where the kernel gives no random numbers.
  MILLRACE_CHECK(sodium_init() >= 0);
}

const unsigned char* raw(const std::byte* bytes) {
  return reinterpret_cast<const unsigned char*>(bytes);
}
unsigned char* raw(std::byte* bytes) {
  return reinterpret_cast<unsigned char*>(bytes);
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const auto first = text.find_first_not_of(kSpace);
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

}  // namespace

CurvePublicKey::CurvePublicKey(ByteView bytes) {
  MILLRACE_CHECK(bytes.size() == bytes_.size());
  std::copy(bytes.begin(), bytes.end(), bytes_.begin());
}

Result<CurvePublicKey> CurvePublicKey::parse(std::string_view text) {
  CurvePublicKey key;
  if (z85_decode(trimmed(text), key.bytes_)) return key;
  return Status(Code::invalid_argument, "is no CURVE key: 40 characters of Z85 are expected",
                "`millrace keygen` makes keys");
}

std::string CurvePublicKey::text() const {
  std::string text(kCurveTextBytes, '\0');
  z85_encode(bytes_, text);
  return text;
}

CurveKeyPair make_curve_key_pair() {
  start_sodium();
  std::array<std::byte, kCurveKeyBytes> public_key{};
  Secret secret(kCurveKeyBytes);
  MILLRACE_CHECK(crypto_box_keypair(raw(public_key.data()), raw(secret.writable().data())) == 0);
  return {.public_key = CurvePublicKey(public_key), .secret = std::move(secret)};
}

Result<CurveKeyPair> parse_curve_secret(std::string_view text) {
  start_sodium();
  Secret secret(kCurveKeyBytes);
  if (!z85_decode(trimmed(text), secret.writable())) {
    // What was read is not repeated: it may be a secret with one wrong character.
    return Status(Code::invalid_argument, "holds no CURVE key: 40 characters of Z85 are expected",
                  "`millrace keygen` makes keys");
  }
  std::array<std::byte, kCurveKeyBytes> public_key{};
  MILLRACE_CHECK(crypto_scalarmult_base(raw(public_key.data()), raw(secret.bytes().data())) == 0);
  return CurveKeyPair{.public_key = CurvePublicKey(public_key), .secret = std::move(secret)};
}

Secret curve_secret_text(const CurveKeyPair& pair) {
  Secret text(kCurveTextBytes + 1);
  auto* characters = reinterpret_cast<char*>(text.writable().data());
  z85_encode(pair.secret.bytes(), {characters, kCurveTextBytes});
  characters[kCurveTextBytes] = '\n';
  return text;
}

}  // namespace millrace::security
