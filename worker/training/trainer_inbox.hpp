// The way into a training thread: answers of shards and orders of the job master, handed over
// without a mailbox.
//
// Place: one per trainer. Any thread may `post`; only the training thread takes. The lock is held
// for a swap of two vectors, so a poster and the training thread never wait for each other's work.
// Bounded by the protocol: at most limits::kOutboxEntriesMax answers per shard and one open cut are
// on their way at a time.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <variant>
#include <vector>

#include "common/base/ids.hpp"
#include "worker/core/stream.hpp"

namespace millrace {

struct CutRequest {
  CutId cut;
};
struct CutAbort {
  CutId cut;
};
// It is complete in the log; told late or never, where a later one follows.
struct CutCompleted {
  CutId cut;
};
// No more records: drain what is in flight and end the thread.
struct StopTraining {};

using TrainerEvent = std::variant<Answer, CutRequest, CutAbort, CutCompleted, StopTraining>;

class TrainerInbox {
 public:
  void post(TrainerEvent event) {
    {
      const std::lock_guard lock(mutex_);
      events_.push_back(std::move(event));
    }
    ready_.notify_one();
  }

  // Swaps what has arrived into `events` (cleared before); never waits.
  void take(std::vector<TrainerEvent>& events) {
    events.clear();
    const std::lock_guard lock(mutex_);
    events_.swap(events);
  }

  // As take, but waits up to `timeout` for the first event.
  void wait(std::vector<TrainerEvent>& events, std::chrono::milliseconds timeout) {
    events.clear();
    std::unique_lock lock(mutex_);
    ready_.wait_for(lock, timeout, [&] { return !events_.empty(); });
    events_.swap(events);
  }

 private:
  std::mutex mutex_;
  std::condition_variable ready_;
  std::vector<TrainerEvent> events_;
};

}  // namespace millrace
