// Little-endian encoding for state that is written to disk or shipped between processes.
//
// Every blob begins with an envelope (format version, oldest reader that understands it), so that a
// newer program reads older state and an older one refuses newer state by name. A reader never
// trusts a length: each is held against the bytes that remain before anything is allocated.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "common/base/status.hpp"

namespace millrace {

static_assert(std::endian::native == std::endian::little, "encoding assumes a little-endian host");

using Bytes = std::vector<std::byte>;
using ByteView = std::span<const std::byte>;

class ByteWriter {
 public:
  // Starts a blob: `version` is what is written, `min_reader_version` the oldest reader that may
  // read it.
  void envelope(std::uint16_t version, std::uint16_t min_reader_version);

  template <typename T>
  requires std::is_arithmetic_v<T> || std::is_enum_v<T>
  void put(T value) {
    const auto* begin = reinterpret_cast<const std::byte*>(&value);
    bytes_.insert(bytes_.end(), begin, begin + sizeof(T));
  }
  // A 64-bit count followed by the elements.
  template <typename T>
  requires std::is_arithmetic_v<T>
  void put_array(std::span<const T> values) {
    put<std::uint64_t>(values.size());
    const auto* begin = reinterpret_cast<const std::byte*>(values.data());
    bytes_.insert(bytes_.end(), begin, begin + values.size_bytes());
  }
  void put_string(std::string_view text);
  void put_bytes(ByteView bytes);
  // The bytes alone, where their count is known from elsewhere.
  void put_raw(ByteView bytes) { bytes_.insert(bytes_.end(), bytes.begin(), bytes.end()); }

  ByteView view() const { return bytes_; }
  Bytes take() && { return std::move(bytes_); }

 private:
  Bytes bytes_;
};

// Reads what a ByteWriter wrote. After the first failure every further read yields zeros and
// `status()` stays the first failure, so a decoder may read all fields and check once.
class ByteReader {
 public:
  explicit ByteReader(ByteView bytes) : rest_(bytes) {}

  // Returns the blob's version; fails with unsupported_format when it needs a newer reader than
  // `reader_version`.
  std::uint16_t envelope(std::uint16_t reader_version, const char* what);

  template <typename T>
  requires std::is_arithmetic_v<T> || std::is_enum_v<T> T get() {
    T value{};
    if (take(sizeof(T))) std::memcpy(&value, last_, sizeof(T));
    return value;
  }
  template <typename T>
  requires std::is_arithmetic_v<T> std::vector<T> get_array() {
    const auto count = get<std::uint64_t>();
    if (count > rest_.size() / sizeof(T) || !take(count * sizeof(T))) {
      fail("array is longer than its blob");
      return {};
    }
    std::vector<T> values(count);
    if (count != 0) std::memcpy(values.data(), last_, count * sizeof(T));
    return values;
  }
  std::string get_string();
  Bytes get_bytes();
  // The next `count` bytes where they lie; empty when fewer remain.
  ByteView get_view(std::size_t count);

  bool is_ok() const { return status_.is_ok(); }
  std::size_t remaining() const { return rest_.size(); }
  // ok, or the first failure. `finish` also fails when bytes are left over.
  const Status& status() const { return status_; }
  Status finish();
  void fail(const char* why);
  // As another decoder says it; the first failure stays.
  void fail(const Status& why);

 private:
  bool take(std::size_t count);

  ByteView rest_;
  const std::byte* last_ = nullptr;
  Status status_;
};

inline ByteView as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}
inline std::string_view as_text(ByteView bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace millrace
