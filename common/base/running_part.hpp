// What a worker runs of a job while no coordinator leads it, as it says when it registers.
//
// Place: workers tell it, JobMachine compares the parts of all workers before it adopts an attempt.
#pragma once

#include <vector>

#include "common/base/ids.hpp"

namespace millrace {

struct RunningPart {
  Attempt attempt;
  std::vector<ReplicaId> replicas;  // ascending
  std::vector<ShardId> shards;      // ascending
  CutId newest_cut;                 // heard of: open, complete or restored
  CutId restored = {};              // what the attempt was started from
  bool operator==(const RunningPart&) const = default;
};

}  // namespace millrace
