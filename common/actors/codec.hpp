// The bytes of messages between processes: an envelope with the format's version, then the fields.
//
// Place: the actors' inspection (inspect.hpp) writes and reads these bytes as one block; golden
// files in tests/compat hold them. worker/training/message_codec.hpp adds entries and answers.
//
// Invariant: decoding any bytes gives a message that keeps its type's rules, or `corrupted`, or
// `unsupported_format`. What a message says about others (a replica's number and the number of
// replicas) is checked here too, so that actors index by it.
#pragma once

#include "common/actors/messages.hpp"
#include "common/base/frame.hpp"
#include "common/base/status.hpp"

namespace millrace {

struct RegisterWorker;  // interfaces.hpp
struct AdoptAttempt;    // likewise

// Fails with resource_exhausted when a field is beyond the limit that the reader will hold it to.
// The frame's blocks are those of `message`: they live as long as its payload.
template <typename Message>
Result<Frame> encode_message(const Message& message);

template <typename Message>
Result<Message> decode_message(ByteView bytes);

// The report as it goes to another process: a shard's content stays behind, since the store has it
// and control carries no bulk; one whose figures are too large to travel becomes a failure of the
// attempt that says so.
WorkerReport without_bulk(WorkerReport report);

// Without its routes, which are handles: inspect.hpp.
extern template Result<Frame> encode_message(const order::StartAttempt&);
extern template Result<Frame> encode_message(const order::StopAttempt&);
extern template Result<Frame> encode_message(const order::TriggerCut&);
extern template Result<Frame> encode_message(const order::AbortCut&);
extern template Result<Frame> encode_message(const order::SendShards&);
extern template Result<Frame> encode_message(const order::ReleaseOutputs&);
extern template Result<Frame> encode_message(const WorkerReport&);
extern template Result<Frame> encode_message(const WorkerTick&);
// Without their handles.
extern template Result<Frame> encode_message(const RegisterWorker&);
extern template Result<Frame> encode_message(const AdoptAttempt&);

extern template Result<order::StartAttempt> decode_message(ByteView);
extern template Result<order::StopAttempt> decode_message(ByteView);
extern template Result<order::TriggerCut> decode_message(ByteView);
extern template Result<order::AbortCut> decode_message(ByteView);
extern template Result<order::SendShards> decode_message(ByteView);
extern template Result<order::ReleaseOutputs> decode_message(ByteView);
extern template Result<WorkerReport> decode_message(ByteView);
extern template Result<WorkerTick> decode_message(ByteView);
extern template Result<RegisterWorker> decode_message(ByteView);
extern template Result<AdoptAttempt> decode_message(ByteView);

}  // namespace millrace
