// The parts of JobMachine that concern cuts: trigger, collect, audit, complete, abandon, retire.
#include <algorithm>
#include <utility>

#include "common/base/mark.hpp"
#include "coordinator/core/job_machine.hpp"

namespace millrace {

std::optional<CutId> JobMachine::cut_in_flight() const {
  if (tracker_) return tracker_->cut();
  if (closing_ != nullptr) return closing_->cut;
  return std::nullopt;
}

void JobMachine::on(const CutRequested&, Effects& effects) {
  is_cut_requested_ = true;
  maybe_trigger_cut(effects);
}

void JobMachine::on(const TrainerFinished& event, Effects& effects) {
  if (!is_current(event.attempt) || event.replica.value >= options_.parallelism) return;
  finished_.insert(event.replica);
  maybe_trigger_cut(effects);
}

// The id of the next cut is in no log entry: the one before it was completed or abandoned there
// first.
void JobMachine::maybe_trigger_cut(Effects& effects) {
  const bool is_free = !tracker_ && closing_ == nullptr && !is_abandoning_ && naming_.empty();
  if (state_ != JobState::running || !is_free || is_ending_by_request_) return;
  const bool is_due = options_.checkpoint_interval.count() > 0 &&
                      now_ - last_cut_at_ >= options_.checkpoint_interval;
  const bool has_ended = finished_.size() == options_.parallelism;
  const bool is_asked = is_cut_requested_ || is_stop_requested_ || !savepoints_waiting_.empty();
  if (!is_due && !has_ended && !is_asked) return;
  is_cut_requested_ = false;
  savepoints_open_.assign(savepoints_waiting_.begin(), savepoints_waiting_.end());
  savepoints_waiting_.clear();
  cut_started_at_ = now_;
  tracker_.emplace(term(), attempt(), log_.state().next_cut(), placement_,
                   options_.mutations.tracker);
  for (const WorkerId worker : placement_->workers()) {
    effects.emplace_back(TriggerCut{worker, term(), attempt(), tracker_->cut()});
  }
}

void JobMachine::on(const TrainerSnapshot& event, Effects& effects) {
  if (is_current(event.attempt) && tracker_ && tracker_->add(event)) check_cut(effects);
}

void JobMachine::on(const ShardSnapshot& event, Effects& effects) {
  if (is_current(event.attempt) && tracker_ && tracker_->add(event)) check_cut(effects);
}

void JobMachine::on(const WorkerPart& event, Effects& effects) {
  if (is_current(event.attempt) && tracker_ && tracker_->add(event)) check_cut(effects);
}

void JobMachine::on(const CutFailed& event, Effects& effects) {
  const bool is_mine = is_current(event.attempt) && tracker_ && tracker_->cut() == event.cut;
  if (!is_mine) return;
  note_trouble(event.status);
  abort_cut(event.status, effects);
  MILLRACE_MARK(cut_refused);
}

void JobMachine::check_cut(Effects& effects) {
  if (is_writing_manifest_ || !tracker_->is_complete()) return;
  if (Status status = tracker_->audit(*restored_, first_positions_); !status.is_ok()) {
    if (!options_.mutations.skip_audit) {
      effects.emplace_back(AuditFailed{tracker_->cut(), status});
      lose_attempt(status, effects);
      return;
    }
  }
  is_writing_manifest_ = true;
  ++manifests_asked_;
  effects.emplace_back(WriteManifest{tracker_->contents()});
  if (options_.mutations.retire_before_complete) retire_old(effects);
}

void JobMachine::on(const ManifestWritten& event, Effects& effects) {
  if (manifests_asked_ > 0) --manifests_asked_;
  const bool is_cut_zero = event.cut == CutId(0) && state_ == JobState::preparing && !is_raising_ &&
                           event.attempt == attempt() && closing_ == nullptr &&
                           !log_.state().is_cut_zero_complete();
  if (is_cut_zero) {
    on_cut_zero_written(event.status, effects);
    return;
  }
  const bool is_mine =
      is_current(event.attempt) && tracker_ && is_writing_manifest_ && tracker_->cut() == event.cut;
  if (!is_mine) return;
  if (!event.status.is_ok()) {
    note_trouble(event.status);
    MILLRACE_MARK(manifest_not_written);
    abort_cut(event.status.with_context("its manifest was not written"), effects);
    return;
  }
  auto contents = std::make_shared<const CutContents>(tracker_->contents());
  tracker_.reset();
  is_writing_manifest_ = false;
  begin_close(std::move(contents), effects);
}

void JobMachine::on_cut_zero_written(const Status& status, Effects& effects) {
  if (!status.is_ok()) {
    MILLRACE_MARK(cut_zero_not_written);
    note_trouble(status);  // it is written again after the retry interval
    return;
  }
  begin_close(std::make_shared<const CutContents>(cut_zero()), effects);
}

void JobMachine::begin_close(std::shared_ptr<const CutContents> contents, Effects& effects) {
  closing_ = std::move(contents);
  if (options_.mutations.publish_before_complete) effects.emplace_back(Publish{closing_});
  run_log(log_.complete(closing_->cut), effects);
}

void JobMachine::on_cut_complete(CutId cut, Effects& effects) {
  trouble_ = Status();
  trouble_since_.reset();
  last_complete_ = std::move(closing_);
  closing_.reset();
  last_cut_at_ = now_;
  if (cut == CutId(0)) {
    // The attempt may have been raised meanwhile; its takeover decides what to restore.
    if (!is_raising_) restore(last_complete_, effects);
    MILLRACE_MARK(cut_zero_complete);
    return;
  }
  restarts_ = 0;
  release_outputs(effects);
  if (!options_.mutations.publish_before_complete) effects.emplace_back(Publish{last_complete_});
  name_savepoints(effects);
  release_passed(effects);
  retire_old(effects);
  maybe_end(effects);
}

// After a cut, once its names are durable too.
void JobMachine::maybe_end(Effects& effects) {
  if (state_ != JobState::running || !naming_.empty()) return;
  const bool lacks = lacks_splits(*last_complete_);
  if (last_complete_->is_final && !lacks) {
    end(false, effects);
  } else if (is_stop_requested_) {
    end(true, effects);
  } else if (lacks && !options_.mutations.forget_new_splits) {
    go_on_with_splits(effects);
  } else {
    maybe_trigger_cut(effects);
  }
}

// Workers are told at once; the next cut waits until the log says that this id is used up.
void JobMachine::abort_cut(const Status& why, Effects& effects) {
  MILLRACE_MARK(cut_aborted);
  const CutId cut = tracker_->cut();
  note("checkpoint " + std::to_string(cut.value) + " was aborted: " + why.message(), effects, true);
  for (const std::string& name : std::exchange(savepoints_open_, {})) {
    effects.emplace_back(SavepointFailed{name, why.with_context("the checkpoint was aborted")});
  }
  for (const WorkerId worker : placement_->workers()) {
    effects.emplace_back(AbortCut{worker, term(), attempt(), cut});
  }
  tracker_.reset();
  is_writing_manifest_ = false;
  last_cut_at_ = now_;
  if (options_.mutations.reuse_cut_id) return;
  is_abandoning_ = true;
  run_log(log_.abandon(cut), effects);
}

void JobMachine::note_trouble(const Status& why) {
  if (!trouble_since_) trouble_since_ = now_;
  last_trouble_ = now_;
  trouble_ = why;
}

// Nothing else would be heard of it while the job trains on. Said once: it is tried again and
// again.
void JobMachine::note_log_trouble(const Status& why, Effects& effects) {
  if (trouble_.is_ok()) {
    note("the commit log cannot be used, so no checkpoint is completed: " + why.message(), effects,
         true);
  }
  note_trouble(why);
}

// Between its beginning and its end a job trains on without checkpoints and hopes for better days:
// what was refused then is forgotten, and patience begins with the next refusal. A refusal must
// also end it: after the last one the store may be at work, however slowly.
bool JobMachine::fail_when_stuck(Effects& effects) {
  const bool is_beginning = state_ == JobState::taking_over || state_ == JobState::preparing;
  const bool has_ended = finished_.size() == options_.parallelism || is_stop_requested_;
  const bool is_ending = state_ == JobState::running && has_ended;
  if (!is_beginning && !is_ending) trouble_since_.reset();
  if (!trouble_since_ || last_trouble_ - *trouble_since_ < options_.store_patience) return false;
  const auto newest = newest_complete();
  const std::string mend = trouble_.hint().empty() ? "mend the store" : trouble_.hint();
  fail(Status(Code::resource_exhausted,
              "no checkpoint could be stored or read for " +
                  std::to_string((last_trouble_ - *trouble_since_).count() / 1000) +
                  " s: " + trouble_.message(),
              mend + "; then run the job again: it goes on from checkpoint " +
                  std::to_string(newest ? newest->value : 0)),
       effects);
  return true;
}

// Damaged cuts do not count as kept, and go when all that is older than the kept ones goes; so does
// what a branch has left behind, once there is a cut behind the branch. Savepoints stay.
void JobMachine::retire_old(Effects& effects) {
  const LogState& state = log_.state();
  const auto restorable = state.restorable();
  std::set<CutId> kept;
  std::size_t usable = 0;
  for (const CutId cut : restorable) {
    if (usable == options_.retain) break;
    kept.insert(cut);
    usable += damaged_.contains(cut) ? 0 : 1;
  }
  const bool has_branched =
      state.branch() && (restorable.empty() || restorable.front() < state.branch()->begin);
  std::vector<CutId> surplus;
  for (const auto& [cut, taken_by] : state.complete()) {
    const bool is_pinned = state.is_savepoint(cut) && !options_.mutations.retire_savepoints;
    const bool is_kept = kept.contains(cut) || is_pinned || has_branched;
    const bool is_old = !is_kept || options_.mutations.retire_before_complete;
    if (is_old && retiring_.insert(cut).second) surplus.push_back(cut);
  }
  for (const CutId cut : surplus) run_log(log_.retire(cut), effects);
}

}  // namespace millrace
