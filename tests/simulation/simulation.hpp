// Runs one seed, many seeds, or a deliberate bug over many seeds, and says what came out.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "tests/simulation/options.hpp"
#include "tests/simulation/world.hpp"

namespace millrace::sim {

struct RunReport {
  std::optional<std::string> violation;
  std::uint64_t trace_hash = 0;
  std::uint64_t events = 0;
  std::uint64_t complete_cuts = 0;
  std::uint64_t effects = 0;           // of the first coordinator
  std::uint64_t store_operations = 0;  // likewise
  bool was_running_at_crash = false;
  Injected injected;
  std::vector<std::string> last_events;  // only with a trace
};

RunReport run(const SimOptions& options, bool keeps_trace = false);

struct Mutant {
  std::string name;
  std::function<void(Mutations&)> apply;
};

const std::vector<Mutant>& mutants();

// The first seed from `from` on, of at most `seeds`, in which the mutant breaks a promise.
struct MutantReport {
  std::optional<std::uint64_t> seed;
  std::string violation;
};
MutantReport hunt(const Mutant& mutant, std::uint64_t from, std::uint64_t seeds);

// Scenarios of one job that nothing else disturbs. The first: the first coordinator sleeps or dies
// at each of its operations of the store while a second one takes over. The second: it dies before
// each of its effects, so between every persisting and sending, while cuts are open; what runs must
// be adopted by the next without a rollback. Prints and returns whether all held.
bool run_store_scenario();
bool run_adoption_scenario();

// Fault classes that can be left out without losing the failure.
std::set<std::string> minimise(std::uint64_t seed);

}  // namespace millrace::sim
