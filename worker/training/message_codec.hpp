// The bytes of what workers say to each other: entries with pushes, answers with views, chunks.
//
// Place: used by the actors' inspection and by whoever cuts a message into chunks; the codec of
// control messages is common/actors/codec.hpp. Payloads are always ParameterPush and ParameterView.
//
// Layout: an envelope, the fields, and then the vectors of the payload as raw little-endian blocks
// without anything between them, so that they are copied once on either side; the dense numbers of
// vector 0 in two bytes each where the payload says bfloat16.
//
// Invariant: a decoded entry's weight is a share, and every list is as long as it says. Whether a
// push fits the model, its shard checks; whether a view does, check_view.
#pragma once

#include "common/actors/codec.hpp"
#include "worker/core/chunk.hpp"
#include "worker/core/stream.hpp"

namespace millrace {

// The frame's blocks are the payload's, which it keeps alive.
template <>
Result<Frame> encode_message(const Entry& entry);
template <>
Result<Frame> encode_message(const Answer& answer);
// The frame's blocks are those of the chunk's frame.
template <>
Result<Frame> encode_message(const Chunk& chunk);
template <>
Result<Frame> encode_message(const ChunkAck& ack);

template <>
Result<Entry> decode_message(ByteView bytes);
template <>
Result<Answer> decode_message(ByteView bytes);
template <>
Result<Chunk> decode_message(ByteView bytes);
template <>
Result<ChunkAck> decode_message(ByteView bytes);

}  // namespace millrace
