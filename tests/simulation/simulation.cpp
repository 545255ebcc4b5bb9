#include "tests/simulation/simulation.hpp"

#include "tests/simulation/cluster.hpp"

namespace millrace::sim {

RunReport run(const SimOptions& options, bool keeps_trace) {
  Cluster cluster(options, keeps_trace);
  cluster.run();
  RunReport report;
  report.violation = cluster.world().violated();
  report.trace_hash = cluster.world().trace_hash();
  report.events = cluster.world().events();
  report.complete_cuts = cluster.checkers().complete_cuts();
  report.injected = cluster.world().injected();
  report.effects = cluster.world().effects();
  report.store_operations = cluster.store().operations();
  report.was_running_at_crash = cluster.was_running_at_crash();
  if (keeps_trace) report.last_events = cluster.world().last_events();
  return report;
}

std::set<std::string> minimise(std::uint64_t seed) {
  std::set<std::string> without;
  for (const char* fault :
       {"rot", "takeover", "partition", "pause", "crash", "store", "clog", "duplicate", "loss"}) {
    auto fewer = without;
    fewer.insert(fault);
    if (run(draw_options(seed, fewer)).violation) without = std::move(fewer);
  }
  return without;
}

MutantReport hunt(const Mutant& mutant, std::uint64_t from, std::uint64_t seeds) {
  for (std::uint64_t seed = from; seed < from + seeds; ++seed) {
    SimOptions options = draw_options(seed);
    mutant.apply(options.mutations);
    // In every other seed the cut's own audit is off, so that the checkers must see it themselves.
    options.mutations.job.skip_audit = seed % 2 == 0;
    const RunReport report = run(options);
    if (report.violation) return {seed, *report.violation};
  }
  return {};
}

}  // namespace millrace::sim
