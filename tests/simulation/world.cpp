#include "tests/simulation/world.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <utility>

namespace millrace::sim {

namespace {

constexpr std::size_t kEventsKept = 200;

Time exponential(RandomStream& random, Time mean) {
  const double draw = -std::log(1.0 - random.uniform()) * static_cast<double>(mean);
  return 1 + static_cast<Time>(draw);
}

}  // namespace

void Injected::add(const Injected& o) {
  messages += o.messages, lost += o.lost, duplicated += o.duplicated, clogged += o.clogged;
  cut_off += o.cut_off, crashes += o.crashes, crashes_in_step += o.crashes_in_step;
  pauses += o.pauses, partitions += o.partitions, takeovers += o.takeovers;
  store_errors += o.store_errors, store_ambiguous += o.store_ambiguous, rotten += o.rotten;
  entries_again += o.entries_again, terms += o.terms, adopted += o.adopted, attempts += o.attempts;
  stale_terms += o.stale_terms, savepoints += o.savepoints, released += o.released;
  savepoints_failed += o.savepoints_failed, branches += o.branches, cancelled += o.cancelled;
  rescales += o.rescales, late_splits += o.late_splits;
  predictions += o.predictions, moved_back += o.moved_back;
  servers_behind += o.servers_behind, settled += o.settled;
  staleness_most = std::max(staleness_most, o.staleness_most);
}

World::World(const SimOptions& options, bool keeps_trace)
    : options_(options), keeps_trace_(keeps_trace), random_(options.seed, 2) {}

ProcessId World::add_process(std::function<void()> on_crash) {
  processes_.push_back(Process{true, 1, 0, std::move(on_crash)});
  return static_cast<ProcessId>(processes_.size() - 1);
}

bool World::is_alive(Address address) const {
  const Process& process = processes_[address.process];
  return process.is_alive && process.life == address.life;
}

void World::crash(ProcessId id) {
  Process& process = processes_[id];
  if (!process.is_alive) return;
  trace("crash", process.life, id);
  process.is_alive = false;
  process.life += 1;
  process.paused_until = 0;
  process.on_crash();
}

void World::pause(ProcessId process, Time until) {
  trace("pause", static_cast<std::uint64_t>(until), process);
  processes_[process].paused_until = until;
}

void World::block(ProcessId from, ProcessId to, Time until) {
  blocked_[{from, to}] = until;
}

void World::heal() {
  is_healed_ = true;
  blocked_.clear();
  for (Process& process : processes_) process.paused_until = 0;
}

bool World::survives(Address address) {
  if (!is_alive(address)) return false;
  if (address.process == kFirstCoordinator && ++effects_ == options_.directed.crash_at_effect) {
    injected_.crashes_in_step += 1;
    crash(address.process);
    return false;
  }
  const double chance = options_.faults.crash_in_step;
  if (is_healed_ || chance == 0.0 || random_.uniform() >= chance) return true;
  injected_.crashes_in_step += 1;
  crash(address.process);
  return false;
}

void World::push(Time time, std::optional<Address> owner, const char* what, std::uint64_t detail,
                 Action action) {
  queue_.push_back(Event{time, order_++, owner, what, detail, std::move(action)});
  std::push_heap(queue_.begin(), queue_.end(), Later{});
}

void World::after(Address owner, Time delay, const char* what, Action action) {
  push(now_ + delay, owner, what, 0, std::move(action));
}

void World::outside(Time delay, Action action) {
  push(now_ + delay, std::nullopt, "outside", 0, std::move(action));
}

Time World::network_delay(Address from, Address to) {
  const bool is_local = from.process == to.process;
  if (is_local && (options_.faults.local_is_fast || is_healed_)) return 20;
  const bool is_clogged = !is_healed_ && random_.uniform() < options_.faults.clog;
  if (is_clogged) {
    injected_.clogged += 1;
    return static_cast<Time>(random_.below(2 * kSecond));
  }
  return exponential(random_, options_.faults.delay_mean);
}

Time World::arrival(Address from, Address to) {
  const Time time = now_ + network_delay(from, to);
  if (!options_.is_in_order) return time;
  Time& last = arrivals_[{from.process, to.process}];
  last = std::max(last, time);
  return last;
}

void World::send(Address from, Address to, const char* what, std::uint64_t detail, Action action) {
  injected_.messages += 1;
  if (watch_) watch_(from.process, to.process, what, detail);
  const bool is_safe = is_healed_ || (from.process == to.process && options_.faults.local_is_fast);
  if (!is_safe) {
    const auto blocked = blocked_.find({from.process, to.process});
    if (blocked != blocked_.end() && blocked->second > now_) {
      injected_.cut_off += 1;
      return;
    }
    if (random_.uniform() < options_.faults.loss) {
      injected_.lost += 1;
      return;
    }
    if (random_.uniform() < options_.faults.duplicate) {
      injected_.duplicated += 1;
      push(arrival(from, to), to, what, detail, action);
    }
  }
  push(arrival(from, to), to, what, detail, std::move(action));
}

bool World::step() {
  if (queue_.empty()) return false;
  std::pop_heap(queue_.begin(), queue_.end(), Later{});
  Event event = std::move(queue_.back());
  queue_.pop_back();
  now_ = std::max(now_, event.time);
  if (event.owner) {
    if (!is_alive(*event.owner)) return true;
    const Time until = processes_[event.owner->process].paused_until;
    if (until > now_) {
      push(until, event.owner, event.what, event.detail, std::move(event.action));
      return true;
    }
  }
  events_ += 1;
  trace(event.what, event.detail, event.owner ? event.owner->process : 999);
  event.action();
  return true;
}

void World::trace(const char* what, std::uint64_t detail, ProcessId where) {
  std::uint64_t hash = trace_hash_ ^ mix64(detail ^ (static_cast<std::uint64_t>(where) << 32));
  hash = mix64(hash ^ static_cast<std::uint64_t>(now_));
  trace_hash_ =
      hash ^ mix64(static_cast<std::uint64_t>(what[0]) * 256 + static_cast<std::uint64_t>(what[1]));
  if (!keeps_trace_) return;
  last_events_.push_back(std::to_string(now_) + " us  process " + std::to_string(where) + "  " +
                         what + " " + std::to_string(detail));
  if (last_events_.size() > 2 * kEventsKept) {
    last_events_.erase(last_events_.begin(),
                       last_events_.begin() + static_cast<std::ptrdiff_t>(kEventsKept));
  }
}

std::vector<std::string> World::last_events() const {
  const std::size_t count = std::min(kEventsKept, last_events_.size());
  return {last_events_.end() - static_cast<std::ptrdiff_t>(count), last_events_.end()};
}

void World::remark(const std::string& text) {
  if (keeps_trace_) last_events_.push_back("    " + text);
}

void World::violation(const std::string& what) {
  if (violation_) return;
  violation_ = what;
  if (keeps_trace_) last_events_.push_back(std::to_string(now_) + " us  VIOLATION " + what);
}

}  // namespace millrace::sim
