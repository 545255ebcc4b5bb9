#include "common/observe/stop_signal.hpp"

#include <unistd.h>
#include <csignal>

#include "common/observe/log.hpp"

namespace millrace {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds kPoll{50};

sigset_t stop_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  return set;
}

}  // namespace

StopSignal::StopSignal(milliseconds drain_max) {
  const auto set = stop_signals();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  std::signal(SIGPIPE, SIG_IGN);  // a peer that has gone is an error of its socket
  watcher_ =
      std::jthread([this, drain_max](const std::stop_token& stop) { watch(stop, drain_max); });
}

StopSignal::~StopSignal() = default;

bool StopSignal::wait(milliseconds timeout) const {
  const auto ends_at = Clock::now() + timeout;
  while (number() == 0 && Clock::now() < ends_at) {
    std::this_thread::sleep_for(std::min(kPoll, timeout));
  }
  return number() != 0;
}

void StopSignal::watch(const std::stop_token& stop, milliseconds drain_max) {
  const auto set = stop_signals();
  const timespec poll{0, std::chrono::nanoseconds(kPoll).count()};
  Clock::time_point first_at;
  while (!stop.stop_requested()) {
    const int signal = sigtimedwait(&set, nullptr, &poll);
    if (signal > 0 && number() != 0) _exit(kExitBase + signal);
    if (signal > 0) {
      first_at = Clock::now();
      number_ = signal;
    }
    if (number() == 0 || Clock::now() - first_at < drain_max) continue;
    log(LogLevel::error, "draining takes too long; ending with what is saved");
    _exit(0);
  }
}

}  // namespace millrace
