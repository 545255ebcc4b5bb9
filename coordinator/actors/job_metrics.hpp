// Shows the checkpoints, records and endings of jobs among the metrics of the process.
//
// Place: whoever watches jobs (JobWatcher) with a registry at hand has one for all of them and
// hands every update on to it. It asks nobody: what a job tells is all it knows.
//
// Threads: updates of one job come one after another; those of different jobs from any thread.
#pragma once

#include <map>
#include <mutex>
#include <string>

#include "common/observe/metrics.hpp"
#include "coordinator/status/job_update.hpp"

namespace millrace {

class JobMetrics {
 public:
  // The registry outlives it.
  explicit JobMetrics(MetricRegistry& metrics) : metrics_(metrics) {}

  void note(const std::string& job, const JobUpdate& update);
  // A job that was deleted is shown no more.
  void forget(const std::string& job);

 private:
  MetricRegistry& metrics_;
  std::mutex mutex_;
  std::map<std::string, CounterTotal> aborted_;  // by job
};

}  // namespace millrace
