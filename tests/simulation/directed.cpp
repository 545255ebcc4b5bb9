// The scenarios that put one fault at every place of a job's life.
#include <cstdio>

#include "tests/simulation/simulation.hpp"

namespace millrace::sim {

namespace {

// A short life with everything in it: several workers, cuts, savepoints, a log that is shortened.
SimOptions short_life(std::uint64_t seed) {
  SimOptions options;
  options.seed = seed;
  options.workers = 2 + static_cast<std::uint32_t>(seed % 2);
  options.replicas = 3;
  options.shards = 2;
  options.splits = 4;
  options.records_per_split = 300;
  options.mode = static_cast<MergeMode>(seed % 5);
  options.step_mean = 8 * kMillisecond;
  options.cut_interval = 60 * kMillisecond;
  options.adoption_patience = 800 * kMillisecond;
  options.log_snapshot_every = 4;
  options.savepoints = 2;
  options.safety_phase = 1200 * kMillisecond;
  return options;
}

bool fail(const char* scenario, const SimOptions& options, const std::string& why) {
  std::printf("FAILED %s, seed %llu, effect %llu, store operation %llu, fault %d%s: %s\n", scenario,
              static_cast<unsigned long long>(options.seed),
              static_cast<unsigned long long>(options.directed.crash_at_effect),
              static_cast<unsigned long long>(options.directed.store_operation),
              static_cast<int>(options.directed.store_fault),
              options.directed.cuts_off_a_worker ? ", a worker cut off" : "", why.c_str());
  for (const std::string& line : run(options, true).last_events)
    std::printf("  %s\n", line.c_str());
  return false;
}

// Where nothing but a coordinator is lost, what runs is adopted: one attempt in all.
bool check_adoption(const SimOptions& options, Injected& injected) {
  const RunReport report = run(options);
  injected.add(report.injected);
  if (report.violation) return fail("adoption", options, *report.violation);
  const bool is_rolled_back = report.was_running_at_crash && report.injected.attempts != 1;
  return !is_rolled_back || fail("adoption", options, "the attempt was rolled back");
}

}  // namespace

bool run_store_scenario() {
  std::uint64_t runs = 0;
  Injected injected;
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    SimOptions options = short_life(seed);
    const std::uint64_t last = run(options).store_operations;
    for (std::uint64_t place = 1; place <= last; ++place) {
      for (const StoreFault fault : {StoreFault::written_late, StoreFault::answer_lost,
                                     StoreFault::crash_before, StoreFault::crash_after}) {
        options.directed.store_operation = place;
        options.directed.store_fault = fault;
        const RunReport report = run(options);
        if (report.violation) return fail("store", options, *report.violation);
        injected.add(report.injected);
        ++runs;
      }
    }
  }
  std::printf("each store operation struck in four ways: %llu runs, %llu terms, %llu adopted\n",
              static_cast<unsigned long long>(runs),
              static_cast<unsigned long long>(injected.terms),
              static_cast<unsigned long long>(injected.adopted));
  return injected.adopted > 0;
}

bool run_adoption_scenario() {
  std::uint64_t runs = 0;
  Injected injected;
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    SimOptions options = short_life(seed);
    const std::uint64_t last = run(options).effects;
    for (std::uint64_t place = 1; place <= last; ++place) {
      for (const bool is_cut_off : {false, true}) {
        options.directed.crash_at_effect = place;
        options.directed.cuts_off_a_worker = is_cut_off;
        if (!check_adoption(options, injected)) return false;
        ++runs;
      }
    }
  }
  std::printf("a coordinator dead before each effect: %llu runs, %llu adopted without a rollback\n",
              static_cast<unsigned long long>(runs),
              static_cast<unsigned long long>(injected.adopted));
  return injected.adopted > 0;
}

}  // namespace millrace::sim
