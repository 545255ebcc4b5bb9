#include "worker/core/release_plan.hpp"

#include <algorithm>
#include <utility>

#include "common/base/check.hpp"
#include "common/base/mark.hpp"

namespace millrace {

ReleasePlan::ReleasePlan(Options options)
    : incarnation_(options.incarnation),
      is_claimed_(options.is_claimed),
      complete_(options.complete),
      batches_(std::move(options.batches)),
      mutations_(options.mutations) {}

std::vector<ReleaseEffect> ReleasePlan::start() {
  Effects effects;
  step(effects);
  return effects;
}

void ReleasePlan::on_batch(CutId cut) {
  MILLRACE_CHECK(batches_.empty() || *batches_.rbegin() < cut);
  batches_.insert(cut);
  if (mutations_.write_before_complete) complete_ = cut;
}

std::vector<ReleaseEffect> ReleasePlan::on_complete(CutId cut) {
  complete_ = std::max(complete_, cut);
  Effects effects;
  step(effects);
  return effects;
}

std::vector<ReleaseEffect> ReleasePlan::on_opened(const Result<std::optional<LaneMark>>& mark) {
  Effects effects;
  if (state_ != State::opening) return effects;
  if (!mark.is_ok()) {
    fail(mark.status(), effects);
    return effects;
  }
  state_ = State::open;
  is_taken_over_ = true;
  backoff_ = kBackoffFirst;
  if (!mutations_.forget_mark) take_mark(mark.value(), effects);
  step(effects);
  return effects;
}

void ReleasePlan::take_mark(const std::optional<LaneMark>& mark, Effects& effects) {
  if (mark && mark->incarnation == incarnation_) {
    is_claimed_ = true;
    batches_.erase(batches_.begin(), batches_.upper_bound(mark->cut));
    // Only where the newest checkpoint was damaged, or an older one was asked for.
    if (mark->cut > complete_) {
      MILLRACE_MARK(sink_is_ahead);
      effects.emplace_back(release::Repeated{
          "the sink has the outputs of checkpoint " + std::to_string(mark->cut.value) +
          ", and the job goes on from checkpoint " + std::to_string(complete_.value) +
          ": what was put out between them will be there twice"});
    }
    return;
  }
  if (!is_claimed_) return;
  if (mark) {
    state_ = State::overtaken;
    effects.emplace_back(release::Overtaken{
        Status(Code::conflict, "another job of this name writes to the sink",
               "give each job that writes to one cluster a name of its own; one that was begun "
               "afresh has taken over from the one before")});
    return;
  }
  if (batches_.empty()) return;
  effects.emplace_back(release::Repeated{
      "the sink does not remember which checkpoint it has the outputs of: those of checkpoint " +
      std::to_string(batches_.begin()->value) +
      " and later are written, and may be there twice (brokers forget after "
      "offsets.retention.minutes)"});
}

std::vector<ReleaseEffect> ReleasePlan::on_written(const Status& status) {
  Effects effects;
  if (state_ != State::writing) return effects;
  if (!status.is_ok()) {
    MILLRACE_MARK(sink_write_failed);
    fail(status, effects);
    return effects;
  }
  state_ = State::open;
  is_claimed_ = true;
  backoff_ = kBackoffFirst;
  batches_.erase(batches_.begin());
  step(effects);
  return effects;
}

std::vector<ReleaseEffect> ReleasePlan::on_tick(Milliseconds now) {
  now_ = std::max(now_, now);
  Effects effects;
  step(effects);
  return effects;
}

// Whether the last transaction came through is for the mark to say.
void ReleasePlan::fail(const Status& status, Effects& effects) {
  state_ = State::closed;
  rests_until_ = now_ + backoff_;
  backoff_ = std::min(backoff_ * 2, kBackoffLast);
  effects.emplace_back(release::Trouble{status});
}

void ReleasePlan::step(Effects& effects) {
  const bool has_due = !batches_.empty() && *batches_.begin() <= complete_;
  const bool is_held = is_taken_over_ && state_ != State::overtaken;
  if (!has_due && is_held && released_ < complete_) {
    released_ = complete_;
    effects.emplace_back(release::Released{released_});
  }
  if (state_ == State::closed && (has_due || !is_taken_over_) && now_ >= rests_until_) {
    state_ = State::opening;
    effects.emplace_back(release::Open{});
  } else if (state_ == State::open && has_due) {
    state_ = State::writing;
    effects.emplace_back(release::Write{*batches_.begin()});
  }
}

}  // namespace millrace
