// Looks for splits that a stream has gained since its job was planned: partitions added to a topic.
//
// Place: spawned by the worker that hosts replica 0 of an attempt, ended with it. Detached, since
// asking brokers blocks; it reads no records.
#pragma once

#include "worker/actors/worker.hpp"

namespace millrace {

struct LookForSplits {};
using split_finder = caf::typed_actor<caf::reacts_to<LookForSplits>>;

// Null where the job's stream gains no splits, or nobody is to look. `known`: every split of the
// job.
split_finder spawn_split_finder(caf::actor_system& system, const WorkerOptions& options,
                                const order::StartAttempt& start, const worker_actor& worker,
                                const std::vector<SplitDescription>& known);

}  // namespace millrace

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(millrace::LookForSplits)
