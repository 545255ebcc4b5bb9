#include "common/daemon/daemon.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "common/base/exit_code.hpp"
#include "common/base/version.hpp"
#include "common/observe/log.hpp"

namespace millrace {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

// However impatient the service manager is.
constexpr milliseconds kWaitMin{1};

void log_failure(const Status& status) {
  if (!status.is_ok()) log(LogLevel::warning, "the service manager was not told", status);
}

int fail(const DaemonProgram& program, const Status& status) {
  log(LogLevel::error, program.name + " cannot run", status);
  return exit_code(status.code());
}

}  // namespace

void Daemon::ready(std::string_view text) const {
  log_failure(notifier_.ready(text));
}

void Daemon::stopping(std::string_view text) const {
  log_failure(notifier_.stopping(text));
}

int Daemon::serve(const Health& health, milliseconds period,
                  const std::function<void()>& look) const {
  const auto interval = notifier_.watchdog_interval();
  const auto wait =
      interval ? std::clamp(std::chrono::floor<milliseconds>(*interval), kWaitMin, period) : period;
  auto next_alive = Clock::now();
  do {
    look();
    if (interval && Clock::now() >= next_alive && health.report().is_alive) {
      log_failure(notifier_.alive());
      next_alive = Clock::now() + *interval - wait;  // the next look may be so late
    }
  } while (!stop_.wait(wait));
  return stop_.number();
}

int main_of_daemon(const DaemonProgram& program, std::span<const char* const> arguments) {
  const auto environment = read_service_environment();
  const auto values = read_node_values(
      {program.name, program.description, program_version(), program.keys},
      {arguments, [](const char* name) -> const char* { return std::getenv(name); }});
  if (!values.is_ok()) return fail(program, values.status());
  if (const auto& answer = values.value().answer(); !answer.empty()) {
    std::fputs(answer.c_str(), stdout);
    return 0;
  }
  const StopSignal stop(program.drain_max);
  const auto notifier = ServiceNotifier::open(environment);
  if (!notifier.is_ok()) return fail(program, notifier.status());
  const auto status = program.run(values.value(), Daemon(stop, notifier.value()));
  return status.is_ok() ? 0 : fail(program, status);
}

}  // namespace millrace
