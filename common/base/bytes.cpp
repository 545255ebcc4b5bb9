#include "common/base/bytes.hpp"

namespace millrace {

void ByteWriter::envelope(std::uint16_t version, std::uint16_t min_reader_version) {
  put(version);
  put(min_reader_version);
}

void ByteWriter::put_string(std::string_view text) {
  put_bytes(as_bytes(text));
}

void ByteWriter::put_bytes(ByteView bytes) {
  put<std::uint64_t>(bytes.size());
  bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
}

std::uint16_t ByteReader::envelope(std::uint16_t reader_version, const char* what) {
  const auto version = get<std::uint16_t>();
  const auto min_reader_version = get<std::uint16_t>();
  if (is_ok() && min_reader_version > reader_version) {
    status_ = Status(Code::unsupported_format,
                     std::string(what) + " has format " + std::to_string(version) +
                         " and needs a reader of format " + std::to_string(min_reader_version) +
                         "; this program reads up to " + std::to_string(reader_version),
                     "use the version of Millrace that wrote it, or a newer one");
  }
  return version;
}

std::string ByteReader::get_string() {
  const auto count = get<std::uint64_t>();
  if (!take(count)) return {};
  return {reinterpret_cast<const char*>(last_), count};
}

Bytes ByteReader::get_bytes() {
  const auto count = get<std::uint64_t>();
  if (!take(count)) return {};
  return {last_, last_ + count};
}

ByteView ByteReader::get_view(std::size_t count) {
  if (!take(count)) return {};
  return {last_, count};
}

Status ByteReader::finish() {
  if (is_ok() && !rest_.empty()) fail("blob has bytes after its end");
  return status_;
}

void ByteReader::fail(const char* why) {
  if (is_ok()) status_ = Status(Code::corrupted, why);
}

void ByteReader::fail(const Status& why) {
  if (is_ok()) status_ = why;
}

bool ByteReader::take(std::size_t count) {
  if (!is_ok()) return false;
  if (count > rest_.size()) {
    fail("blob ends early");
    return false;
  }
  last_ = rest_.data();
  rest_ = rest_.subspan(count);
  return true;
}

}  // namespace millrace
