// Golden scenarios: short scripts of what strikes a job when, kept for ever (scenarios/*.txt).
//
// A line is one word of scenario.cpp's tables with its values, and `#` begins a comment:
//   workers 2                     what SimOptions holds, times in milliseconds
//   at 300 crash worker 1         what happens then; workers count from 1
//   at 300 pause coordinator 500  for so long; `block worker 1 worker 2 500` loses its messages
//   strike 7 answer_lost          the first coordinator's 7th operation of the store
//   die_before 31                 the first coordinator, before its 31st effect
//   expect adopted >= 1           of the run's counts
//   catches worker_obeys_old_terms
// The last says which deliberate bugs (mutants.cpp) break a promise in this scenario, which is run
// once more with each of them: a scenario that no longer reaches its place fails.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/base/status.hpp"
#include "tests/simulation/options.hpp"
#include "tests/simulation/simulation.hpp"

namespace millrace::sim {

struct Expectation {
  std::string count;  // of Injected, or `cuts`
  bool is_exact = false;
  std::uint64_t value = 0;
};

struct Scenario {
  std::string name;
  SimOptions options;
  std::vector<Expectation> expectations;
  std::vector<std::string> mutants;
};

// invalid_argument names the line.
Result<Scenario> parse_scenario(const std::string& name, const std::string& text);

// What went otherwise than the scenario says, one line each; nothing when all is well.
std::vector<std::string> check_scenario(const Scenario& scenario);

// Every *.txt of the folder, in order of name. Prints, and returns whether all held.
bool run_scenarios(const std::string& folder);

}  // namespace millrace::sim
