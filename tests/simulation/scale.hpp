// What travels in clusters of several sizes: one run each without faults, the same seed and the
// same records per replica; every worker has one replica and one shard.
//
// Place: `millrace_sim --scale=2,3,10`. The simulator counts messages and knows no bytes: every
// message arrives after the same mean delay, whatever it carries.
#pragma once

#include <cstdint>
#include <vector>

namespace millrace::sim {

// Between 1 and so many that the commands of a run stay below its limit of events.
bool is_scale(const std::vector<std::uint32_t>& workers);

// Prints one line for each size, and one for the last with half the records. Returns whether it
// held that a replica pushes no more often among more workers, that of each push the share of the
// other shards leaves the worker, and that the messages of a cut grow with the workers alone.
bool run_scale(const std::vector<std::uint32_t>& workers);

}  // namespace millrace::sim
