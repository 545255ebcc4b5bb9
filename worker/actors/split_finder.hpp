// Looks for splits that a stream has gained since its job was planned: partitions added to a topic.
//
// Place: spawned by the worker that hosts replica 0 of an attempt, ended with it. Detached, since
// asking brokers blocks; it reads no records.
#pragma once

#include "worker/actors/worker.hpp"

namespace millrace {

struct LookForSplits {};
using split_finder = caf::typed_actor<caf::reacts_to<LookForSplits>>;

struct SplitFinderOptions {
  WorkerId worker_id;
  Attempt attempt;
  worker_actor worker;  // told what is found, as a report
  SourceSpec source;
  std::vector<SplitDescription> known;  // every split of the job
  SecretsFolder secrets;
  std::function<void(std::string)> warn;
};

// Whether a stream may gain splits, and somebody is to look.
bool may_gain_splits(const SourceSpec& source);
split_finder spawn_split_finder(caf::actor_system& system, SplitFinderOptions options);

}  // namespace millrace

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(millrace::LookForSplits)
