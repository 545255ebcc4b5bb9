// The life of one job: attempts, cuts, recovery and the end, as decisions without I/O.
//
// Place: a job master owns one, feeds it every message, timer and store answer, and executes the
// effects in order. Time is handed in by `on_tick`; milliseconds since any fixed moment, never
// going back.
//
// Invariants: a term is durable before anything is restored, an attempt before any message carries
// it. At most one cut is in flight, its id never used before; `Publish` and `RemoveCut` follow the
// durable log entry that allows them. A cut whose ledgers disagree is never completed. What comes
// from another attempt or another cut changes nothing. An attempt is adopted only whole: every
// replica and shard of it reported by one worker each, all started from the same cut, which leads
// to the newest complete one. Any cut may be restored, whatever the parallelism that took it. A
// savepoint is reported taken after its durable name, and is not retired before its release.
// Outputs are released after their cut's entry, and before the end. A split that joins the job is
// durable before an attempt reads it, and from then on every attempt that is started reads it: from
// where its cut stands, or from its beginning where the cut is older.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "common/base/ids.hpp"
#include "common/base/status.hpp"
#include "common/config/job_spec.hpp"
#include "coordinator/core/commit_log.hpp"
#include "coordinator/core/cut_contents.hpp"
#include "coordinator/core/cut_tracker.hpp"
#include "coordinator/core/job_effects.hpp"
#include "coordinator/core/job_events.hpp"
#include "coordinator/core/job_options.hpp"
#include "coordinator/core/placement.hpp"

namespace millrace {

enum class JobState : std::uint8_t {
  taking_over,  // reading the log, minting a term
  preparing,    // writing cut 0 or reading the manifest to restore
  adopting,     // hearing from the workers what still runs
  waiting,      // for workers, or for the backoff of a restart
  starting,     // StartWorker or AdoptWorker sent, not all have answered
  running,
  finished,
  failed,
  cancelled,
  deposed
};
const char* to_string(JobState state);

class JobMachine {
 public:
  explicit JobMachine(const JobOptions& options);

  std::vector<JobEffect> on_event(const JobEvent& event);

  JobState state() const { return state_; }
  Term term() const { return log_.state().term(); }
  Attempt attempt() const { return log_.state().attempt(); }
  std::optional<CutId> cut_in_flight() const;
  std::optional<CutId> newest_complete() const { return log_.state().newest_complete(); }
  // Of the newest attempt that was started; null before.
  const std::shared_ptr<const Placement>& placement() const { return placement_; }
  const std::map<CutId, Attempt>& complete_cuts() const { return log_.state().complete(); }
  const std::map<std::string, CutId>& savepoints() const { return log_.state().savepoints(); }
  // Complete, and the sinks are not known to have their outputs; nothing without sinks.
  std::optional<std::size_t> cuts_unreleased() const;
  // The attempt that runs was taken over from an earlier coordinator as it ran.
  bool is_adopted() const { return is_adopted_; }

 private:
  using Effects = std::vector<JobEffect>;

  void on(const JobStarted& event, Effects& effects);
  void on(const SplitsFound& event, Effects& effects);
  void on(const SplitsStored& event, Effects& effects);
  void on(const WorkerRegistered& event, Effects& effects);
  void on(const WorkerLost& event, Effects& effects);
  void on(const WorkerStarted& event, Effects& effects);
  void on(const WorkerRefused& event, Effects& effects);
  void on(const ManifestRead& event, Effects& effects);
  void on(const ManifestWritten& event, Effects& effects);
  void on(const TrainerFinished& event, Effects& effects);
  void on(const TrainerSnapshot& event, Effects& effects);
  void on(const ShardSnapshot& event, Effects& effects);
  void on(const WorkerPart& event, Effects& effects);
  void on(const AttemptFailed& event, Effects& effects);
  void on(const CutFailed& event, Effects& effects);
  void on(const OutputsReleased& event, Effects& effects);
  void on(const CutRequested& event, Effects& effects);
  void on(const SavepointRequested& event, Effects& effects);
  void on(const ReleaseRequested& event, Effects& effects);
  void on(const StopRequested& event, Effects& effects);
  void on(const CancelRequested& event, Effects& effects);
  void on(const Tick& event, Effects& effects);
  void on(const LogListed& event, Effects& effects);
  void on(const LogRead& event, Effects& effects);
  void on(const LogWritten& event, Effects& effects);

  void run_log(std::vector<LogEffect> log_effects, Effects& effects);
  void on_committed(const CommitEntry& entry, Effects& effects);
  void on_lead(const CommitEntry& lead, Effects& effects);
  void on_attempt_durable(const CommitEntry& takeover, Effects& effects);
  void raise_attempt(Effects& effects);
  bool must_branch() const;
  void begin_branch(Effects& effects);
  void learn_splits(const std::vector<SplitProgress>& splits, Effects& effects);
  bool lacks_splits(const CutContents& contents) const;
  std::shared_ptr<const CutContents> with_all_splits(std::shared_ptr<const CutContents> cut) const;
  void go_on_with_splits(Effects& effects);
  void on_cut_complete(CutId cut, Effects& effects);
  void choose_restore(Effects& effects);
  CutContents cut_zero() const;
  void write_cut_zero(Effects& effects);
  void on_cut_zero_written(const Status& status, Effects& effects);
  void restore(std::shared_ptr<const CutContents> contents, Effects& effects);
  void take_part(WorkerId worker, Effects& effects);
  void maybe_adopt(Effects& effects);
  Status find_conflict(WorkerId worker, const RunningPart& part) const;
  Result<std::optional<Placement>> find_running_attempt() const;
  bool may_run_at_another_size() const;
  void adopt(Placement placement, Effects& effects);
  void give_up_adoption(const std::string& why, Effects& effects);
  bool is_part_misplaced(WorkerId worker, const RunningPart& part) const;
  void maybe_start_attempt(Effects& effects);
  void send_start(WorkerId worker, Effects& effects);
  void maybe_trigger_cut(Effects& effects);
  void abort_cut(const Status& why, Effects& effects);
  void name_savepoints(Effects& effects);
  void on_savepoint_named(const CommitEntry& entry, Effects& effects);
  void fail_savepoints(const Status& why, Effects& effects);
  Status refuse_savepoint(const std::string& name) const;
  void refuse_taken_names(Effects& effects);
  void release_passed(Effects& effects);
  void maybe_end(Effects& effects);
  void end(bool was_stopped, Effects& effects);
  void release_outputs(Effects& effects);
  bool has_released(ReplicaId replica) const;
  bool awaits_release() const;
  bool fail_when_unreleased(Effects& effects);
  void cancel(Effects& effects);
  void check_cut(Effects& effects);
  void lose_attempt(const Status& why, Effects& effects);
  void note_trouble(const Status& why);
  void note_log_trouble(const Status& why, Effects& effects);
  bool fail_when_stuck(Effects& effects);
  void retire_old(Effects& effects);
  void begin_close(std::shared_ptr<const CutContents> contents, Effects& effects);
  void stop_workers(Effects& effects);
  void finish(bool was_stopped, Effects& effects);
  void fail(Status status, Effects& effects);
  void resend(Effects& effects);
  bool is_current(Attempt attempt) const;
  static bool is_fatal(Code code);
  bool is_over() const;
  void note(std::string text, Effects& effects, bool is_warning = false) const;

  JobOptions options_;
  CommitLog log_;
  JobState state_ = JobState::taking_over;
  Milliseconds now_{0};

  std::vector<SplitProgress> first_positions_;  // of all known splits, in order
  std::size_t planned_splits_ = 0;              // those of cut 0 come first
  bool is_storing_splits_ = false;
  std::optional<StartFrom> from_;
  WorkerRooms workers_;
  std::set<CutId> damaged_;  // complete, but their manifest cannot be used
  // What the attempt starts from. Started by this life, with all splits that it reads.
  std::shared_ptr<const CutContents> restored_;
  std::shared_ptr<const CutContents> last_complete_;
  std::shared_ptr<const Placement> placement_;
  std::vector<std::vector<SplitProgress>> assignment_;
  std::set<WorkerId> starting_;            // StartWorker or AdoptWorker not yet answered
  std::map<WorkerId, RunningPart> parts_;  // as registered last
  bool may_adopt_ = false;                 // the newest attempt may still run
  bool is_adopted_ = false;
  Milliseconds adopting_since_{0};
  std::set<ReplicaId> finished_;

  std::map<ReplicaId, CutId> released_;       // of this attempt: what the sinks have
  std::optional<bool> is_ending_by_request_;  // the last cut is complete and waits for the sinks
  Milliseconds ending_since_{0};

  std::optional<CutTracker> tracker_;  // the cut in flight
  bool is_writing_manifest_ = false;
  // To be read or written, not answered yet: a slow store is not asked again meanwhile.
  std::uint32_t manifests_asked_ = 0;
  std::shared_ptr<const CutContents> closing_;  // its complete entry is being logged
  bool is_abandoning_ = false;
  std::set<CutId> retiring_;  // their retire entries are being logged
  bool is_cut_requested_ = false;
  std::deque<std::string> savepoints_waiting_;  // for the next cut
  std::vector<std::string> savepoints_open_;    // of the cut in flight
  std::map<std::string, CutId> naming_;         // their entries are being logged
  std::set<std::string> releasing_;             // likewise
  bool is_stop_requested_ = false;
  bool is_cancel_requested_ = false;
  bool has_confirmed_lead_ = false;  // since the last readable manifest
  bool is_raising_ = false;          // the next attempt is being logged
  // What was refused last; ok once a cut was completed.
  Status trouble_;
  // The first refusal while the job can neither begin nor end without its store.
  std::optional<Milliseconds> trouble_since_;
  Milliseconds last_trouble_{0};
  Milliseconds last_cut_at_{0};
  Milliseconds cut_started_at_{0};
  Milliseconds starting_since_{0};
  Milliseconds last_resend_{0};
  Milliseconds start_at_{0};  // end of the backoff
  std::uint32_t restarts_ = 0;
};

}  // namespace millrace
