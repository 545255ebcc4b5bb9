#include "common/actors/inspect.hpp"

#include <mutex>
#include <string>

#include "common/base/limits.hpp"

namespace millrace {
namespace {

// CAF gives an inspection no place to report to.
struct Faults {
  std::mutex mutex;
  MessageFaults faults;
};
Faults& all_faults() {
  static Faults faults;
  return faults;
}

Status check_size(std::size_t bytes) {
  if (bytes <= limits::kMessageBytesMax) return {};
  return Status(Code::resource_exhausted, "a message of " + std::to_string(bytes) +
                                              " bytes cannot be sent, at most " +
                                              std::to_string(limits::kMessageBytesMax));
}

}  // namespace

MessageFaults message_faults() {
  auto& all = all_faults();
  const std::lock_guard lock(all.mutex);
  return all.faults;
}

void note_message_fault(const Status& why) {
  auto& all = all_faults();
  const std::lock_guard lock(all.mutex);
  ++all.faults.count;
  all.faults.last = why;
}

caf::error refuse_message(const Status& why) {
  note_message_fault(why);
  return caf::make_error(caf::sec::invalid_argument, why.message());
}

caf::error save_frame(caf::serializer& sink, const Result<Frame>& frame) {
  if (!frame.is_ok()) return refuse_message(frame.status());
  std::size_t bytes = frame.value().size();
  if (const auto status = check_size(bytes); !status.is_ok()) return refuse_message(status);
  if (auto error = sink.begin_sequence(bytes)) return error;
  caf::error failure;
  frame.value().for_each_piece(0, bytes, [&](ByteView piece) {
    // CAF's signature serves reading too; a serializer does not write through the pointer.
    if (!failure) failure = sink.apply_raw(piece.size(), const_cast<std::byte*>(piece.data()));
  });
  if (failure) return failure;
  return sink.end_sequence();
}

caf::error load_frame(caf::deserializer& source, const std::function<Status(ByteView)>& decode) {
  std::size_t bytes = 0;
  if (auto error = source.begin_sequence(bytes)) return error;
  if (const auto status = check_size(bytes); !status.is_ok()) return refuse_message(status);
  Status status;
  if (auto* buffer = dynamic_cast<caf::binary_deserializer*>(&source)) {
    if (bytes > buffer->remaining())
      return refuse_message({Code::corrupted, "a message ends early"});
    const auto* begin = reinterpret_cast<const std::byte*>(buffer->remainder().data());
    status = decode({begin, bytes});
    buffer->skip(bytes);
  } else {
    Bytes copy(bytes);
    if (auto error = source.apply_raw(bytes, copy.data())) return error;
    status = decode(copy);
  }
  if (!status.is_ok()) return refuse_message(status);
  return source.end_sequence();
}

}  // namespace millrace
