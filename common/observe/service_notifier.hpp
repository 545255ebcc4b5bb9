// Tells the service manager that started this process (systemd, `Type=notify`) how it fares: ready,
// stopping, alive, and a line of text for `systemctl status`.
//
// Place: a daemon's main makes one. Without NOTIFY_SOCKET in the environment, which is the usual
// case outside systemd, every call does nothing and succeeds. Protocol: sd_notify(3), a datagram of
// `KEY=value` lines to a unix socket, in the file system or abstract (`@name`).
//
// Threads: any. Invariant: no call ever blocks, and text can add no line of its own.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/status.hpp"

namespace millrace {

// What the service manager put into the environment.
struct ServiceEnvironment {
  std::string notify_socket;  // NOTIFY_SOCKET; empty: nobody listens
  std::string watchdog_usec;  // WATCHDOG_USEC: it wants to hear from us within so many microseconds
  std::string watchdog_pid;   // WATCHDOG_PID: the process it means; empty: whoever reads it
};
// Read it before threads are started.
ServiceEnvironment read_service_environment();

class ServiceNotifier {
 public:
  // invalid_argument where the environment holds what no service manager writes.
  static Result<ServiceNotifier> open(const ServiceEnvironment& environment);
  ServiceNotifier(ServiceNotifier&& other) noexcept;
  ServiceNotifier& operator=(ServiceNotifier&& other) noexcept;
  ~ServiceNotifier();

  // False where every call does nothing.
  bool is_heard() const { return descriptor_ >= 0; }
  // How often to call `alive`: half of what the service manager waits for. None: it does not watch.
  std::optional<std::chrono::microseconds> watchdog_interval() const { return watchdog_interval_; }

  // The service works. Once, after everything listens.
  Status ready(std::string_view text) const;
  // It is on its way out; say it first, before what takes time.
  Status stopping(std::string_view text) const;
  // To be said only by a loop that has seen progress (health.hpp).
  Status alive() const;
  // One line for people, at most 256 bytes; what is longer is cut.
  Status say(std::string_view text) const;

 private:
  explicit ServiceNotifier(int descriptor) : descriptor_(descriptor) {}
  Status send(const std::string& lines) const;

  int descriptor_ = -1;  // connected
  std::optional<std::chrono::microseconds> watchdog_interval_;
};

}  // namespace millrace
