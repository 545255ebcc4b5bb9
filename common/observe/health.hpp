// The health of this process: the shell of HealthBoard with a clock and a lock, and what `/healthz`
// and `/readyz` say.
//
// Place: a daemon owns one. A component asks for a HealthCheck with a deadline and calls `step`
// from the loop that is to be seen moving: once per micro-batch or round, not from a thread beside
// it, which would beat while the loop hangs.
//
// Threads: any. A HealthCheck may outlive its Health, and belongs to one thread at a time.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

#include "common/base/status.hpp"
#include "common/observe/health_board.hpp"

namespace millrace {

// Registered as long as it lives. One that was default-constructed does nothing, for components
// that are also used where nobody watches.
class HealthCheck {
 public:
  HealthCheck() = default;
  ~HealthCheck();
  HealthCheck(HealthCheck&& other) noexcept = default;
  HealthCheck& operator=(HealthCheck&& other) noexcept;

  void step();
  void idle();
  void fail(std::string_view reason);
  // `step` where the status is ok, `fail` with its message otherwise.
  void tell(const Status& status);

 private:
  friend class Health;
  struct Registered;
  explicit HealthCheck(std::shared_ptr<Registered> registered);
  std::shared_ptr<Registered> registered_;
};

class Health {
 public:
  Health();
  ~Health();
  Health(const Health&) = delete;
  Health& operator=(const Health&) = delete;

  // resource_exhausted where limits::kHealthChecksMax are there already.
  Result<HealthCheck> add(const HealthCheckOptions& options);
  void set_started();
  void drain(std::string_view reason);
  HealthReport report() const;

 private:
  friend class HealthCheck;
  struct State;
  std::shared_ptr<State> state_;
};

// One JSON object: "status" ("ok", "stuck"; "ready", "not_ready"), "reason", and every check.
std::string liveness_json(const HealthReport& report);
std::string readiness_json(const HealthReport& report);

}  // namespace millrace
