// Delivery orders of three_replicas.hpp in every merge mode: random ones with four shards; with one
// shard those that differ early, depth first and up to a limit, then random ones.
#include <cstdio>
#include <cstdlib>
#include <string>

#include "tests/simulation/three_replicas.hpp"

namespace {

using millrace::MergeMode;
using millrace::sim::Path;
using millrace::sim::ScenarioOptions;

constexpr const char* kModes[] = {"async_average", "async_sum", "elastic", "async_gradient",
                                  "synchronous"};

std::string name(const ScenarioOptions& options) {
  char text[64];
  std::snprintf(text, sizeof text, "%-14s %u shards", kModes[static_cast<int>(options.mode)],
                options.shards);
  return text;
}

// Every path that differs within the first `depth` choices, at most `most`.
bool walk(const ScenarioOptions& options, std::size_t depth, std::uint64_t most) {
  std::uint64_t paths = 0;
  for (std::optional<Path> path = Path(); path && paths < most; path = path->next(depth)) {
    ++paths;
    if (const auto violation = run_three_replicas(options, *path)) {
      std::printf("FAILED %s, depth-first path %llu: %s\n", name(options).c_str(),
                  static_cast<unsigned long long>(paths), violation->c_str());
      return false;
    }
  }
  std::printf("%s: %llu depth-first paths\n", name(options).c_str(),
              static_cast<unsigned long long>(paths));
  return true;
}

bool sample(const ScenarioOptions& options, std::uint64_t from, std::uint64_t count) {
  for (std::uint64_t seed = from; seed < from + count; ++seed) {
    Path path = Path::random(seed);
    if (const auto violation = run_three_replicas(options, path)) {
      std::printf("FAILED %s, random path %llu: %s\n", name(options).c_str(),
                  static_cast<unsigned long long>(seed), violation->c_str());
      return false;
    }
  }
  std::printf("%s: %llu random paths\n", name(options).c_str(),
              static_cast<unsigned long long>(count));
  return true;
}

}  // namespace

// Arguments: the number of random paths per mode (default 20000), and the first one's seed.
int main(int argc, char** argv) {
  const std::uint64_t count = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 20'000;
  const std::uint64_t from = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 1;
  bool is_ok = true;
  for (int mode = 0; mode < 5; ++mode) {
    ScenarioOptions options;
    options.mode = static_cast<MergeMode>(mode);
    is_ok = sample(options, from, count) && is_ok;
    options.shards = 1;
    is_ok = walk(options, 10, 60'000) && is_ok;
    is_ok = sample(options, from, count) && is_ok;
  }
  return is_ok ? 0 : 1;
}
