#include "common/security/secret.hpp"

#include <sodium.h>
#include <sys/prctl.h>

#include <cstring>
#include <utility>

#include "common/base/check.hpp"

namespace millrace::security {

Secret::Secret(std::size_t size) : bytes_(std::make_unique<std::byte[]>(size)), size_(size) {}

Secret::Secret(ByteView bytes) : Secret(bytes.size()) {
  if (!bytes.empty()) std::memcpy(bytes_.get(), bytes.data(), bytes.size());
}

Secret::~Secret() {
  // A plain memset before a free is one that the compiler may leave out.
  if (size_ != 0) sodium_memzero(bytes_.get(), size_);
}

Secret::Secret(Secret&& other) noexcept
    : bytes_(std::move(other.bytes_)), size_(std::exchange(other.size_, 0)) {}

Secret& Secret::operator=(Secret&& other) noexcept {
  std::swap(bytes_, other.bytes_);
  std::swap(size_, other.size_);
  return *this;
}

void keep_memory_private() {
  MILLRACE_CHECK(prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0);
}

}  // namespace millrace::security
