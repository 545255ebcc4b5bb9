// Progress, not "running": which parts of a process have done something lately, and whether the
// process as a whole can do its work.
//
// Place: the decisions behind `/healthz` and `/readyz`; Health (health.hpp) is its thread-safe
// shell. Pure: time is passed in.
//
// A check is in one of these states:
//   waiting   nothing was heard of it yet
//   working   its last step was within the deadline; after that it is *stuck*
//   idle      it has nothing to do: the deadline does not run
//   failing   it said that it cannot work, and why
//
// Invariant: a check whose loop has stopped is never shown as well once its deadline is over.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace millrace {

// What a check that does not hold means for the process.
enum class HealthScope : std::uint8_t {
  liveness,   // it hangs: a restart helps. Counts for /healthz, and for /readyz
  readiness,  // it cannot serve now, and a restart would not help: a disk is full, the coordinator
              // is away. Counts for /readyz alone, and does not hold before it was heard of
};

struct HealthCheckOptions {
  std::string name;  // snake_case: "actors_answer", "training"; a job behind it: "training/clicks"
  HealthScope scope = HealthScope::liveness;
  // The longest time between two steps of a loop that works. Shorter finds a hang sooner, longer
  // forgives a slow disk. Zero: what was said last holds until something else is said.
  std::chrono::milliseconds deadline{30'000};
};

enum class CheckState : std::uint8_t { waiting, working, idle, failing, stuck };
const char* to_string(CheckState state);

struct CheckReport {
  std::string name;
  HealthScope scope = HealthScope::liveness;
  CheckState state = CheckState::waiting;
  bool is_ok = true;
  std::chrono::milliseconds since{0};  // the last step, or the registration
  std::chrono::milliseconds deadline{0};
  std::string reason;  // why it does not hold; empty where it does
};

struct HealthReport {
  bool is_alive = true;
  bool is_ready = true;
  std::string not_ready_reason;     // the first of them, for people
  std::vector<CheckReport> checks;  // by name
};

class HealthBoard {
 public:
  using Time = std::chrono::steady_clock::time_point;
  using CheckId = std::uint64_t;

  // Nothing, where limits::kHealthChecksMax are there already. A liveness check may take its
  // deadline to say something for the first time.
  std::optional<CheckId> add(const HealthCheckOptions& options, Time now);
  void remove(CheckId id);

  // A check that was removed changes nothing.
  void step(CheckId id, Time now);
  void idle(CheckId id, Time now);
  // `reason` is shown to whoever reaches the port: no secrets. At most 256 bytes are kept.
  void fail(CheckId id, std::string_view reason, Time now);

  // Before the first call the process is not ready: "starting".
  void set_started();
  // On its way out: not ready from now on, whatever the checks say. The first reason stays.
  void drain(std::string_view reason);

  HealthReport report(Time now) const;

 private:
  struct Check {
    HealthCheckOptions options;
    CheckState state = CheckState::waiting;
    Time since;
    std::string reason;
  };
  void change(CheckId id, CheckState state, std::string_view reason, Time now);
  static CheckReport report_of(const Check& check, Time now);

  std::map<CheckId, Check> checks_;
  CheckId next_ = 1;
  bool is_started_ = false;
  std::optional<std::string> draining_;
};

}  // namespace millrace
