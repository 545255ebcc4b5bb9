#include "coordinator/core/placement.hpp"

#include <algorithm>
#include <set>

#include "common/base/check.hpp"

namespace millrace {

std::vector<std::vector<SplitProgress>> assign_splits(std::vector<SplitProgress> splits,
                                                      std::uint32_t replicas, std::size_t planned) {
  MILLRACE_CHECK(replicas >= 1);
  planned = std::min(planned, splits.size());
  std::sort(splits.begin(), splits.end(),
            [](const SplitProgress& a, const SplitProgress& b) { return a.split < b.split; });
  std::vector<std::vector<SplitProgress>> assignment(replicas);
  for (std::size_t replica = 0; replica < replicas; ++replica) {
    const std::size_t begin = replica * planned / replicas;
    const std::size_t end = (replica + 1) * planned / replicas;
    assignment[replica].assign(splits.begin() + static_cast<std::ptrdiff_t>(begin),
                               splits.begin() + static_cast<std::ptrdiff_t>(end));
  }
  for (std::size_t added = planned; added < splits.size(); ++added) {
    std::ranges::min_element(assignment, {}, [](const auto& run) {
      return run.size();
    })->push_back(splits[added]);
  }
  return assignment;
}

bool Placement::uses(WorkerId worker) const {
  return std::find(replicas.begin(), replicas.end(), worker) != replicas.end() ||
         std::find(shards.begin(), shards.end(), worker) != shards.end();
}

std::vector<WorkerId> Placement::workers() const {
  std::set<WorkerId> all(replicas.begin(), replicas.end());
  all.insert(shards.begin(), shards.end());
  return {all.begin(), all.end()};
}

namespace {

std::vector<WorkerId> in_turn(const WorkerRooms& workers, std::uint32_t WorkerRoom::*room,
                              std::uint32_t count) {
  std::vector<WorkerId> chosen;
  for (std::uint32_t round = 0; chosen.size() < count; ++round) {
    const std::size_t before = chosen.size();
    for (const auto& [worker, rooms] : workers) {
      if (rooms.*room > round && chosen.size() < count) chosen.push_back(worker);
    }
    MILLRACE_CHECK(chosen.size() > before);
  }
  return chosen;
}

}  // namespace

bool has_room(const WorkerRooms& workers, std::uint32_t replicas, std::uint32_t shards) {
  std::uint64_t free_replicas = 0;
  std::uint64_t free_shards = 0;
  for (const auto& [worker, room] : workers) {
    free_replicas += room.replicas;
    free_shards += room.shards;
  }
  return free_replicas >= replicas && free_shards >= shards;
}

Placement place(const WorkerRooms& workers, std::uint32_t replicas, std::uint32_t shards) {
  return {in_turn(workers, &WorkerRoom::replicas, replicas),
          in_turn(workers, &WorkerRoom::shards, shards)};
}

}  // namespace millrace
