// A job that is run in a process of its own, with the kernels of a chosen instruction set, and may
// be killed there at any moment.
//
// Invariant: the test's own process starts no thread, so that it may fork.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "coordinator/cli/embedded_cluster.hpp"

namespace millrace::test {

struct Life {
  std::int64_t target = 0;  // of Highway; 0: the best that there is
  std::string yaml;
  RunOptions run;
};

// Whether this machine has it.
bool has_target(std::int64_t target);

// What a run ended with, bit for bit: digest of the version, records, every prequential figure. The
// error's text where it failed.
std::string live(const Life& life, const std::filesystem::path& outcome);

// The same, unless it is not over after so long: then it is killed, and nothing is returned.
std::optional<std::string> live_until(const Life& life, const std::filesystem::path& outcome,
                                      std::chrono::milliseconds moment);

}  // namespace millrace::test
