// The parts of JobMachine that concern what a job puts out: released once its cut is complete.
#include <algorithm>
#include <set>
#include <utility>

#include "common/base/mark.hpp"
#include "coordinator/core/job_machine.hpp"

namespace millrace {

bool JobMachine::has_released(ReplicaId replica) const {
  if (last_complete_->cut == CutId(0)) return true;
  const auto known = released_.find(replica);
  return known != released_.end() && known->second >= last_complete_->cut;
}

bool JobMachine::awaits_release() const {
  if (!options_.has_sinks || last_complete_ == nullptr) return false;
  for (std::uint32_t i = 0; i < options_.parallelism; ++i) {
    if (!has_released(ReplicaId(i))) return true;
  }
  return false;
}

std::optional<std::size_t> JobMachine::cuts_unreleased() const {
  if (!options_.has_sinks) return std::nullopt;
  CutId released = released_.empty() ? CutId(0) : released_.begin()->second;
  for (const auto& [replica, cut] : released_) released = std::min(released, cut);
  if (released_.size() < options_.parallelism) released = CutId(0);
  return std::ranges::count_if(complete_cuts(),
                               [&](const auto& taken) { return taken.first > released; });
}

void JobMachine::release_outputs(Effects& effects) {
  if (!options_.has_sinks) return;
  std::set<WorkerId> behind;
  for (std::uint32_t i = 0; i < options_.parallelism; ++i) {
    if (!has_released(ReplicaId(i))) behind.insert(placement_->replicas[i]);
  }
  for (const WorkerId worker : behind) {
    effects.emplace_back(ReleaseOutputs{worker, term(), attempt(), last_complete_->cut});
  }
}

void JobMachine::on(const OutputsReleased& event, Effects& effects) {
  if (!is_current(event.attempt) || event.replica.value >= options_.parallelism) return;
  CutId& released = released_[event.replica];
  released = std::max(released, event.cut);
  if (is_ending_by_request_ && state_ == JobState::running) end(*is_ending_by_request_, effects);
}

// The last cut is complete.
void JobMachine::end(bool was_stopped, Effects& effects) {
  if (!awaits_release()) return finish(was_stopped, effects);
  if (is_ending_by_request_) return;
  MILLRACE_MARK(end_awaits_sinks);
  is_ending_by_request_ = was_stopped;
  ending_since_ = now_;
  note("checkpoint " + std::to_string(last_complete_->cut.value) +
           " is the last one; the job ends when its sinks have what was put out before it",
       effects);
}

bool JobMachine::fail_when_unreleased(Effects& effects) {
  const bool is_waiting = is_ending_by_request_.value_or(false) && state_ == JobState::running;
  if (!is_waiting || now_ - ending_since_ < options_.release_patience) return false;
  fail(Status(Code::unreachable,
              "the job was stopped, and its sinks have not taken what was put out before "
              "checkpoint " +
                  std::to_string(last_complete_->cut.value) + " within " +
                  std::to_string(options_.release_patience.count() / 1000) + " s",
              "nothing is lost: mend the sinks and run the job again, and it is written"),
       effects);
  return true;
}

}  // namespace millrace
