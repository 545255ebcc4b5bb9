// Writes what one replica puts out to one lane of a sink, on a thread of its own.
//
// Place: a shell round ReleasePlan: it holds the batches, executes the plan's effects on an
// OutputChannel and says what came of them. The training thread adds and asks; the worker's actor
// says which cuts are complete. Any thread; the lock is held for no call that blocks.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "common/base/ids.hpp"
#include "worker/core/release_plan.hpp"
#include "worker/sinks/output_channel.hpp"

namespace millrace {

// A lane as a checkpoint keeps it: the batches that the sink was not known to have.
struct LaneState {
  LaneName name;
  std::uint64_t incarnation = 0;
  bool is_claimed = false;
  std::map<CutId, std::shared_ptr<const OutputBatch>> batches;
};

// Called from the writers' threads; must hand over and return.
struct LaneListener {
  std::function<void()> on_released;  // `released` has risen, or batches are gone
  std::function<void(const LaneName&, std::string)> on_warning;
  std::function<void(Status)> on_failed;  // the attempt cannot go on
  std::function<void(OutputKind, std::uint64_t messages, std::uint64_t bytes)> on_written;
  std::function<void(OutputKind)> on_trouble;  // each time
};

class LaneWriter {
 public:
  LaneWriter(LaneState state, CutId complete, std::unique_ptr<OutputChannel> channel,
             const LaneListener& listener);
  ~LaneWriter();
  LaneWriter(const LaneWriter&) = delete;
  LaneWriter& operator=(const LaneWriter&) = delete;

  void start();
  // Ends soon; join by destruction.
  void stop() { thread_.request_stop(); }

  void add(CutId cut, std::shared_ptr<const OutputBatch> batch);
  void complete(CutId cut);

  LaneState state() const;
  CutId released() const;
  bool is_behind() const;
  std::size_t bytes() const;  // of batches
  const LaneName& name() const { return name_; }

 private:
  void run(const std::stop_token& stop);
  // The lock is held on entry and exit, not while the channel works.
  void execute(std::vector<ReleaseEffect> effects, std::unique_lock<std::mutex>& lock,
               const std::stop_token& stop);
  void forget_released();
  void warn(std::string text);

  const LaneName name_;
  const LaneListener& listener_;
  const std::unique_ptr<OutputChannel> channel_;
  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  ReleasePlan plan_;
  std::map<CutId, std::shared_ptr<const OutputBatch>> batches_;
  std::size_t bytes_ = 0;
  CutId complete_;              // as told; the plan hears of it on the thread
  bool is_in_trouble_ = false;  // told, and not over
  std::jthread thread_;         // last: it uses all of the above
};

}  // namespace millrace
