// Answers control requests over ZeroMQ.
//
// Place: the coordinator process owns one. It moves frames between a ROUTER socket and a
// ControlService in one thread of its own, which never waits for an answer: a slow request holds
// nobody up.
//
// With keys, only clients that the policy names are let in, and each request needs a role
// (control_rules.hpp). Every request that changes something leaves a line in the log: who, what, on
// which job, and how it ended; refused ones too.
//
// Invariant: every request that arrives is answered once: by the service, by an error, or at its
// deadline by `timed_out`, which says that it may go on; unless its sender is gone or does not read
// (counted as `undeliverable`).
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "common/base/status.hpp"
#include "common/net/guarded_socket.hpp"
#include "coordinator/control/client_budget.hpp"
#include "coordinator/control/control_service.hpp"

namespace millrace {

struct ControlServerOptions : net::GuardedSocketOptions {
  BudgetOptions budget = {};
  std::chrono::milliseconds deadline{30'000};       // of a request that names none
  std::chrono::milliseconds deadline_max{120'000};  // of any
};

// Counters that only grow.
struct ControlStats {
  std::uint64_t requests = 0;
  std::uint64_t answered = 0;       // by the service
  std::uint64_t malformed = 0;      // no request at all
  std::uint64_t denied = 0;         // the client has not the role
  std::uint64_t overloaded = 0;     // beyond a bound of client_budget.hpp
  std::uint64_t timed_out = 0;      // the service did not answer in time
  std::uint64_t late = 0;           // answers of the service after that, dropped
  std::uint64_t undeliverable = 0;  // the client was gone or did not read
};

class ControlServer {
 public:
  // Listens and starts its thread. `conflict` when the port is taken, `permission_denied` when the
  // endpoint would be open to others without protection. `service` outlives it.
  static Result<std::unique_ptr<ControlServer>> start(const ControlServerOptions& options,
                                                      ControlService& service);
  // Ends the thread; what is under way is answered by `timed_out`.
  ~ControlServer();
  ControlServer(const ControlServer&) = delete;
  ControlServer& operator=(const ControlServer&) = delete;

  // With the port that was chosen: "tcp://127.0.0.1:4701".
  std::string endpoint() const;
  ControlStats stats() const;
  // All zero without keys.
  net::GateStats gate_stats() const;
  void stop();

 private:
  struct State;
  explicit ControlServer(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace millrace
