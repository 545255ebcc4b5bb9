#include "tests/simulation/scale.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "tests/simulation/cluster.hpp"

namespace millrace::sim {

namespace {

constexpr std::uint32_t kWorkersMax = 20;
constexpr std::uint32_t kRecords = 400'000;  // per replica

// A micro-batch takes as long as 32 records of the covertype MLP do beside the merging.
SimOptions calm(std::uint32_t workers, std::uint32_t records) {
  SimOptions options;
  options.seed = 1;
  options.workers = options.replicas = options.shards = options.splits = workers;
  options.records_per_split = records;
  options.has_equal_splits = true;
  options.is_one_each = true;
  options.is_in_order = true;  // as on a connection
  options.batch = 32;
  options.merge_every = 32;
  options.mode = MergeMode::async_average;
  options.step_mean = 240;
  options.cut_interval = 250 * kMillisecond;
  options.safety_phase = 0;
  return options;
}

struct Figures {
  std::uint32_t workers = 0;
  std::uint32_t records = 0;                                        // per replica
  std::uint64_t pushes = 0, remote_pushes = 0, remote_answers = 0;  // one shard's piece each
  std::uint64_t remote_messages = 0;                                // barriers and news too
  std::uint64_t cut_messages = 0, coordinator_messages = 0;
  double seconds = 0;
  std::vector<double> cuts_ms;  // from the first trigger until complete
  std::uint64_t staleness_most = 0;
  std::optional<std::string> violation;

  // A whole push goes to as many shards as there are workers.
  double whole_per_thousand(std::uint64_t pieces) const {
    return static_cast<double>(pieces) / workers / workers / records * 1000;
  }
  double pushes_each() const { return whole_per_thousand(pushes); }
  double share_remote() const {
    return static_cast<double>(remote_pushes) / static_cast<double>(pushes);
  }
  double messages_per_cut() const {
    return static_cast<double>(cut_messages) / static_cast<double>(cuts_ms.size());
  }
};

bool is_of_a_cut(std::string_view what) {
  return what == "trigger" || what == "abort" || what == "trainer snapshot" ||
         what == "shard snapshot" || what == "part" || what == "cut failed";
}

void count(ProcessId from, ProcessId to, std::string_view what, Figures& figures) {
  const bool is_remote = from != to;
  if (from == kFirstCoordinator || to == kFirstCoordinator) {
    figures.coordinator_messages += 1;
    if (is_of_a_cut(what)) figures.cut_messages += 1;
    return;
  }
  if (is_remote) figures.remote_messages += 1;
  if (what == "push") figures.pushes += 1;
  if (what == "push" && is_remote) figures.remote_pushes += 1;
  if (what == "answer" && is_remote) figures.remote_answers += 1;
}

Figures measure(std::uint32_t workers, std::uint32_t records) {
  Figures figures;
  figures.workers = workers;
  figures.records = records;
  Cluster cluster(calm(workers, records), false);
  World& world = cluster.world();
  std::map<std::uint64_t, Time> begun;
  world.watch_messages([&](ProcessId from, ProcessId to, std::string_view what, std::uint64_t n) {
    count(from, to, what, figures);
    if (what == "trigger") begun.try_emplace(n, world.now());
  });
  cluster.store().on_append = [&, checked = cluster.store().on_append](const CommitEntry& entry) {
    checked(entry);
    const auto found = begun.find(entry.cut.value);
    if (entry.kind != CommitKind::complete || found == begun.end()) return;
    figures.cuts_ms.push_back(static_cast<double>(world.now() - found->second) / kMillisecond);
  };
  cluster.run();
  figures.seconds = static_cast<double>(world.now()) / kSecond;
  figures.staleness_most = world.injected().staleness_most;
  figures.violation = world.violated();
  if (figures.cuts_ms.empty()) figures.violation = "no cut was complete";
  return figures;
}

void print_head() {
  std::printf(
      "per replica and 1,000 records: whole pushes; of them, and of answers, to and from other "
      "workers; messages for it\n");
  std::printf(
      "coordinator, with workers: messages of a cut, for each worker, of all kinds a second\n");
  std::printf("%7s %8s %8s | %6s %6s %6s %8s | %6s %6s %7s | %12s | %9s\n", "workers", "records",
              "seconds", "pushes", "out", "in", "messages", "cut", "worker", "second",
              "cut ms, most", "staleness");
}

void print(const Figures& f) {
  double sum = 0;
  for (const double cut : f.cuts_ms) sum += cut;
  std::printf("%7u %8u %8.2f | %6.3f %6.3f %6.3f %8.2f | %6.1f %6.2f %7.0f | %5.1f %6.1f | %9llu\n",
              f.workers, f.records, f.seconds, f.pushes_each(),
              f.whole_per_thousand(f.remote_pushes), f.whole_per_thousand(f.remote_answers),
              static_cast<double>(f.remote_messages) / f.workers / f.records * 1000,
              f.messages_per_cut(), f.messages_per_cut() / f.workers,
              static_cast<double>(f.coordinator_messages) / f.seconds,
              sum / static_cast<double>(f.cuts_ms.size()),
              *std::max_element(f.cuts_ms.begin(), f.cuts_ms.end()),
              static_cast<unsigned long long>(f.staleness_most));
}

bool is_near(double value, double expected) {
  return std::abs(value - expected) <= 0.05 * expected;
}

// What is wrong beside the first size, or nothing.
std::string compare(const Figures& first, const Figures& f) {
  if (f.violation) return *f.violation;
  if (f.pushes_each() > 1.02 * first.pushes_each()) return "a replica pushes more often";
  const double remote = static_cast<double>(f.workers - 1) / f.workers;
  if (!is_near(f.share_remote(), remote)) return "another share of the pushes leaves the worker";
  const double each = first.messages_per_cut() / first.workers;
  if (!is_near(f.messages_per_cut() / f.workers, each)) return "a cut costs each worker otherwise";
  return {};
}

}  // namespace

bool is_scale(const std::vector<std::uint32_t>& workers) {
  const auto fits = [](std::uint32_t n) { return n >= 1 && n <= kWorkersMax; };
  return !workers.empty() && std::all_of(workers.begin(), workers.end(), fits);
}

bool run_scale(const std::vector<std::uint32_t>& workers) {
  print_head();
  std::optional<Figures> first;
  const auto holds = [&](const Figures& figures) {
    if (!first) first = figures;
    if (!figures.violation) print(figures);
    const std::string wrong = compare(*first, figures);
    if (!wrong.empty()) std::printf("FAILED %u workers: %s\n", figures.workers, wrong.c_str());
    return wrong.empty();
  };
  bool is_ok = true;
  for (const std::uint32_t n : workers) is_ok = holds(measure(n, kRecords)) && is_ok;
  return holds(measure(workers.back(), kRecords / 2)) && is_ok;
}

}  // namespace millrace::sim
