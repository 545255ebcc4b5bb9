// Simulated time, processes and network: one event queue, one random stream, one trace.
//
// Everything that happens in a run is an event here, in an order that the seed alone decides. A
// process may be dead (its events are dropped), paused (they wait) or cut off (its messages are
// lost). An event belongs to one life of a process: after a restart, timers and messages of the
// life before do not reach it.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/base/random.hpp"
#include "tests/simulation/options.hpp"

namespace millrace::sim {

using ProcessId = std::uint32_t;

inline constexpr ProcessId kStore = 0;
inline constexpr ProcessId kFirstCoordinator = 1;

struct Address {
  ProcessId process = 0;
  std::uint32_t life = 0;
  friend auto operator<=>(const Address&, const Address&) = default;
};

// What was injected; added up over seeds and printed.
struct Injected {
  std::uint64_t messages = 0, lost = 0, duplicated = 0, clogged = 0, cut_off = 0;
  std::uint64_t crashes = 0, crashes_in_step = 0, pauses = 0, partitions = 0, takeovers = 0;
  std::uint64_t store_errors = 0, store_ambiguous = 0, rotten = 0, entries_again = 0;
  // What came of it.
  std::uint64_t staleness_most = 0;  // rounds that a replica trained on one view
  std::uint64_t terms = 0, adopted = 0, attempts = 0, stale_terms = 0;
  std::uint64_t savepoints = 0, savepoints_failed = 0, released = 0, branches = 0, cancelled = 0;
  std::uint64_t rescales = 0, late_splits = 0;
  std::uint64_t predictions = 0, moved_back = 0, servers_behind = 0, settled = 0;
  void add(const Injected& other);
};

class World {
 public:
  using Action = std::function<void()>;
  using Watch = std::function<void(ProcessId from, ProcessId to, std::string_view what,
                                   std::uint64_t detail)>;

  World(const SimOptions& options, bool keeps_trace);

  Time now() const { return now_; }
  RandomStream& random() { return random_; }
  const SimOptions& options() const { return options_; }
  Injected& injected() { return injected_; }

  ProcessId add_process(std::function<void()> on_crash);
  Address address(ProcessId process) const { return {process, processes_[process].life}; }
  bool is_alive(Address address) const;
  bool is_up(ProcessId process) const { return processes_[process].is_alive; }
  void crash(ProcessId process);
  void revive(ProcessId process) { processes_[process].is_alive = true; }
  void pause(ProcessId process, Time until);
  // Messages from `from` to `to` are lost until then.
  void block(ProcessId from, ProcessId to, Time until);
  // No faults any more; pauses and partitions end.
  void heal();
  bool is_healed() const { return is_healed_; }

  // Effects of the first coordinator so far.
  std::uint64_t effects() const { return effects_; }
  // Between two effects of a step: false when the process has just died.
  bool survives(Address address);

  // A timer of this process.
  void after(Address owner, Time delay, const char* what, Action action);
  // An event outside all processes.
  void outside(Time delay, Action action);
  void send(Address from, Address to, const char* what, std::uint64_t detail, Action action);

  // Told about every message when it is sent, lost or not.
  void watch_messages(Watch watch) { watch_ = std::move(watch); }

  // Runs the next event; false when there is none.
  bool step();
  std::uint64_t events() const { return events_; }
  std::uint64_t trace_hash() const { return trace_hash_; }
  void trace(const char* what, std::uint64_t detail, ProcessId where);
  void remark(const std::string& text);  // only in the printed trace
  std::vector<std::string> last_events() const;

  void violation(const std::string& what);
  const std::optional<std::string>& violated() const { return violation_; }

 private:
  struct Process {
    bool is_alive = true;
    std::uint32_t life = 1;
    Time paused_until = 0;
    std::function<void()> on_crash;
  };
  struct Event {
    Time time;
    std::uint64_t order;
    std::optional<Address> owner;
    const char* what;
    std::uint64_t detail;
    Action action;
  };
  struct Later {
    bool operator()(const Event& a, const Event& b) const {
      return a.time != b.time ? a.time > b.time : a.order > b.order;
    }
  };

  Time network_delay(Address from, Address to);
  Time arrival(Address from, Address to);
  void push(Time time, std::optional<Address> owner, const char* what, std::uint64_t detail,
            Action action);

  SimOptions options_;
  bool keeps_trace_;
  RandomStream random_;
  Time now_ = 0;
  std::uint64_t order_ = 0;
  std::uint64_t events_ = 0;
  std::uint64_t effects_ = 0;
  std::uint64_t trace_hash_ = 0;
  bool is_healed_ = false;
  std::vector<Process> processes_;
  std::map<std::pair<ProcessId, ProcessId>, Time> blocked_;
  std::map<std::pair<ProcessId, ProcessId>, Time> arrivals_;  // the last, where they are in order
  std::vector<Event> queue_;                                  // a heap
  std::vector<std::string> last_events_;
  std::optional<std::string> violation_;
  Injected injected_;
  Watch watch_;
};

}  // namespace millrace::sim
