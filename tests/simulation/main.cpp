// millrace_sim: runs seeds of the deterministic simulator.
//
// Prints what was injected in all runs together. A broken promise prints the last events of its
// run, what its seed had drawn, and the flags that repeat it; --minimise first leaves out every
// kind of fault that it does not need. --mutants hunts each deliberate bug and says which seed
// found it. --scenarios=FOLDER plays the golden scenarios there (scenario.hpp). --scale=2,3,10 runs
// clusters of so many workers without faults (scale.hpp).
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>

#include "common/base/mark.hpp"
#include "tests/simulation/scale.hpp"
#include "tests/simulation/scenario.hpp"
#include "tests/simulation/simulation.hpp"

namespace {

using millrace::sim::Injected;
using millrace::sim::RunReport;

struct Arguments {
  std::uint64_t from = 1;
  std::uint64_t seeds = 1;
  std::set<std::string> without;
  std::string seed_file;
  bool trace = false;
  bool minimise = false;
  bool mutants = false;
  bool directed = false;
  std::vector<std::uint32_t> scale;  // numbers of workers
  std::string marks_file;            // marks that the run must hit, one a line
  std::string scenarios;             // a folder of them
  std::string mutant;                // run the seeds with this deliberate bug
};

millrace::sim::SimOptions options_of(std::uint64_t seed, const Arguments& arguments,
                                     const std::set<std::string>& without) {
  auto options = millrace::sim::draw_options(seed, without);
  for (const auto& mutant : millrace::sim::mutants()) {
    if (mutant.name != arguments.mutant) continue;
    mutant.apply(options.mutations);
    options.mutations.job.skip_audit = seed % 2 == 0;
  }
  return options;
}

void print_trace(std::uint64_t seed, const Arguments& arguments,
                 const std::set<std::string>& without) {
  const RunReport report = run(options_of(seed, arguments, without), true);
  for (const std::string& line : report.last_events) std::printf("  %s\n", line.c_str());
}

void explain(std::uint64_t seed, const Arguments& arguments, const std::string& violation) {
  auto without = arguments.without;
  if (arguments.minimise) without = millrace::sim::minimise(seed);
  std::string flags;
  for (const std::string& fault : without) flags += (flags.empty() ? " --without=" : ",") + fault;
  if (!arguments.mutant.empty()) flags += " --mutant=" + arguments.mutant;
  print_trace(seed, arguments, without);
  std::printf("FAILED %s\n  %s\n  repeat with: millrace_sim --seed=%llu --trace%s\n",
              violation.c_str(), describe(millrace::sim::draw_options(seed, without)).c_str(),
              static_cast<unsigned long long>(seed), flags.c_str());
}

void print_totals(std::uint64_t seeds, std::uint64_t repeated, const Injected& i,
                  std::uint64_t events, std::uint64_t cuts, double seconds) {
  const auto number = [](std::uint64_t n) { return static_cast<unsigned long long>(n); };
  std::printf(
      "%llu seeds (%llu run twice), %llu events, %llu complete cuts, %.1f s, %.0f seeds/s\n",
      number(seeds), number(repeated), number(events), number(cuts), seconds,
      static_cast<double>(seeds + repeated) / seconds);
  std::printf(
      "injected: %llu crashes, %llu between two effects, %llu pauses, %llu partitions, "
      "%llu takeovers\n"
      "came of it: %llu terms that kept the attempt, of them %llu adopted what ran; %llu attempts "
      "opened, %llu orders of old terms refused, %llu savepoints, %llu refused, %llu released, "
      "%llu "
      "branches, %llu rescales, %llu sights of new splits, %llu cancelled\n"
      "served: %llu answers of production, %llu refused since the client had seen a later "
      "revision, "
      "production moved by clients %llu times, %llu runs in which all servers followed\n"
      "messages: %llu sent, %llu lost, %llu duplicated, %llu clogged, %llu cut off\n"
      "store: %llu errors, %llu ambiguous answers, %llu rotten manifests, %llu log entries created "
      "again\n",
      number(i.crashes), number(i.crashes_in_step), number(i.pauses), number(i.partitions),
      number(i.takeovers), number(i.terms), number(i.adopted), number(i.attempts),
      number(i.stale_terms), number(i.savepoints), number(i.savepoints_failed), number(i.released),
      number(i.branches), number(i.rescales), number(i.late_splits), number(i.cancelled),
      number(i.predictions), number(i.servers_behind), number(i.moved_back), number(i.settled),
      number(i.messages), number(i.lost), number(i.duplicated), number(i.clogged),
      number(i.cut_off), number(i.store_errors), number(i.store_ambiguous), number(i.rotten),
      number(i.entries_again));
}

int run_seeds(const Arguments& arguments, const std::vector<std::uint64_t>& seeds) {
  const auto start = std::chrono::steady_clock::now();
  Injected injected;
  std::uint64_t events = 0, cuts = 0, repeated = 0, failed = 0;
  for (const std::uint64_t seed : seeds) {
    const auto options = options_of(seed, arguments, arguments.without);
    RunReport report = run(options);
    if (seed % 20 == 0) {
      ++repeated;
      if (run(options).trace_hash != report.trace_hash) {
        report.violation = "a second run of the same seed took another course";
      }
    }
    injected.add(report.injected);
    events += report.events;
    cuts += report.complete_cuts;
    if (report.violation) {
      explain(seed, arguments, *report.violation);
      if (++failed >= 5) break;
    }
  }
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  print_totals(seeds.size(), repeated, injected, events, cuts, seconds.count());
  return failed == 0 ? 0 : 1;
}

int run_mutants(const Arguments& arguments) {
  int missed = 0;
  for (const auto& mutant : millrace::sim::mutants()) {
    const auto report = hunt(mutant, arguments.from, arguments.seeds);
    if (!report.seed) ++missed;
    const std::string where = report.seed ? "seed " + std::to_string(*report.seed) : "MISSED";
    std::printf("%-40s %-10s %s\n", mutant.name.c_str(), where.c_str(), report.violation.c_str());
  }
  std::printf("%zu mutants, %d missed\n", millrace::sim::mutants().size(), missed);
  return missed == 0 ? 0 : 1;
}

std::vector<std::uint64_t> read_seeds(const std::string& path) {
  std::vector<std::uint64_t> seeds;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (!line.empty() && line[0] != '#') seeds.push_back(std::strtoull(line.c_str(), nullptr, 10));
  }
  return seeds;
}

// Prints how often each rare branch was taken. One that is listed and was not taken fails, and so
// does one that is not listed.
bool check_marks(const std::string& path) {
  auto marks = millrace::all_marks();
  std::ifstream file(path);
  std::size_t listed = 0, missed = 0;
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line[0] == '#') continue;
    ++listed;
    const std::uint64_t hits = marks[line];
    marks.erase(line);
    std::printf("%10llu %s\n", static_cast<unsigned long long>(hits), line.c_str());
    if (hits > 0) continue;
    ++missed;
    std::printf("FAILED the branch marked %s was never taken\n", line.c_str());
  }
  for (const auto& [name, hits] : marks)
    std::printf("FAILED mark %s is not listed\n", name.c_str());
  std::printf("%zu marks, %zu missed\n", listed, missed);
  return listed > 0 && missed == 0 && marks.empty();
}

bool parse(const std::string& argument, Arguments& arguments) {
  const auto equals = argument.find('=');
  const std::string key = argument.substr(0, equals);
  const std::string value = equals == std::string::npos ? "" : argument.substr(equals + 1);
  if (key == "--seed" || key == "--from") {
    arguments.from = std::strtoull(value.c_str(), nullptr, 10);
  } else if (key == "--seeds") {
    arguments.seeds = std::strtoull(value.c_str(), nullptr, 10);
  } else if (key == "--seed-file") {
    arguments.seed_file = value;
  } else if (key == "--without") {
    std::istringstream list(value);
    for (std::string fault; std::getline(list, fault, ',');) arguments.without.insert(fault);
  } else if (key == "--trace") {
    arguments.trace = true;
  } else if (key == "--minimise") {
    arguments.minimise = true;
  } else if (key == "--mutant") {
    arguments.mutant = value;
  } else if (key == "--marks") {
    arguments.marks_file = value;
  } else if (key == "--scenarios") {
    arguments.scenarios = value;
  } else if (key == "--directed") {
    arguments.directed = true;
  } else if (key == "--scale") {
    std::istringstream list(value);
    for (std::string workers; std::getline(list, workers, ',');) {
      arguments.scale.push_back(
          static_cast<std::uint32_t>(std::strtoul(workers.c_str(), nullptr, 10)));
    }
    return millrace::sim::is_scale(arguments.scale);
  } else if (key == "--mutants") {
    arguments.mutants = true;
  } else {
    return false;
  }
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  Arguments arguments;
  for (int i = 1; i < argc; ++i) {
    if (parse(argv[i], arguments)) continue;
    std::fprintf(
        stderr,
        "unknown argument %s\nusage: millrace_sim [--seed=N | --from=K --seeds=M | "
        "--seed-file=F] [--trace] [--minimise] [--without=loss,crash,...] [--mutants] "
        "[--mutant=NAME] [--marks=FILE] [--directed] [--scenarios=FOLDER] [--scale=2,3,10]\n",
        argv[i]);
    return 2;
  }
  if (!arguments.scale.empty()) return millrace::sim::run_scale(arguments.scale) ? 0 : 1;
  if (!arguments.scenarios.empty())
    return millrace::sim::run_scenarios(arguments.scenarios) ? 0 : 1;
  if (arguments.mutants) return run_mutants(arguments);
  if (arguments.directed) {
    const bool is_ok = millrace::sim::run_store_scenario();
    return millrace::sim::run_adoption_scenario() && is_ok ? 0 : 1;
  }
  std::vector<std::uint64_t> seeds;
  if (!arguments.seed_file.empty()) seeds = read_seeds(arguments.seed_file);
  for (std::uint64_t i = 0; arguments.seed_file.empty() && i < arguments.seeds; ++i) {
    seeds.push_back(arguments.from + i);
  }
  if (arguments.trace && seeds.size() == 1) print_trace(seeds[0], arguments, arguments.without);
  const int failed = run_seeds(arguments, seeds);
  const bool has_all_marks = arguments.marks_file.empty() || check_marks(arguments.marks_file);
  return failed == 0 && has_all_marks ? 0 : 1;
}
