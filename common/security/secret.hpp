// Bytes that nobody else may see: wiped before their memory is given back, moved but never copied.
//
// Place: everything read from a key file lives in one of these until the library that needs it has
// taken it. A value; never put into a message, a log line or a Status.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>

#include "common/base/bytes.hpp"

namespace millrace::security {

class Secret {
 public:
  Secret() = default;
  explicit Secret(std::size_t size);
  explicit Secret(ByteView bytes);
  ~Secret();
  Secret(Secret&& other) noexcept;
  Secret& operator=(Secret&& other) noexcept;

  ByteView bytes() const { return {bytes_.get(), size_}; }
  std::span<std::byte> writable() { return {bytes_.get(), size_}; }
  std::string_view text() const { return as_text(bytes()); }

 private:
  std::unique_ptr<std::byte[]> bytes_;
  std::size_t size_ = 0;
};

// From now on this process leaves no core dump, and no process of the same user can attach to it.
// Whoever loads secrets calls it first.
void keep_memory_private();

}  // namespace millrace::security
