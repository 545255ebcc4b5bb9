// Cap'n Proto messages from and to frames, with every bound on untrusted bytes in one place.
//
// Place: inside common/wire only. `read_message` is the single place where exceptions of kj become
// Status.
#pragma once

#include <capnp/message.h>
#include <capnp/serialize.h>
#include <kj/exception.h>

#include <algorithm>
#include <cstring>
#include <string_view>
#include <vector>

#include "common/base/bytes.hpp"
#include "common/base/limits.hpp"
#include "common/base/status.hpp"

namespace millrace::wire {

// An encoder writes one segment; more than a few come only from builders with tiny segments.
inline constexpr std::uint32_t kSegmentsMax = 512;

// The frame as words: itself when it is aligned, else its copy in `aligned_copy`. Checks size and
// segment table.
Result<kj::ArrayPtr<const capnp::word>> frame_words(ByteView frame,
                                                    std::vector<std::uint64_t>& aligned_copy);

inline capnp::ReaderOptions reader_options(std::size_t words) {
  capnp::ReaderOptions options;
  options.traversalLimitInWords = std::min(4 * words, limits::kTraversalWordsMax);
  options.nestingLimit = limits::kMessageNestingMax;
  return options;
}

// The status with "reading <what>" in front.
Status reading(const char* what, const Status& status);
Status invalid_message(const char* what, std::string_view why);

// Calls `read(root, words)` with the message's root; `what` names it in errors: "the request".
template <typename Root, typename Read>
Status read_message(const char* what, ByteView frame, std::vector<std::uint64_t>& aligned_copy,
                    const Read& read) {
  auto words = frame_words(frame, aligned_copy);
  if (!words.is_ok()) return reading(what, words.status());
  try {
    const auto array = words.value();
    capnp::FlatArrayMessageReader reader(array, reader_options(array.size()));
    if (reader.getEnd() != array.end()) return invalid_message(what, "bytes follow its end");
    const Status status = read(reader.getRoot<Root>(), array.size());
    return status.is_ok() ? status : reading(what, status);
  } catch (const kj::Exception& error) {
    return invalid_message(what, error.getDescription().cStr());
  }
}

// One contiguous frame; resource_exhausted past limits::kFrameBytesMax.
Result<Bytes> to_frame(capnp::MessageBuilder& message, const char* what);

inline std::string_view view(capnp::Text::Reader text) {
  return {text.begin(), text.size()};
}

// Copies text that need not end with a NUL into the field that `init(size)` makes room for.
template <typename Init>
void put_text(std::string_view text, const Init& init) {
  if (text.empty()) return;
  auto builder = init(static_cast<unsigned>(text.size()));
  std::memcpy(builder.begin(), text.data(), text.size());
}

}  // namespace millrace::wire
