// The figures of one job of a cluster, from what its master tells: what `status` and `jobs` show.
//
// Place: the coordinator has one for each job, feeds it every update and reads it when somebody
// asks; evaluations are merged only then. Time is passed in. One thread.
#pragma once

#include <chrono>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "common/actors/job_package.hpp"
#include "common/store/manifest.hpp"
#include "common/wire/control_report.hpp"
#include "coordinator/status/job_update.hpp"

namespace millrace {

class JobFigures {
 public:
  struct Now {
    std::chrono::steady_clock::time_point steady;
    std::uint64_t unix_ms = 0;
  };

  void set_package(JobPackagePtr package) { package_ = std::move(package); }
  const JobPackagePtr& package() const { return package_; }
  void take(const JobUpdate& update, const Now& now);
  // Of a job that ended before this coordinator began: what its newest checkpoint says.
  void take_stored(const Manifest& manifest);
  void set_model(const PublishedModelHeader& header);
  void set_error(const Status& why, std::uint64_t at_ms);
  void clear_error() { error_.reset(); }

  // Everything but state, message, and what the catalogue knows; `workers` without names.
  void fill(control::JobStatus& status, const Now& now) const;
  void fill(control::JobRow& row, const Now& now) const;
  std::vector<control::SplitStatus> splits() const;
  std::vector<control::JobWorker> workers() const;
  bool is_running() const { return newest_.state == JobState::running; }
  // In this life of the coordinator.
  bool has_run() const { return has_run_; }
  CutId newest_cut() const { return CutId(last_checkpoint_); }
  std::uint64_t records() const { return newest_.totals.records; }

 private:
  void take_counts(const JobUpdate& update, const Now& now);
  void follow_state(const JobUpdate& update, const Now& now);
  double recent_rate(const Now& now) const;
  double seconds() const;
  std::uint64_t lag() const;
  EvaluationReport evaluation() const;

  struct Sample {
    std::chrono::steady_clock::time_point at;
    std::uint64_t records = 0;
  };

  JobPackagePtr package_;
  JobUpdate newest_;  // figures as last heard
  bool has_counts_ = false;
  std::optional<EvaluationReport> stored_evaluation_;
  std::deque<Sample> samples_;  // bounded: one for each interval of the window
  std::optional<Sample> first_;
  std::chrono::steady_clock::time_point last_record_at_;
  std::uint64_t started_at_ms_ = 0;
  std::uint64_t checkpoints_ = 0, last_checkpoint_ = 0, last_checkpoint_bytes_ = 0;
  double last_checkpoint_seconds_ = 0.0;
  std::uint64_t last_checkpoint_at_ms_ = 0;
  std::optional<PublishedModelHeader> model_;
  std::vector<std::string> classes_;
  std::deque<std::string> warnings_;  // the newest ones
  std::optional<control::Error> error_;
  control::RecoveryStatus recovery_;
  std::optional<std::chrono::steady_clock::time_point> lost_at_;
  bool has_run_ = false;
};

}  // namespace millrace
