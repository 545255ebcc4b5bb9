#include "coordinator/core/job_machine.hpp"

#include <algorithm>
#include <utility>

#include "common/base/check.hpp"
#include "common/base/mark.hpp"

namespace millrace {

const char* to_string(JobState state) {
  switch (state) {
    case JobState::taking_over:
      return "taking_over";
    case JobState::preparing:
      return "preparing";
    case JobState::adopting:
      return "adopting";
    case JobState::waiting:
      return "waiting";
    case JobState::starting:
      return "starting";
    case JobState::running:
      return "running";
    case JobState::finished:
      return "finished";
    case JobState::failed:
      return "failed";
    case JobState::cancelled:
      return "cancelled";
    case JobState::deposed:
      return "deposed";
  }
  return "unknown";
}

JobMachine::JobMachine(const JobOptions& options)
    : options_(options), log_({options.writer, options.log_snapshot_every, options.mutations.log}) {
  MILLRACE_CHECK(options_.parallelism >= 1 && options_.shards >= 1 && options_.retain >= 1);
}

std::vector<JobEffect> JobMachine::on_event(const JobEvent& event) {
  Effects effects;
  if (is_over()) return effects;
  std::visit([&](const auto& e) { on(e, effects); }, event);
  return effects;
}

// Errors that the same job would meet again.
bool JobMachine::is_fatal(Code code) {
  return code == Code::invalid_argument || code == Code::conflict ||
         code == Code::unsupported_format || code == Code::permission_denied ||
         code == Code::job_failed;
}

bool JobMachine::is_over() const {
  return state_ == JobState::finished || state_ == JobState::failed ||
         state_ == JobState::cancelled || state_ == JobState::deposed;
}

bool JobMachine::is_current(Attempt attempt) const {
  const bool is_up = state_ == JobState::starting || state_ == JobState::running;
  return is_up && (attempt == this->attempt() || options_.mutations.accept_old_attempts);
}

void JobMachine::note(std::string text, Effects& effects, bool is_warning) const {
  effects.emplace_back(Note{is_warning, std::move(text)});
}

// ---- The log and what it makes durable
// ---------------------------------------------------------------

void JobMachine::on(const JobStarted& event, Effects& effects) {
  first_positions_ = event.splits;
  // Where none are told, a cut 0 that is there has all that there are.
  const std::size_t all = event.splits.empty() ? ~std::size_t{0} : event.splits.size();
  planned_splits_ = event.planned.value_or(all);
  from_ = event.from;
  run_log(log_.take_over(options_.adoption_patience.count() > 0), effects);
}

void JobMachine::on(const LogListed& event, Effects& effects) {
  run_log(log_.on_listed(event), effects);
  if (!event.newest.is_ok() && !is_over()) note_log_trouble(event.newest.status(), effects);
}

void JobMachine::on(const LogRead& event, Effects& effects) {
  run_log(log_.on_read(event), effects);
  if (!event.entry.is_ok() && !is_over()) note_log_trouble(event.entry.status(), effects);
}

void JobMachine::on(const LogWritten& event, Effects& effects) {
  if (!event.why.is_ok()) note_log_trouble(event.why, effects);
  run_log(log_.on_written(event), effects);
}

void JobMachine::run_log(std::vector<LogEffect> log_effects, Effects& effects) {
  for (LogEffect& effect : log_effects) {
    if (auto* write = std::get_if<WriteLog>(&effect)) {
      effects.emplace_back(std::move(*write));
    } else if (auto* read = std::get_if<ReadLog>(&effect)) {
      effects.emplace_back(*read);
    } else if (auto* list = std::get_if<ListLog>(&effect)) {
      effects.emplace_back(*list);
    } else if (auto* trim = std::get_if<TrimLog>(&effect)) {
      effects.emplace_back(*trim);
    } else if (auto* committed = std::get_if<LogCommitted>(&effect)) {
      on_committed(committed->entry, effects);
    } else if (auto* deposed = std::get_if<LogDeposed>(&effect)) {
      state_ = JobState::deposed;
      fail_savepoints(Status(Code::unreachable, "another coordinator leads this job"), effects);
      effects.emplace_back(JobDeposed{deposed->by.writer});
    } else if (auto* failed = std::get_if<LogFailed>(&effect)) {
      fail(failed->status, effects);
    }
  }
}

void JobMachine::on_committed(const CommitEntry& entry, Effects& effects) {
  switch (entry.kind) {
    case CommitKind::lead:
      on_lead(entry, effects);
      break;
    case CommitKind::takeover:
      on_attempt_durable(entry, effects);
      break;
    case CommitKind::branch:
      note("going on from checkpoint " + std::to_string(entry.cut.value) + ", as was asked for",
           effects);
      choose_restore(effects);
      break;
    case CommitKind::savepoint:
      on_savepoint_named(entry, effects);
      break;
    case CommitKind::release:
      releasing_.erase(entry.name);
      effects.emplace_back(SavepointReleased{entry.name});
      retire_old(effects);
      break;
    case CommitKind::complete:
      on_cut_complete(entry.cut, effects);
      break;
    case CommitKind::abandon:
      is_abandoning_ = false;
      effects.emplace_back(RemoveCut{entry.cut});
      maybe_trigger_cut(effects);
      break;
    case CommitKind::retire:
      retiring_.erase(entry.cut);
      effects.emplace_back(RemoveCut{entry.cut});
      break;
    case CommitKind::snapshot:
      break;
  }
}

// An attempt that cut 0 was not written for never ran, and a branch needs one of its own.
void JobMachine::on_lead(const CommitEntry& lead, Effects& effects) {
  state_ = JobState::preparing;
  note("leading attempt " + std::to_string(lead.attempt.value) + " in term " +
           std::to_string(lead.term.value),
       effects);
  if (is_cancel_requested_) return cancel(effects);
  refuse_taken_names(effects);
  effects.emplace_back(RemoveCut{CutId(lead.cut.value - 1)});
  may_adopt_ = log_.state().is_cut_zero_complete() && !must_branch();
  if (may_adopt_) {
    choose_restore(effects);
  } else {
    raise_attempt(effects);
  }
}

void JobMachine::raise_attempt(Effects& effects) {
  is_raising_ = true;
  may_adopt_ = false;
  run_log(log_.raise_attempt(), effects);
}

void JobMachine::on_attempt_durable(const CommitEntry& takeover, Effects& effects) {
  is_raising_ = false;
  may_adopt_ = false;
  state_ = JobState::preparing;
  note("attempt " + std::to_string(takeover.attempt.value) + " opened in term " +
           std::to_string(takeover.term.value),
       effects);
  if (is_cancel_requested_) return cancel(effects);
  refuse_taken_names(effects);
  // The id passed over may belong to a cut that was open: whatever it left is garbage now.
  if (takeover.cut > CutId(2)) effects.emplace_back(RemoveCut{CutId(takeover.cut.value - 1)});
  MILLRACE_MARK(attempt_opened);
  if (must_branch()) {
    begin_branch(effects);
  } else if (log_.state().is_cut_zero_complete()) {
    choose_restore(effects);
  } else {
    write_cut_zero(effects);
  }
}

bool JobMachine::must_branch() const {
  if (!from_ || options_.mutations.forget_branch) return false;
  const auto& branch = log_.state().branch();
  return !branch || branch->request != from_->request;
}

void JobMachine::begin_branch(Effects& effects) {
  const LogState& state = log_.state();
  std::optional<CutId> cut = from_->cut;
  if (!cut) {
    const auto named = state.savepoints().find(from_->savepoint);
    if (named != state.savepoints().end()) cut = named->second;
  }
  if (!is_log_name(from_->request)) {
    fail(Status(Code::invalid_argument, "the request to start from a checkpoint has no valid id"),
         effects);
  } else if (!cut || !state.complete().contains(*cut)) {
    MILLRACE_MARK(branch_from_nothing);
    const std::string what =
        from_->cut ? "checkpoint " + std::to_string(cut->value) : "savepoint " + from_->savepoint;
    fail(Status(Code::not_found, what + " is not there: it was never complete, or it was retired",
                "`millrace checkpoints` lists those that are kept"),
         effects);
  } else {
    run_log(log_.branch(*cut, from_->request), effects);
    MILLRACE_MARK(branched);
  }
}

CutContents JobMachine::cut_zero() const {
  CutContents contents;
  contents.term = term();
  contents.attempt = attempt();
  contents.splits = first_positions_;
  contents.splits.resize(std::min(planned_splits_, first_positions_.size()));
  return contents;
}

void JobMachine::write_cut_zero(Effects& effects) {
  ++manifests_asked_;
  effects.emplace_back(WriteManifest{cut_zero()});
}

void JobMachine::choose_restore(Effects& effects) {
  const auto& complete = log_.state().complete();
  for (const CutId cut : log_.state().restorable()) {
    if (damaged_.contains(cut)) continue;
    ++manifests_asked_;
    effects.emplace_back(ReadManifest{cut, complete.at(cut)});
    restored_.reset();
    return;
  }
  // A deposed coordinator finds nothing either: its cuts were retired by the one that leads now.
  // The log knows, and what was misread gets a second chance.
  if (!has_confirmed_lead_) {
    MILLRACE_MARK(no_cut_readable);
    has_confirmed_lead_ = true;
    damaged_.clear();
    raise_attempt(effects);
    return;
  }
  fail(Status(Code::corrupted, "no complete checkpoint of this job can be read",
              "restore the checkpoint store from a backup, or start again with --fresh"),
       effects);
}

void JobMachine::on(const ManifestRead& event, Effects& effects) {
  if (manifests_asked_ > 0) --manifests_asked_;
  const bool is_expected = state_ == JobState::preparing && !is_raising_ && restored_ == nullptr &&
                           log_.state().complete().contains(event.cut) &&
                           !damaged_.contains(event.cut);
  if (!is_expected) return;
  if (event.contents.is_ok() && event.contents.value().cut == event.cut) {
    restore(std::make_shared<const CutContents>(event.contents.value()), effects);
    return;
  }
  const Code code = event.contents.is_ok() ? Code::corrupted : event.contents.status().code();
  if (code == Code::corrupted || code == Code::not_found) {
    MILLRACE_MARK(cut_damaged);
    damaged_.insert(event.cut);
    note("checkpoint " + std::to_string(event.cut.value) +
             " is damaged and skipped for the one before it: " + event.contents.status().message(),
         effects, true);
    choose_restore(effects);
  } else if (is_fatal(code)) {
    fail(event.contents.status(), effects);
  } else {
    // It may pass: the manifest is read again after the retry interval.
    MILLRACE_MARK(manifest_unreadable_now);
    note_trouble(event.contents.status());
  }
}

void JobMachine::restore(std::shared_ptr<const CutContents> contents, Effects& effects) {
  restored_ = std::move(contents);
  has_confirmed_lead_ = false;
  last_complete_ = restored_;
  if (!restored_->parts.empty()) effects.emplace_back(PublishRestored{restored_});
  // Whether its sinks have everything is for an attempt to find out.
  if (restored_->is_final && !lacks_splits(*restored_) && !options_.has_sinks) {
    MILLRACE_MARK(restored_final_cut);
    finish(false, effects);
    return;
  }
  state_ = may_adopt_ ? JobState::adopting : JobState::waiting;
  adopting_since_ = now_;
  maybe_adopt(effects);
  maybe_start_attempt(effects);
}

// ---- The end, and time
// -------------------------------------------------------------------------------

void JobMachine::on(const CancelRequested&, Effects& effects) {
  is_cancel_requested_ = true;
  MILLRACE_MARK(cancel_requested);
  if (log_.leads()) cancel(effects);  // else once a term allows it to tell the workers
}

void JobMachine::cancel(Effects& effects) {
  fail_savepoints(Status(Code::cancelled, "the job was cancelled first"), effects);
  stop_workers(effects);
  state_ = JobState::cancelled;
  effects.emplace_back(JobCancelled{last_complete_});
}

void JobMachine::finish(bool was_stopped, Effects& effects) {
  fail_savepoints(Status(Code::conflict, "the job has ended"), effects);
  stop_workers(effects);
  state_ = JobState::finished;
  effects.emplace_back(JobFinished{last_complete_, was_stopped});
}

void JobMachine::fail(Status status, Effects& effects) {
  if (is_over()) return;
  fail_savepoints(status.with_context("the job has failed"), effects);
  stop_workers(effects);
  state_ = JobState::failed;
  effects.emplace_back(JobFailed{std::move(status)});
}

void JobMachine::on(const Tick& event, Effects& effects) {
  now_ = std::max(now_, event.now);
  if (now_ - last_resend_ >= options_.retry_interval) {
    last_resend_ = now_;
    resend(effects);
    if (is_over()) return;
  }
  if (fail_when_stuck(effects) || fail_when_unreleased(effects)) return;
  if (tracker_ && now_ - cut_started_at_ >= options_.cut_timeout) {
    abort_cut(Status(Code::unreachable, "it took longer than " +
                                            std::to_string(options_.cut_timeout.count()) +
                                            " ms; missing: " + tracker_->missing()),
              effects);
    // Synchronous rounds, and cuts with them, stand still where no records come, and they may come
    // in the new splits alone.
    const bool may_be_starved = options_.mode == MergeMode::synchronous;
    if (may_be_starved && lacks_splits(*restored_)) {
      MILLRACE_MARK(splits_joined_without_a_cut);
      go_on_with_splits(effects);
    }
  }
  if (state_ == JobState::starting && now_ - starting_since_ >= options_.start_timeout) {
    MILLRACE_MARK(start_timed_out);
    lose_attempt(Status(Code::timed_out, "worker " + std::to_string(starting_.begin()->value) +
                                             " did not start its part in time"),
                 effects);
  }
  maybe_adopt(effects);
  maybe_start_attempt(effects);
  maybe_trigger_cut(effects);
}

void JobMachine::resend(Effects& effects) {
  run_log(log_.retry(), effects);
  const bool is_free = log_.is_idle() && manifests_asked_ == 0;
  const bool has_settled = state_ == JobState::preparing && !is_raising_ && is_free;
  if (has_settled && !log_.state().is_cut_zero_complete()) {
    MILLRACE_MARK(cut_zero_written_again);
    write_cut_zero(effects);
  } else if (has_settled && restored_ == nullptr) {
    MILLRACE_MARK(manifest_read_again);
    choose_restore(effects);
  }
  for (const WorkerId worker : starting_) {
    if (state_ == JobState::starting) send_start(worker, effects);
  }
  if (state_ == JobState::running && awaits_release()) release_outputs(effects);
  if (!tracker_) return;
  for (const WorkerId worker : tracker_->waiting_for()) {
    effects.emplace_back(TriggerCut{worker, term(), attempt(), tracker_->cut()});
  }
}

}  // namespace millrace
