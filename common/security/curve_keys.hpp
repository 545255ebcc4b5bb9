// Keys of CURVE, the encryption of ZeroMQ connections: Curve25519 pairs, written as 40 characters
// of Z85.
//
// Place: made by `millrace keygen`, read by cluster_keys, handed to sockets by common/net. A server
// has one pair that its clients know the public half of; a client has a pair of its own, whose
// public half is its identity in the access policy. Values.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <string>
#include <string_view>

#include "common/base/status.hpp"
#include "common/security/secret.hpp"

namespace millrace::security {

inline constexpr std::size_t kCurveKeyBytes = 32;
inline constexpr std::size_t kCurveTextBytes = 40;

class CurvePublicKey {
 public:
  CurvePublicKey() = default;
  // Precondition: kCurveKeyBytes bytes.
  explicit CurvePublicKey(ByteView bytes);
  // invalid_argument when `text` is no key. White space round it is no part of it.
  static Result<CurvePublicKey> parse(std::string_view text);

  ByteView bytes() const { return bytes_; }
  std::string text() const;
  auto operator<=>(const CurvePublicKey&) const = default;

 private:
  std::array<std::byte, kCurveKeyBytes> bytes_{};
};

struct CurveKeyPair {
  CurvePublicKey public_key;
  Secret secret;  // kCurveKeyBytes bytes
};

// What a client needs to speak with one kind of server.
struct CurveClientKeys {
  CurveKeyPair own;
  CurvePublicKey server;
};

CurveKeyPair make_curve_key_pair();
// The pair that a secret key belongs to; invalid_argument when `text` is no key.
Result<CurveKeyPair> parse_curve_secret(std::string_view text);
// The secret as its file holds it.
Secret curve_secret_text(const CurveKeyPair& pair);

}  // namespace millrace::security
