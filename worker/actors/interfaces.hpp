// The actors of a worker process: the worker, its trainers, its parameter shards and its state.
//
// Place: a worker actor spawns the others for an attempt and ends them with it. Trainer and shard
// actors are shells round a training thread and a ShardCell; the state actor is detached, since
// RocksDB and the checkpoint store block.
#pragma once

#include <memory>

#include "common/actors/interfaces.hpp"
#include "worker/actors/state_keeper.hpp"
#include "worker/core/shard_core.hpp"
#include "worker/core/stream.hpp"
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

using worker_actor =
    worker_control::extend<caf::reacts_to<Entry>, caf::reacts_to<Answer>,
                           caf::reacts_to<LocalReport>, caf::reacts_to<AttemptLoaded>>;
using shard_actor = caf::typed_actor<caf::reacts_to<Entry>, caf::reacts_to<order::TriggerCut>,
                                     caf::reacts_to<order::AbortCut>>;
using trainer_actor = caf::typed_actor<caf::reacts_to<Answer>, caf::reacts_to<order::TriggerCut>,
                                       caf::reacts_to<order::AbortCut>>;
using state_actor =
    caf::typed_actor<caf::reacts_to<order::StartAttempt>, caf::reacts_to<ExpectCut>,
                     caf::reacts_to<ShardCutMessage>, caf::reacts_to<TrainerCutMessage>,
                     caf::reacts_to<order::AbortCut>, caf::reacts_to<order::SendShards>>;

}  // namespace millrace

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(millrace::Entry)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(millrace::Answer)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(millrace::ShardCutMessage)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(millrace::TrainerCutMessage)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(millrace::LocalReport)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(millrace::AttemptLoaded)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(millrace::ExpectCut)
