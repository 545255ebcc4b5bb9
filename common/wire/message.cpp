#include "common/wire/message.hpp"

#include <fmt/format.h>

#include <cstring>

namespace millrace::wire {
namespace {

constexpr const char* kHint =
    "send one Cap'n Proto message per frame, in the unpacked stream encoding";

Status check_segments(const std::byte* bytes, std::size_t size) {
  std::uint32_t last_segment = 0;
  std::memcpy(&last_segment, bytes, sizeof(last_segment));
  if (last_segment >= kSegmentsMax)
    return {Code::invalid_argument, "it has too many segments", kHint};
  const std::size_t table_bytes = (std::size_t{last_segment} + 2) / 2 * sizeof(capnp::word);
  if (table_bytes > size)
    return {Code::invalid_argument, "it ends inside its segment table", kHint};
  return {};
}

}  // namespace

Result<kj::ArrayPtr<const capnp::word>> frame_words(ByteView frame,
                                                    std::vector<std::uint64_t>& aligned_copy) {
  constexpr std::size_t kWord = sizeof(capnp::word);
  if (frame.size() > limits::kFrameBytesMax) {
    return Status(Code::resource_exhausted,
                  "it has " + std::to_string(frame.size()) + " bytes, more than " +
                      std::to_string(limits::kFrameBytesMax),
                  "send fewer rows at a time");
  }
  if (frame.size() < kWord || frame.size() % kWord != 0) {
    return Status(Code::invalid_argument,
                  "it has " + std::to_string(frame.size()) + " bytes, which is no whole message",
                  kHint);
  }
  MILLRACE_TRY(check_segments(frame.data(), frame.size()));
  const std::size_t count = frame.size() / kWord;
  if (reinterpret_cast<std::uintptr_t>(frame.data()) % kWord == 0) {
    return kj::arrayPtr(reinterpret_cast<const capnp::word*>(frame.data()), count);
  }
  aligned_copy.resize(count);
  std::memcpy(aligned_copy.data(), frame.data(), frame.size());
  return kj::arrayPtr(reinterpret_cast<const capnp::word*>(aligned_copy.data()), count);
}

Status reading(const char* what, const Status& status) {
  return status.with_context(fmt::format("reading {}", what));
}

Status invalid_message(const char* what, std::string_view why) {
  return {Code::invalid_argument, fmt::format("reading {}: it is no valid message: {}", what, why),
          kHint};
}

Result<Bytes> to_frame(capnp::MessageBuilder& message, const char* what) {
  const std::size_t size = capnp::computeSerializedSizeInWords(message) * sizeof(capnp::word);
  if (size > limits::kFrameBytesMax) {
    return Status(
        Code::resource_exhausted,
        fmt::format("{} would have {} bytes, more than {}", what, size, limits::kFrameBytesMax),
        "ask for fewer rows at a time");
  }
  Bytes frame(size);
  kj::ArrayOutputStream output(
      kj::arrayPtr(reinterpret_cast<kj::byte*>(frame.data()), frame.size()));
  capnp::writeMessage(output, message);
  return frame;
}

}  // namespace millrace::wire
