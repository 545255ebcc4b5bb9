// Who reads which split, and which worker hosts which replica and shard.
//
// Place: JobMachine asks at the start of every attempt. Pure functions: splits depend on the
// parallelism alone, so that the result of a job does not depend on its workers.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "common/base/ids.hpp"
#include "common/base/record_ledger.hpp"

namespace millrace {

// Contiguous runs of the first `planned` splits, in split order, as even as possible: one element
// per replica, some may be empty. Each split behind them, which joined the job later, goes to the
// replica that has the fewest so far. The same splits and replicas always give the same answer, and
// a split that joins moves no other one.
std::vector<std::vector<SplitProgress>> assign_splits(std::vector<SplitProgress> splits,
                                                      std::uint32_t replicas,
                                                      std::size_t planned = ~std::size_t{0});

struct Placement {
  std::vector<WorkerId> replicas;  // index: ReplicaId
  std::vector<WorkerId> shards;    // index: ShardId

  bool uses(WorkerId worker) const;
  // Every worker that hosts something, ascending, once.
  std::vector<WorkerId> workers() const;
};

// How much of a worker a job may use.
struct WorkerRoom {
  std::uint32_t replicas = ~std::uint32_t{0};
  std::uint32_t shards = ~std::uint32_t{0};
  friend bool operator==(const WorkerRoom&, const WorkerRoom&) = default;
};
using WorkerRooms = std::map<WorkerId, WorkerRoom>;

bool has_room(const WorkerRooms& workers, std::uint32_t replicas, std::uint32_t shards);
// In turn over the workers, passing over those that are full. They must have the room.
Placement place(const WorkerRooms& workers, std::uint32_t replicas, std::uint32_t shards);

}  // namespace millrace
