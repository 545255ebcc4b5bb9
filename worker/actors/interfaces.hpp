// The actors of a worker process: the worker, its trainers, its parameter shards and its state.
//
// Place: a worker actor spawns the others for an attempt and ends them with it. Trainer and shard
// actors are shells round a training thread and a ShardCell; the state actor is detached, since
// RocksDB and the checkpoint store block.
#pragma once

#include <memory>

#include "common/actors/host_interfaces.hpp"
#include "common/actors/interfaces.hpp"
#include "worker/actors/state_keeper.hpp"
#include "worker/core/bulk_link.hpp"
#include "worker/core/chunk.hpp"
#include "worker/core/shard_core.hpp"
#include "worker/core/stream.hpp"
#include "worker/training/message_codec.hpp"
#include "worker/training/trainer_state.hpp"

namespace millrace {

// A cut's values of one shard, on their way to the state actor; not copied.
struct ShardCutMessage {
  Attempt attempt;
  ShardId shard;
  CutId cut;
  std::shared_ptr<ShardValues> values;
};
struct TrainerCutMessage {
  Attempt attempt;
  ReplicaId replica;
  std::shared_ptr<TrainerCut> cut;
};
// What a trainer, a shard or the state actor reports; the worker hands it on to the job master.
struct LocalReport {
  WorkerReport report;
};
struct AttemptLoaded {
  std::shared_ptr<const order::StartAttempt> start;
  std::shared_ptr<LoadedAttempt> loaded;
};
// The state actor: collect this cut, ship it when `contributions` have arrived.
struct ExpectCut {
  Attempt attempt;
  CutId cut;
  std::size_t contributions = 0;
};

// A worker actor: an entry or answer for a worker in another process.
struct OutgoingBulk {
  worker_control to;
  BulkMessage message;
};

using worker_actor =
    worker_control::extend<caf::reacts_to<Entry>, caf::reacts_to<Answer>, caf::reacts_to<Chunk>,
                           caf::reacts_to<ChunkAck>, caf::reacts_to<OutgoingBulk>,
                           caf::reacts_to<LocalReport>, caf::reacts_to<AttemptLoaded>>;
using shard_actor = caf::typed_actor<caf::reacts_to<Entry>, caf::reacts_to<order::TriggerCut>,
                                     caf::reacts_to<order::AbortCut>>;
using trainer_actor =
    caf::typed_actor<caf::reacts_to<Answer>, caf::reacts_to<order::TriggerCut>,
                     caf::reacts_to<order::AbortCut>, caf::reacts_to<order::SendShards>,
                     caf::reacts_to<order::ReleaseOutputs>>;
using state_actor =
    caf::typed_actor<caf::reacts_to<order::StartAttempt>, caf::reacts_to<ExpectCut>,
                     caf::reacts_to<ShardCutMessage>, caf::reacts_to<TrainerCutMessage>,
                     caf::reacts_to<order::AbortCut>, caf::reacts_to<order::SendShards>>;

// ---- Between the processes of workers

template <>
inline constexpr bool travels<Entry> = true;
template <>
inline constexpr bool travels<Answer> = true;
template <>
inline constexpr bool travels<Chunk> = true;
template <>
inline constexpr bool travels<ChunkAck> = true;

// add_control_messages, and what workers tell each other: called by every program that hosts
// workers before it makes its actor system.
void add_worker_messages(caf::actor_system_config& config);

}  // namespace millrace

CAF_BEGIN_TYPE_ID_BLOCK(millrace_worker, caf::id_block::millrace_host::end)
CAF_ADD_TYPE_ID(millrace_worker, (millrace::Entry))
CAF_ADD_TYPE_ID(millrace_worker, (millrace::Answer))
CAF_ADD_TYPE_ID(millrace_worker, (millrace::Chunk))
CAF_ADD_TYPE_ID(millrace_worker, (millrace::ChunkAck))
CAF_END_TYPE_ID_BLOCK(millrace_worker)

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(millrace::OutgoingBulk)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(millrace::ShardCutMessage)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(millrace::TrainerCutMessage)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(millrace::LocalReport)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(millrace::AttemptLoaded)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(millrace::ExpectCut)
