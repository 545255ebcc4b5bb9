// How a JobMachine is to work: sizes, intervals, patience.
//
// Place: job masters make them from the job and the coordinator's options, the simulator draws
// them.
#pragma once

#include <cstdint>
#include <string>

#include "common/config/job_spec.hpp"
#include "coordinator/core/commit_log.hpp"
#include "coordinator/core/cut_tracker.hpp"
#include "coordinator/core/job_events.hpp"

namespace millrace {

// Deliberate bugs for the simulator; production leaves all of them off.
struct JobMutations {
  bool publish_before_complete = false;
  bool reuse_cut_id = false;
  bool accept_old_attempts = false;
  bool skip_audit = false;
  bool retire_before_complete = false;
  bool forget_attempt_raise = false;
  bool adopt_with_parts_missing = false;
  bool restore_unadopted_attempt = false;  // restore without raising the attempt
  bool retire_savepoints = false;
  bool name_before_durable = false;
  bool forget_branch = false;
  bool forget_new_splits = false;      // a restored attempt has those of its cut only
  bool read_splits_undurable = false;  // found splits join before they are stored
  bool skip_new_splits_begin = false;  // they are read from the second record on
  CutTrackerMutations tracker;
  CommitLogMutations log;
};

struct JobOptions {
  std::string writer;             // unique for each life of a coordinator
  std::uint32_t parallelism = 1;  // replicas
  std::uint32_t shards = 1;
  MergeMode mode = MergeMode::async_average;
  std::uint32_t retain = 3;                  // complete cuts kept, >= 1
  Milliseconds checkpoint_interval{10'000};  // between two cuts; 0: only when asked
  Milliseconds cut_timeout{60'000};          // then the cut is aborted
  Milliseconds start_timeout{300'000};       // until every worker runs its part of an attempt
  Milliseconds retry_interval{500};          // unacknowledged messages are sent again
  // How long a job that cannot begin or end for want of its store goes on trying: from the first
  // refusal then to the one that ends it.
  Milliseconds store_patience{20'000};
  std::uint64_t log_snapshot_every = 32;  // see CommitLogOptions
  // How long a coordinator that takes over waits for all parts of the attempt that may still run,
  // to go on with it and lose nothing. 0: nothing is adopted, as where workers die with their
  // coordinator. Longer than workers take to find their next coordinator.
  Milliseconds adoption_patience{0};
  bool has_sinks = false;  // what replicas put out is released with each cut; the end waits for it
  Milliseconds release_patience{60'000};  // of a job told to stop; else it waits for ever
  std::uint32_t restarts_max = 10;        // attempts lost in a row, without a completed cut between
  Milliseconds backoff{100};              // before the first restart, doubled each time
  Milliseconds backoff_max{30'000};
  JobMutations mutations;
};

}  // namespace millrace
