#include "worker/sinks/output_batch.hpp"

#include <cstring>

#include "common/base/check.hpp"

namespace millrace {
namespace {

constexpr std::uint32_t kNull = 0xFFFFFFFFu;

void append(Bytes& bytes, const void* begin, std::size_t size) {
  const auto* first = static_cast<const std::byte*>(begin);
  bytes.insert(bytes.end(), first, first + size);
}

}  // namespace

void OutputBatch::put(std::optional<std::string_view> text) {
  const auto size = text ? static_cast<std::uint32_t>(text->size()) : kNull;
  append(bytes_, &size, sizeof(size));
  if (text) append(bytes_, text->data(), text->size());
}

void OutputBatch::add(std::optional<std::string_view> key, std::optional<std::string_view> value,
                      std::span<const OutputHeader> headers) {
  put(key);
  put(value);
  const auto count = static_cast<std::uint32_t>(headers.size());
  append(bytes_, &count, sizeof(count));
  for (const OutputHeader& header : headers) {
    put(header.name);
    put(header.value);
  }
  ++messages_;
}

std::uint32_t OutputBatch::Cursor::number() {
  std::uint32_t value = 0;
  if (rest_.size() < sizeof(value)) {
    is_broken_ = true;
    return 0;
  }
  std::memcpy(&value, rest_.data(), sizeof(value));
  rest_ = rest_.subspan(sizeof(value));
  return value;
}

std::optional<std::string_view> OutputBatch::Cursor::text() {
  const std::uint32_t size = number();
  if (size == kNull || is_broken_) return std::nullopt;
  if (size > rest_.size()) {
    is_broken_ = true;
    return std::nullopt;
  }
  const auto found = as_text(rest_.first(size));
  rest_ = rest_.subspan(size);
  return found;
}

bool OutputBatch::Cursor::next(OutputMessage& message) {
  if (rest_.empty() || is_broken_) return false;
  message.key = text();
  message.value = text();
  message.headers.clear();
  const std::uint32_t headers = number();
  for (std::uint32_t i = 0; i < headers && !is_broken_; ++i) {
    const auto name = text(), value = text();
    message.headers.push_back({name.value_or(""), value.value_or("")});
  }
  return !is_broken_;
}

Result<OutputBatch> OutputBatch::decode(std::uint64_t messages, Bytes bytes) {
  Cursor cursor{ByteView(bytes)};
  OutputMessage message;
  std::uint64_t found = 0;
  while (cursor.next(message)) ++found;
  if (cursor.is_broken_ || found != messages) {
    return Status(Code::corrupted, "the stored outputs of a checkpoint are damaged");
  }
  OutputBatch batch;
  batch.messages_ = messages;
  batch.bytes_ = std::move(bytes);
  return batch;
}

}  // namespace millrace
