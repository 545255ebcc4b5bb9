// The parts of JobMachine that concern attempts: workers come and go, parts start, attempts are
// lost.
#include <algorithm>
#include <utility>

#include "common/base/mark.hpp"
#include "coordinator/core/job_machine.hpp"

namespace millrace {

void JobMachine::on(const WorkerRegistered& event, Effects& effects) {
  workers_[event.worker] = event.room;
  if (event.running) parts_[event.worker] = *event.running;
  take_part(event.worker, effects);
  maybe_adopt(effects);
  maybe_start_attempt(effects);
}

void JobMachine::on(const WorkerLost& event, Effects& effects) {
  workers_.erase(event.worker);
  parts_.erase(event.worker);
  const bool is_up = state_ == JobState::starting || state_ == JobState::running;
  if (!is_up || !placement_->uses(event.worker)) return;
  lose_attempt(
      Status(Code::unreachable, "worker " + std::to_string(event.worker.value) + " was lost"),
      effects);
}

void JobMachine::maybe_start_attempt(Effects& effects) {
  if (state_ != JobState::waiting || now_ < start_at_) return;
  if (!has_room(workers_, options_.parallelism, options_.shards)) return;
  placement_ =
      std::make_shared<const Placement>(place(workers_, options_.parallelism, options_.shards));
  restored_ = with_all_splits(std::move(restored_));
  assignment_ = assign_splits(restored_->splits, options_.parallelism, planned_splits_);
  finished_.clear();
  released_.clear();
  is_adopted_ = false;
  state_ = JobState::starting;
  starting_since_ = now_;
  last_resend_ = now_;
  const auto hosts = placement_->workers();
  starting_ = {hosts.begin(), hosts.end()};
  for (const WorkerId worker : hosts) send_start(worker, effects);
}

void JobMachine::send_start(WorkerId worker, Effects& effects) {
  if (is_adopted_) {
    const CutId closed(log_.state().next_cut().value - 1);
    effects.emplace_back(AdoptWorker{worker, term(), attempt(), restored_->cut, closed});
    return;
  }
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
  note((is_adopted_ ? "running on, after checkpoint " : "running from checkpoint ") +
           std::to_string(restored_->cut.value),
       effects);
  release_outputs(effects);
  if (restored_->is_final) return end(false, effects);
  maybe_trigger_cut(effects);
}

// Raising the attempt asks the log, which knows who leads.
void JobMachine::on(const WorkerRefused& event, Effects& effects) {
  if (event.newer <= attempt() && event.term <= term()) return;
  MILLRACE_MARK(worker_refused);
  const std::string why = "worker " + std::to_string(event.worker.value) + " obeys term " +
                          std::to_string(event.term.value) + " and attempt " +
                          std::to_string(event.newer.value);
  if (state_ == JobState::adopting) {
    MILLRACE_MARK(refused_while_adopting);
    give_up_adoption(why, effects);
  } else if (state_ == JobState::starting || state_ == JobState::running) {
    lose_attempt(Status(Code::conflict, why), effects);
  }
}

void JobMachine::on(const AttemptFailed& event, Effects& effects) {
  if (!is_current(event.attempt)) return;
  if (is_fatal(event.status.code())) {
    fail(event.status, effects);
    return;
  }
  // Nobody could restore it: the bytes behind a good manifest are rotten.
  if (event.status.code() == Code::corrupted && state_ == JobState::starting && !is_adopted_) {
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
  is_ending_by_request_.reset();
  restored_.reset();
  // Taken with the first cut of the next attempt.
  savepoints_waiting_.insert(savepoints_waiting_.begin(), savepoints_open_.begin(),
                             savepoints_open_.end());
  savepoints_open_.clear();
  MILLRACE_MARK(attempt_lost);
  stop_workers(effects);
  state_ = JobState::preparing;
  if (options_.mutations.forget_attempt_raise) {
    choose_restore(effects);
    return;
  }
  raise_attempt(effects);
}

void JobMachine::stop_workers(Effects& effects) {
  for (const auto& [worker, room] : workers_) {
    effects.emplace_back(StopAttempt{worker, term(), attempt()});
  }
}

}  // namespace millrace
