// How a worker's process fares, for its health endpoint and its metrics.
//
// Place: one for each process, written by its actors and read by whoever answers probes. Any
// thread, no locks; figures of one moment may be of slightly different ones.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>

namespace millrace {

struct WorkerHealth {
  using Clock = std::chrono::steady_clock;

  std::atomic<std::uint64_t> ticks{0};   // of the host: stands still when its actors hang
  std::atomic<bool> is_joined{false};    // a member of the cluster
  std::atomic<bool> is_draining{false};  // takes no new jobs
  std::atomic<bool> is_released{false};  // may end: nothing of it is needed any more
  std::atomic<std::uint32_t> jobs_hosted{0};
  std::atomic<std::uint32_t> jobs_running{0};  // with replicas or shards at work
  std::atomic<std::uint64_t> joins{0};         // in the life of the process
  std::atomic<std::uint64_t> join_failures{0};
  std::atomic<std::uint64_t> stale_terms_rejected{0};  // orders of coordinators that lead no more
  std::atomic<std::uint64_t> stale_attempts_rejected{
      0};                                             // orders about attempts that were replaced
  std::atomic<std::uint64_t> bulk_chunks_refused{0};  // malformed, old, or no room for them
  std::atomic<std::uint64_t> records_read{0};         // by replicas here; at most one report behind
  std::atomic<std::uint64_t> versions_served{0};      // loaded in the life of the process
  std::atomic<std::uint64_t> version_failures{0};
  struct Sink {
    std::atomic<std::uint64_t> messages{0};  // in committed transactions of this process
    std::atomic<std::uint64_t> bytes{0};     // of them
    std::atomic<std::uint64_t> errors{0};    // transactions and takeovers that failed
  };
  std::array<Sink, 2> sinks;  // by OutputKind

  void note_progress() { progressed_at_.store(now(), std::memory_order_relaxed); }
  // Since a replica here last read a record, or, before the first one, since this was made.
  std::chrono::nanoseconds since_progress() const {
    return std::chrono::nanoseconds(now() - progressed_at_.load(std::memory_order_relaxed));
  }

 private:
  static std::int64_t now() {
    return Clock::now().time_since_epoch() / std::chrono::nanoseconds(1);
  }
  std::atomic<std::int64_t> progressed_at_{now()};
};

}  // namespace millrace
