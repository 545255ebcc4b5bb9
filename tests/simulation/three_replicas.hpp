// Three replicas (one empty, one finishing between two barriers, one that may be paused for long)
// and their shards, without coordinator or store: delivery orders of pushes, barriers, answers,
// resends after a reconnection, the abort of cut 1 and the trigger of cut 2.
//
// Replica-shard streams are independent of each other, and within one message only the order per
// queue can matter; the walk is over all queues. The orders form a tree of choices: at each step
// one of the possible deliveries or faults. It is too wide to be walked whole: `Path::next` walks
// the first choices depth first and goes on in one way after them, random paths sample the rest.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/config/job_spec.hpp"

namespace millrace::sim {

// The choices of one run: which of how many possibilities was taken at each step.
class Path {
 public:
  explicit Path(std::vector<std::uint32_t> prefix = {}) : prefix_(std::move(prefix)) {}
  static Path random(std::uint64_t seed);
  std::uint32_t choose(std::uint32_t possibilities);
  // The next path in depth-first order that differs within the first `depth` choices, if any.
  std::optional<Path> next(std::size_t depth) const;

 private:
  std::vector<std::uint32_t> prefix_;
  std::vector<std::uint32_t> taken_, width_;
  std::uint64_t random_ = 0;
};

struct ScenarioOptions {
  MergeMode mode = MergeMode::async_average;
  std::uint32_t shards = 4;
};

// Nothing, or which promise was broken.
std::optional<std::string> run_three_replicas(const ScenarioOptions& options, Path& path);

}  // namespace millrace::sim
