#include "coordinator/core/placement.hpp"

#include <algorithm>
#include <set>

#include "common/base/check.hpp"

namespace millrace {

std::vector<std::vector<SplitProgress>> assign_splits(std::vector<SplitProgress> splits,
                                                      std::uint32_t replicas) {
  MILLRACE_CHECK(replicas >= 1);
  std::sort(splits.begin(), splits.end(),
            [](const SplitProgress& a, const SplitProgress& b) { return a.split < b.split; });
  std::vector<std::vector<SplitProgress>> assignment(replicas);
  for (std::size_t replica = 0; replica < replicas; ++replica) {
    const std::size_t begin = replica * splits.size() / replicas;
    const std::size_t end = (replica + 1) * splits.size() / replicas;
    assignment[replica].assign(splits.begin() + static_cast<std::ptrdiff_t>(begin),
                               splits.begin() + static_cast<std::ptrdiff_t>(end));
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

Placement place(std::span<const WorkerId> workers, std::uint32_t replicas, std::uint32_t shards) {
  MILLRACE_CHECK(!workers.empty());
  Placement placement;
  for (std::uint32_t i = 0; i < replicas; ++i) {
    placement.replicas.push_back(workers[i % workers.size()]);
  }
  for (std::uint32_t i = 0; i < shards; ++i) {
    placement.shards.push_back(workers[i % workers.size()]);
  }
  return placement;
}

}  // namespace millrace
