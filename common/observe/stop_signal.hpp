// SIGTERM and SIGINT of a service: the first asks it to drain, the second ends it at once.
//
// Place: the first thing that a daemon's main makes, before any other thread, so that every thread
// leaves these signals to it. One per process.
//
// Invariant: after the first signal the process ends within `drain_max`, whatever hangs: whoever
// sent it would kill it a little later, and what has been saved by then is saved.
#pragma once

#include <atomic>
#include <chrono>
#include <thread>

namespace millrace {

class StopSignal {
 public:
  // What a process gives back that was told twice: as a shell has it, 128 and the signal's number.
  static constexpr int kExitBase = 128;

  explicit StopSignal(std::chrono::milliseconds drain_max);
  ~StopSignal();
  StopSignal(const StopSignal&) = delete;
  StopSignal& operator=(const StopSignal&) = delete;

  // The number of the first signal, 0 before.
  int number() const { return number_.load(); }
  // Waits for the first signal, at most so long; whether it has come.
  bool wait(std::chrono::milliseconds timeout) const;

 private:
  void watch(const std::stop_token& stop, std::chrono::milliseconds drain_max);

  std::atomic<int> number_{0};
  std::jthread watcher_;
};

}  // namespace millrace
