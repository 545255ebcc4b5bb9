// How CAF carries the messages that leave a process: each as one raw block of its encoded bytes.
//
// Place: included by the headers that declare actor interfaces. A type becomes such a message by
// `travels<T>`, a codec, and a place in a type-id block; handles that it holds follow the block.
// Inside a process nothing of this runs: messages are moved and payloads shared.
//
// Invariant: what cannot be decoded reaches no actor. CAF drops it and keeps the connection;
// message_faults() tells, since CAF itself says nothing.
#pragma once

#include <caf/all.hpp>

#include <cstdint>
#include <functional>

#include "common/actors/codec.hpp"

namespace millrace {

template <typename Message>
inline constexpr bool travels = false;

// Messages of this process that could not be encoded or decoded, ever, and the newest reason. Any
// thread.
struct MessageFaults {
  std::uint64_t count = 0;
  Status last;
};
MessageFaults message_faults();
void note_message_fault(const Status& why);
// Notes the fault, and gives what an inspection returns for it.
caf::error refuse_message(const Status& why);

// One block: its size, then the frame's pieces.
caf::error save_frame(caf::serializer& sink, const Result<Frame>& frame);
// Calls `decode` with the block, where it lies in the receive buffer if it can.
caf::error load_frame(caf::deserializer& source, const std::function<Status(ByteView)>& decode);

// Handles are CAF's to write: which process, and which actor in it.
template <typename Inspector, typename Message>
caf::error inspect_handles(Inspector&, Message&) {
  return caf::none;
}
// A list of handles, held against `max` before it is made.
template <typename Handle>
caf::error inspect_handle_list(caf::serializer& sink, std::vector<Handle>& handles, std::size_t) {
  std::size_t count = handles.size();
  if (auto error = sink.begin_sequence(count)) return error;
  for (auto& handle : handles) {
    if (auto error = sink(handle)) return error;
  }
  return sink.end_sequence();
}
template <typename Handle>
caf::error inspect_handle_list(caf::deserializer& source, std::vector<Handle>& handles,
                               std::size_t max) {
  std::size_t count = 0;
  if (auto error = source.begin_sequence(count)) return error;
  if (count > max) return refuse_message({Code::corrupted, "a message names too many actors"});
  handles.resize(count);
  for (auto& handle : handles) {
    if (auto error = source(handle)) return error;
    if (!handle) return refuse_message({Code::corrupted, "a message does not name an actor"});
  }
  return source.end_sequence();
}

template <typename Message>
requires travels<Message> caf::error inspect(caf::serializer& sink, Message& message) {
  if (auto error = save_frame(sink, encode_message(message))) return error;
  return inspect_handles(sink, message);
}

template <typename Message>
requires travels<Message> caf::error inspect(caf::deserializer& source, Message& message) {
  const auto decode = [&](ByteView bytes) -> Status {
    MILLRACE_ASSIGN(message, decode_message<Message>(bytes));
    return {};
  };
  if (auto error = load_frame(source, decode)) return error;
  return inspect_handles(source, message);
}

namespace order {
using millrace::inspect;  // found by the types of this namespace
}

}  // namespace millrace
