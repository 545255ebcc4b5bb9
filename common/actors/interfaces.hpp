// The typed interfaces between coordinator and workers.
//
// Place: included only by actors and by programs that spawn them. Handlers are thin: decode, step a
// core, execute its effects; nothing in a scheduled actor blocks.
#pragma once

#include <caf/all.hpp>

#include <memory>
#include <vector>

#include "common/actors/messages.hpp"

namespace millrace {

// A worker as the job master sees it; worker/actors extends it with what workers tell each other.
using worker_control =
    caf::typed_actor<caf::reacts_to<order::StartAttempt>, caf::reacts_to<order::StopAttempt>,
                     caf::reacts_to<order::TriggerCut>, caf::reacts_to<order::AbortCut>,
                     caf::reacts_to<order::SendShards>>;

// The job master as workers see it.
using report_sink = caf::typed_actor<caf::reacts_to<WorkerReport>>;

// Who hosts which replica and shard in one attempt, and who wants to hear of it.
struct Routes {
  std::vector<worker_control> replicas;  // index: ReplicaId
  std::vector<worker_control> shards;    // index: ShardId
  report_sink reports;
};

}  // namespace millrace

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(millrace::order::StartAttempt)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(millrace::order::StopAttempt)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(millrace::order::TriggerCut)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(millrace::order::AbortCut)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(millrace::order::SendShards)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(millrace::WorkerReport)
