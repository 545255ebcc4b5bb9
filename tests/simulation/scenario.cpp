#include "tests/simulation/scenario.hpp"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <map>
#include <sstream>

namespace millrace::sim {

namespace {

using Words = std::istringstream;

template <typename T>
auto number(T SimOptions::*field) {
  return [field](SimOptions& options, Words& words) { words >> options.*field; };
}
auto milliseconds(Time SimOptions::*field) {
  return [field](SimOptions& options, Words& words) {
    words >> options.*field;
    options.*field *= kMillisecond;
  };
}
auto flag(bool SimOptions::*field) {
  return [field](SimOptions& options, Words&) { options.*field = true; };
}
auto share(double Faults::*field) {
  return [field](SimOptions& options, Words& words) { words >> options.faults.*field; };
}
auto fault_time(Time Faults::*field) {
  return [field](SimOptions& options, Words& words) {
    words >> options.faults.*field;
    options.faults.*field *= kMillisecond;
  };
}

void read_mode(SimOptions& options, Words& words) {
  static constexpr const char* kModes[] = {"async_average", "async_sum", "elastic",
                                           "async_gradient", "synchronous"};
  std::string name;
  words >> name;
  const auto* found = std::ranges::find(kModes, name);
  if (found == std::end(kModes)) words.setstate(std::ios::failbit);
  options.mode = static_cast<MergeMode>(found - std::begin(kModes));
}

void read_strike(SimOptions& options, Words& words) {
  static const std::map<std::string, StoreFault> kinds = {
      {"written_late", StoreFault::written_late},
      {"answer_lost", StoreFault::answer_lost},
      {"crash_before", StoreFault::crash_before},
      {"crash_after", StoreFault::crash_after}};
  std::string kind;
  words >> options.directed.store_operation >> kind;
  const auto found = kinds.find(kind);
  if (found == kinds.end()) return words.setstate(std::ios::failbit);
  options.directed.store_fault = found->second;
}

// `coordinator`, `second`, or `worker K`.
std::uint32_t read_process(Words& words) {
  std::string who;
  std::uint32_t worker = 0;
  words >> who;
  if (who == "coordinator" || who == "second") return who == "second" ? 2 : 1;
  words >> worker;
  if (who != "worker" || worker == 0) words.setstate(std::ios::failbit);
  return 2 + worker;
}

void read_at(SimOptions& options, Words& words) {
  Scripted event;
  std::string what;
  words >> event.at >> what;
  event.at *= kMillisecond;
  static const std::map<std::string, Scripted::Kind> kinds = {
      {"crash", Scripted::Kind::crash},     {"pause", Scripted::Kind::pause},
      {"block", Scripted::Kind::block},     {"take_over", Scripted::Kind::take_over},
      {"cut", Scripted::Kind::cut},         {"savepoint", Scripted::Kind::savepoint},
      {"release", Scripted::Kind::release}, {"stop", Scripted::Kind::stop},
      {"cancel", Scripted::Kind::cancel},   {"branch", Scripted::Kind::branch},
      {"rescale", Scripted::Kind::rescale}, {"move_back", Scripted::Kind::move_back}};
  const auto found = kinds.find(what);
  if (found == kinds.end()) return words.setstate(std::ios::failbit);
  event.kind = found->second;
  const bool has_process = event.kind <= Scripted::Kind::block;
  if (has_process) event.process = read_process(words);
  if (event.kind == Scripted::Kind::block) event.other = read_process(words);
  if (event.kind == Scripted::Kind::block || event.kind == Scripted::Kind::pause) {
    words >> event.lasts;
    event.lasts *= kMillisecond;
  }
  if (event.kind == Scripted::Kind::savepoint || event.kind == Scripted::Kind::release) {
    words >> event.name;
  }
  if (event.kind == Scripted::Kind::rescale) words >> event.process >> event.other;
  options.script.push_back(std::move(event));
}

const std::map<std::string, std::function<void(SimOptions&, Words&)>>& settings() {
  static const std::map<std::string, std::function<void(SimOptions&, Words&)>> all = {
      {"seed", number(&SimOptions::seed)},
      {"workers", number(&SimOptions::workers)},
      {"replicas", number(&SimOptions::replicas)},
      {"shards", number(&SimOptions::shards)},
      {"splits", number(&SimOptions::splits)},
      {"records", number(&SimOptions::records_per_split)},
      {"equal_splits", flag(&SimOptions::has_equal_splits)},
      {"slow_splits", flag(&SimOptions::has_slow_splits)},
      {"one_each", flag(&SimOptions::is_one_each)},
      {"in_order", flag(&SimOptions::is_in_order)},
      {"batch", number(&SimOptions::batch)},
      {"every", number(&SimOptions::merge_every)},
      {"staleness", number(&SimOptions::max_staleness)},
      {"second_view_bytes", number(&SimOptions::second_view_bytes_max)},
      {"mode", read_mode},
      {"step", milliseconds(&SimOptions::step_mean)},
      {"interval", milliseconds(&SimOptions::cut_interval)},
      {"cut_timeout", milliseconds(&SimOptions::cut_timeout)},
      {"phase", milliseconds(&SimOptions::safety_phase)},
      {"patience", milliseconds(&SimOptions::adoption_patience)},
      {"retain", number(&SimOptions::retain)},
      {"log_snapshot_every", number(&SimOptions::log_snapshot_every)},
      {"clients", number(&SimOptions::predict_clients)},
      {"versions_served", number(&SimOptions::versions_served)},
      {"loss", share(&Faults::loss)},
      {"duplicate", share(&Faults::duplicate)},
      {"clog", share(&Faults::clog)},
      {"store_error", share(&Faults::store_error)},
      {"store_ambiguous", share(&Faults::store_ambiguous)},
      {"rot", share(&Faults::rot)},
      {"crash_in_step", share(&Faults::crash_in_step)},
      {"delay", fault_time(&Faults::delay_mean)},
      {"store_latency", fault_time(&Faults::store_latency)},
      {"local_is_slow", [](SimOptions& o, Words&) { o.faults.local_is_fast = false; }},
      {"die_before", [](SimOptions& o, Words& w) { w >> o.directed.crash_at_effect; }},
      {"cut_off_then", [](SimOptions& o, Words&) { o.directed.cuts_off_a_worker = true; }},
      {"strike", read_strike},
      {"at", read_at},
  };
  return all;
}

void read_expectation(Scenario& scenario, Words& words) {
  Expectation expectation;
  std::string relation;
  words >> expectation.count >> relation >> expectation.value;
  if (relation != "=" && relation != ">=") words.setstate(std::ios::failbit);
  expectation.is_exact = relation == "=";
  scenario.expectations.push_back(std::move(expectation));
}

bool read_line(Scenario& scenario, const std::string& line) {
  Words words(line);
  std::string key, rest;
  if (!(words >> key)) return true;
  if (key == "expect") {
    read_expectation(scenario, words);
  } else if (key == "catches") {
    words >> scenario.mutants.emplace_back();
  } else {
    const auto found = settings().find(key);
    if (found == settings().end()) return false;
    found->second(scenario.options, words);
  }
  return !words.fail() && !(words >> rest);
}

std::map<std::string, std::uint64_t> counts_of(const RunReport& report) {
  const Injected& i = report.injected;
  return {{"cuts", report.complete_cuts},
          {"attempts", i.attempts},
          {"terms", i.terms},
          {"adopted", i.adopted},
          {"savepoints", i.savepoints},
          {"savepoints_failed", i.savepoints_failed},
          {"released", i.released},
          {"branches", i.branches},
          {"rescales", i.rescales},
          {"cancelled", i.cancelled},
          {"stale_terms", i.stale_terms},
          {"entries_again", i.entries_again},
          {"rotten", i.rotten},
          {"servers_behind", i.servers_behind},
          {"moved_back", i.moved_back},
          {"settled", i.settled},
          {"takeovers", i.takeovers}};
}

const Mutant* find_mutant(const std::string& name) {
  const auto found = std::ranges::find(mutants(), name, &Mutant::name);
  return found == mutants().end() ? nullptr : &*found;
}

void check_mutant(const Scenario& scenario, const std::string& name,
                  std::vector<std::string>& wrong) {
  const Mutant* mutant = find_mutant(name);
  if (mutant == nullptr) return wrong.push_back("there is no mutant " + name);
  SimOptions options = scenario.options;
  mutant->apply(options.mutations);
  options.mutations.job.skip_audit = true;
  if (!run(options).violation) wrong.push_back("it does not catch " + name);
}

}  // namespace

Result<Scenario> parse_scenario(const std::string& name, const std::string& text) {
  Scenario scenario;
  scenario.name = name;
  Words lines(text);
  int number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    line = line.substr(0, line.find('#'));
    if (read_line(scenario, line)) continue;
    return Status(Code::invalid_argument,
                  name + ", line " + std::to_string(number) + ": cannot be read: " + line,
                  "scenario.hpp says what a line may be");
  }
  return scenario;
}

std::vector<std::string> check_scenario(const Scenario& scenario) {
  std::vector<std::string> wrong;
  const RunReport report = run(scenario.options);
  if (report.violation) wrong.push_back(*report.violation);
  const auto counts = counts_of(report);
  for (const auto& expectation : scenario.expectations) {
    const auto count = counts.find(expectation.count);
    if (count == counts.end()) {
      wrong.push_back("there is no count " + expectation.count);
      continue;
    }
    const std::uint64_t value = count->second;
    const bool holds =
        expectation.is_exact ? value == expectation.value : value >= expectation.value;
    if (!holds) wrong.push_back(expectation.count + " is " + std::to_string(value));
  }
  for (const auto& mutant : scenario.mutants) check_mutant(scenario, mutant, wrong);
  return wrong;
}

bool run_scenarios(const std::string& folder) {
  std::vector<std::filesystem::path> files;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    if (entry.path().extension() == ".txt") files.push_back(entry.path());
  }
  std::ranges::sort(files);
  std::size_t failed = 0;
  for (const auto& file : files) {
    std::ifstream stream(file);
    const std::string text(std::istreambuf_iterator<char>(stream), {});
    const auto scenario = parse_scenario(file.stem().string(), text);
    const auto wrong = scenario.is_ok() ? check_scenario(scenario.value())
                                        : std::vector{scenario.status().message()};
    for (const auto& line : wrong) {
      std::printf("FAILED scenario %s: %s\n", file.stem().c_str(), line.c_str());
    }
    failed += wrong.empty() ? 0 : 1;
  }
  std::printf("%zu scenarios, %zu failed\n", files.size(), failed);
  return !files.empty() && failed == 0;
}

}  // namespace millrace::sim
