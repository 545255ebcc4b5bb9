#include "coordinator/core/job_machine.hpp"

#include <algorithm>
#include <utility>

#include "common/base/check.hpp"

namespace millrace {

namespace {

// Errors that the same job would meet again.
bool is_fatal(Code code) {
  return code == Code::invalid_argument || code == Code::conflict ||
         code == Code::unsupported_format || code == Code::permission_denied ||
         code == Code::job_failed;
}

}  // namespace

const char* to_string(JobState state) {
  switch (state) {
    case JobState::taking_over:
      return "taking_over";
    case JobState::preparing:
      return "preparing";
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

bool JobMachine::is_over() const {
  return state_ == JobState::finished || state_ == JobState::failed || state_ == JobState::deposed;
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
  initial_splits_ = event.splits;
  run_log(log_.take_over(), effects);
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
      effects.emplace_back(JobDeposed{deposed->by.writer});
    } else if (auto* failed = std::get_if<LogFailed>(&effect)) {
      fail(failed->status, effects);
    }
  }
}

void JobMachine::on_committed(const CommitEntry& entry, Effects& effects) {
  switch (entry.kind) {
    case CommitKind::takeover:
      on_attempt_durable(entry, effects);
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

void JobMachine::on_attempt_durable(const CommitEntry& takeover, Effects& effects) {
  is_raising_ = false;
  state_ = JobState::preparing;
  note("attempt " + std::to_string(takeover.attempt.value) + " opened in term " +
           std::to_string(takeover.term.value),
       effects);
  // The id passed over may belong to a cut that was open: whatever it left is garbage now.
  if (takeover.cut > CutId(2)) effects.emplace_back(RemoveCut{CutId(takeover.cut.value - 1)});
  if (log_.state().is_cut_zero_complete()) {
    choose_restore(effects);
  } else {
    write_cut_zero(effects);
  }
}

CutContents JobMachine::cut_zero() const {
  CutContents contents;
  contents.term = term();
  contents.attempt = attempt();
  contents.splits = initial_splits_;
  return contents;
}

void JobMachine::write_cut_zero(Effects& effects) {
  ++manifests_asked_;
  effects.emplace_back(WriteManifest{cut_zero()});
}

void JobMachine::choose_restore(Effects& effects) {
  const auto& complete = log_.state().complete();
  for (auto cut = complete.rbegin(); cut != complete.rend(); ++cut) {
    if (damaged_.contains(cut->first)) continue;
    ++manifests_asked_;
    effects.emplace_back(ReadManifest{cut->first, cut->second});
    restored_.reset();
    return;
  }
  // A deposed coordinator finds nothing either: its cuts were retired by the one that leads now.
  // The log knows, and what was misread gets a second chance.
  if (!has_confirmed_lead_) {
    has_confirmed_lead_ = true;
    damaged_.clear();
    is_raising_ = true;
    run_log(log_.raise_attempt(), effects);
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
    damaged_.insert(event.cut);
    note("checkpoint " + std::to_string(event.cut.value) +
             " is damaged and skipped for the one before it: " + event.contents.status().message(),
         effects, true);
    choose_restore(effects);
  } else if (is_fatal(code)) {
    fail(event.contents.status(), effects);
  } else {
    // It may pass: the manifest is read again after the retry interval.
    note_trouble(event.contents.status());
  }
}

void JobMachine::restore(std::shared_ptr<const CutContents> contents, Effects& effects) {
  restored_ = std::move(contents);
  has_confirmed_lead_ = false;
  last_complete_ = restored_;
  if (!restored_->parts.empty()) effects.emplace_back(PublishRestored{restored_});
  if (restored_->is_final) {
    finish(false, effects);
    return;
  }
  state_ = JobState::waiting;
  maybe_start_attempt(effects);
}

// ---- Workers and attempts
// ----------------------------------------------------------------------------

void JobMachine::on(const WorkerRegistered& event, Effects& effects) {
  workers_.insert(event.worker);
  maybe_start_attempt(effects);
}

void JobMachine::on(const WorkerLost& event, Effects& effects) {
  workers_.erase(event.worker);
  const bool is_up = state_ == JobState::starting || state_ == JobState::running;
  if (!is_up || !placement_->uses(event.worker)) return;
  lose_attempt(
      Status(Code::unreachable, "worker " + std::to_string(event.worker.value) + " was lost"),
      effects);
}

void JobMachine::maybe_start_attempt(Effects& effects) {
  if (state_ != JobState::waiting || workers_.empty() || now_ < start_at_) return;
  const std::vector<WorkerId> workers(workers_.begin(), workers_.end());
  placement_ =
      std::make_shared<const Placement>(place(workers, options_.parallelism, options_.shards));
  assignment_ = assign_splits(restored_->splits, options_.parallelism);
  finished_.clear();
  state_ = JobState::starting;
  starting_since_ = now_;
  last_resend_ = now_;
  const auto hosts = placement_->workers();
  starting_ = {hosts.begin(), hosts.end()};
  for (const WorkerId worker : hosts) send_start(worker, effects);
}

void JobMachine::send_start(WorkerId worker, Effects& effects) {
  StartWorker start{worker, term(), attempt(), {}, {}, placement_, restored_};
  for (std::uint32_t i = 0; i < placement_->replicas.size(); ++i) {
    if (placement_->replicas[i] != worker) continue;
    start.replicas.push_back(ReplicaAssignment{ReplicaId(i), assignment_[i]});
  }
  for (std::uint32_t i = 0; i < placement_->shards.size(); ++i) {
    if (placement_->shards[i] == worker) start.shards.push_back(ShardId(i));
  }
  effects.emplace_back(std::move(start));
}

void JobMachine::on(const WorkerStarted& event, Effects& effects) {
  if (!is_current(event.attempt) || starting_.erase(event.worker) == 0) return;
  if (!starting_.empty() || state_ != JobState::starting) return;
  state_ = JobState::running;
  last_cut_at_ = now_;
  note("running from checkpoint " + std::to_string(restored_->cut.value), effects);
  maybe_trigger_cut(effects);
}

// Raising the attempt asks the log, which knows who leads.
void JobMachine::on(const WorkerRefused& event, Effects& effects) {
  const bool is_up = state_ == JobState::starting || state_ == JobState::running;
  if (!is_up || event.newer <= attempt()) return;
  lose_attempt(Status(Code::conflict, "worker " + std::to_string(event.worker.value) +
                                          " runs attempt " + std::to_string(event.newer.value)),
               effects);
}

void JobMachine::on(const AttemptFailed& event, Effects& effects) {
  if (!is_current(event.attempt)) return;
  if (is_fatal(event.status.code())) {
    fail(event.status, effects);
    return;
  }
  // Nobody could restore it: the bytes behind a good manifest are rotten.
  if (event.status.code() == Code::corrupted && state_ == JobState::starting) {
    damaged_.insert(restored_->cut);
    note("checkpoint " + std::to_string(restored_->cut.value) +
             " is damaged and skipped for the one before it: " + event.status.message(),
         effects, true);
  }
  lose_attempt(event.status, effects);
}

void JobMachine::lose_attempt(const Status& why, Effects& effects) {
  note("attempt " + std::to_string(attempt().value) + " is lost: " + why.message(), effects, true);
  if (restarts_ >= options_.restarts_max) {
    fail(why.with_context("the job was restarted " + std::to_string(restarts_) +
                          " times without completing a checkpoint"),
         effects);
    return;
  }
  const Milliseconds delay = std::min<Milliseconds>(
      options_.backoff * (1 << std::min(restarts_, 20u)), options_.backoff_max);
  start_at_ = now_ + delay;
  ++restarts_;
  tracker_.reset();
  is_writing_manifest_ = false;
  restored_.reset();
  stop_workers(effects);
  state_ = JobState::preparing;
  if (options_.mutations.forget_attempt_raise) {
    choose_restore(effects);
    return;
  }
  is_raising_ = true;
  run_log(log_.raise_attempt(), effects);
}

void JobMachine::stop_workers(Effects& effects) {
  for (const WorkerId worker : workers_) {
    effects.emplace_back(StopAttempt{worker, term(), attempt()});
  }
}

// ---- The end, and time
// -------------------------------------------------------------------------------

void JobMachine::on(const StopRequested&, Effects& effects) {
  is_stop_requested_ = true;
  maybe_trigger_cut(effects);
}

void JobMachine::finish(bool was_stopped, Effects& effects) {
  stop_workers(effects);
  state_ = JobState::finished;
  effects.emplace_back(JobFinished{last_complete_, was_stopped});
}

void JobMachine::fail(Status status, Effects& effects) {
  if (is_over()) return;
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
  if (fail_when_stuck(effects)) return;
  if (tracker_ && now_ - cut_started_at_ >= options_.cut_timeout) {
    abort_cut("it took longer than " + std::to_string(options_.cut_timeout.count()) +
                  " ms; missing: " + tracker_->missing(),
              effects);
  }
  if (state_ == JobState::starting && now_ - starting_since_ >= options_.start_timeout) {
    lose_attempt(Status(Code::timed_out, "worker " + std::to_string(starting_.begin()->value) +
                                             " did not start its part in time"),
                 effects);
  }
  maybe_start_attempt(effects);
  maybe_trigger_cut(effects);
}

void JobMachine::resend(Effects& effects) {
  run_log(log_.retry(), effects);
  const bool is_free = log_.is_idle() && manifests_asked_ == 0;
  const bool has_settled = state_ == JobState::preparing && !is_raising_ && is_free;
  if (has_settled && !log_.state().is_cut_zero_complete()) {
    write_cut_zero(effects);
  } else if (has_settled && restored_ == nullptr) {
    choose_restore(effects);
  }
  for (const WorkerId worker : starting_) {
    if (state_ == JobState::starting) send_start(worker, effects);
  }
  if (!tracker_) return;
  for (const WorkerId worker : tracker_->waiting_for()) {
    effects.emplace_back(TriggerCut{worker, term(), attempt(), tracker_->cut()});
  }
}

}  // namespace millrace
