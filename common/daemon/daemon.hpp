// The frame around a program that runs as a service: options read, signals blocked, the service
// manager told how it fares, an exit code at the end.
//
// Place: the main of coordinator and worker hands its DaemonProgram to `main_of_daemon`, which
// calls its `run` with a Daemon; the rest of common/daemon is what their `run` have in common.
//
// Invariant: a process that hangs is not said to be alive: `serve` tells the service manager's
// watchdog so only while every liveness check of the process holds.
#pragma once

#include <chrono>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "common/config/node_options.hpp"
#include "common/observe/health.hpp"
#include "common/observe/service_notifier.hpp"
#include "common/observe/stop_signal.hpp"

namespace millrace {

// A service while it runs. One thread. What cannot be told to the service manager is logged: it
// keeps no service from its work.
class Daemon {
 public:
  // Both outlive it.
  Daemon(const StopSignal& stop, const ServiceNotifier& notifier)
      : stop_(stop), notifier_(notifier) {}

  // Once, after everything listens.
  void ready(std::string_view text) const;
  // Until the first signal, whose number it gives: calls `look` at least once every `period`.
  int serve(const Health& health, std::chrono::milliseconds period,
            const std::function<void()>& look) const;
  // Before what takes time.
  void stopping(std::string_view text) const;

 private:
  const StopSignal& stop_;
  const ServiceNotifier& notifier_;
};

struct DaemonProgram {
  std::string name;         // "millrace-worker"
  std::string description;  // a line
  std::span<const NodeKey> keys;
  // From the first signal to the end, whatever hangs (stop_signal.hpp).
  std::chrono::milliseconds drain_max{};
  std::function<Status(const NodeValues&, const Daemon&)> run;
};

// The exit code. `arguments` begin with the program's own name.
int main_of_daemon(const DaemonProgram& program, std::span<const char* const> arguments);

}  // namespace millrace
