// Z85: 4 bytes as 5 printable characters, as ZeroMQ writes its keys (ZeroMQ RFC 32).
//
// Place: between key files or the policy and raw keys. Writes into the caller's memory, so that
// secrets leave no copies behind. Pure.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "common/base/bytes.hpp"

namespace millrace::security {

// Precondition: whole groups, `text` exactly 5/4 as long as `bytes`.
void z85_encode(ByteView bytes, std::span<char> text);
// False when `text` is not Z85 of exactly `bytes.size()` bytes; `bytes` is then unspecified.
bool z85_decode(std::string_view text, std::span<std::byte> bytes);

}  // namespace millrace::security
