#include "tests/simulation/options.hpp"

#include "common/base/random.hpp"

namespace millrace::sim {

namespace {

class Dice {
 public:
  explicit Dice(std::uint64_t seed) : stream_(seed, 1) {}
  std::uint32_t between(std::uint32_t low, std::uint32_t high) {
    return low + static_cast<std::uint32_t>(stream_.below(high - low + 1));
  }
  Time time(Time low, Time high) {
    return low + static_cast<Time>(stream_.below(static_cast<std::uint64_t>(high - low + 1)));
  }
  bool chance(double probability) { return stream_.uniform() < probability; }
  double upto(double high) { return stream_.uniform() * high; }

 private:
  RandomStream stream_;
};

Faults draw_faults(Dice& dice) {
  Faults faults;
  faults.delay_mean = dice.time(kMillisecond / 2, 30 * kMillisecond);
  if (dice.chance(0.5)) faults.delay_mean = kMillisecond;
  faults.local_is_fast = dice.chance(0.5);
  if (dice.chance(0.5)) faults.loss = dice.upto(0.3);
  if (dice.chance(0.5)) faults.duplicate = dice.upto(0.5);
  if (dice.chance(0.3)) faults.clog = dice.upto(0.02);
  if (dice.chance(0.6)) faults.crashes = static_cast<int>(dice.between(1, 20));
  if (dice.chance(0.4)) faults.crash_in_step = dice.upto(0.001);
  if (dice.chance(0.4)) faults.pauses = static_cast<int>(dice.between(1, 10));
  if (dice.chance(0.4)) faults.partitions = static_cast<int>(dice.between(1, 10));
  if (dice.chance(0.4)) faults.store_error = dice.upto(0.1);
  if (dice.chance(0.4)) faults.store_ambiguous = dice.upto(0.15);
  if (dice.chance(0.1)) faults.rot = dice.upto(0.1);
  faults.store_latency = dice.time(kMillisecond / 2, 40 * kMillisecond);
  if (dice.chance(0.3)) faults.takeovers = static_cast<int>(dice.between(1, 3));
  if (dice.chance(0.3)) faults.coordinator_crashes = static_cast<int>(dice.between(1, 6));
  return faults;
}

void leave_out(const std::set<std::string>& without, Faults& faults) {
  if (without.contains("loss")) faults.loss = 0;
  if (without.contains("duplicate")) faults.duplicate = 0;
  if (without.contains("clog")) faults.clog = 0;
  if (without.contains("crash")) faults.crashes = 0;
  if (without.contains("crash")) faults.crash_in_step = 0;
  if (without.contains("crash")) faults.coordinator_crashes = 0;
  if (without.contains("pause")) faults.pauses = 0;
  if (without.contains("partition")) faults.partitions = 0;
  if (without.contains("store")) faults.store_error = faults.store_ambiguous = 0;
  if (without.contains("rot")) faults.rot = 0;
  if (without.contains("takeover")) faults.takeovers = 0;
}

}  // namespace

SimOptions draw_options(std::uint64_t seed, const std::set<std::string>& without) {
  Dice dice(seed);
  SimOptions o;
  o.seed = seed;
  o.workers = dice.between(1, 5);
  o.replicas = dice.between(1, 4);
  o.shards = dice.between(1, 4);
  o.splits = dice.between(1, dice.chance(0.3) ? 12 : 5);
  o.records_per_split = dice.between(60, 4'000 / o.splits + 100);
  o.batch = dice.between(1, 3) * 4;
  o.merge_every = dice.between(1, 4);
  o.max_staleness = dice.between(1, 16);
  o.has_slow_splits = dice.chance(0.25);
  if (dice.chance(0.05)) o.second_view_bytes_max = 0;
  o.mode = static_cast<MergeMode>(dice.between(0, 4));
  o.step_mean = dice.time(4 * kMillisecond, 40 * kMillisecond);
  o.cut_interval = dice.time(40 * kMillisecond, 400 * kMillisecond);
  o.cut_timeout = dice.time(300 * kMillisecond, 2 * kSecond);
  o.safety_phase = dice.time(2 * kSecond, 10 * kSecond);
  o.retain = dice.between(1, 3);
  o.extra_cuts = static_cast<int>(dice.between(0, 3));
  o.is_stopped_early = dice.chance(0.1);
  if (dice.chance(0.7)) o.adoption_patience = dice.time(150 * kMillisecond, 1500 * kMillisecond);
  if (dice.chance(0.3)) o.savepoints = static_cast<int>(dice.between(1, 4));
  if (o.savepoints > 0) o.releases = static_cast<int>(dice.between(0, 3));
  o.is_branched = dice.chance(0.08);
  o.is_cancelled = dice.chance(0.02);
  o.log_snapshot_every = dice.chance(0.8) ? dice.between(2, 8) : 32;
  o.faults = draw_faults(dice);
  // Drawn last: what was drawn before stays what it was.
  if (dice.chance(0.15)) o.rescales = static_cast<int>(dice.between(1, 3));
  o.has_sinks = dice.chance(0.3);
  if (dice.chance(0.5)) {
    o.predict_clients = dice.between(1, 3);
    o.versions_served = dice.between(1, 3);
    o.moves_back = static_cast<int>(dice.between(0, 4));
  }
  if (dice.chance(0.2)) o.late_splits = dice.between(1, 3);
  o.splits += o.late_splits;
  leave_out(without, o.faults);
  return o;
}

std::string describe(const SimOptions& o) {
  static constexpr const char* kModes[] = {"async_average", "async_sum", "elastic",
                                           "async_gradient", "synchronous"};
  const auto& f = o.faults;
  std::string text = "seed " + std::to_string(o.seed) + ": " + kModes[static_cast<int>(o.mode)];
  const auto add = [&](const char* name, double value) {
    text += std::string(" ") + name + "=" + std::to_string(value).substr(0, 7);
  };
  add("workers", o.workers);
  add("replicas", o.replicas);
  add("shards", o.shards);
  add("splits", o.splits);
  add("late_splits", o.late_splits);
  add("batch", o.batch);
  add("every", o.merge_every);
  add("loss", f.loss);
  add("duplicate", f.duplicate);
  add("crashes", f.crashes);
  add("pauses", f.pauses);
  add("partitions", f.partitions);
  add("store_error", f.store_error);
  add("store_ambiguous", f.store_ambiguous);
  add("rot", f.rot);
  add("takeovers", f.takeovers);
  add("patience_ms", static_cast<double>(o.adoption_patience) / kMillisecond);
  add("savepoints", o.savepoints);
  add("rescales", o.rescales);
  if (o.has_sinks) text += " sinks";
  add("clients", o.predict_clients);
  add("moves_back", o.moves_back);
  if (o.is_branched) text += " branched";
  if (o.is_cancelled) text += " cancelled";
  return text;
}

}  // namespace millrace::sim
