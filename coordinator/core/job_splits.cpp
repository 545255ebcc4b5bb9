// The parts of JobMachine that concern splits that join the job while it runs.
//
// They are stored first. Then a cut is taken, which lacks them, and the attempt is raised from it:
// the next one begins with them, as after a loss, but without one.
#include <algorithm>
#include <string>
#include <utility>

#include "common/base/mark.hpp"
#include "coordinator/core/job_machine.hpp"

namespace millrace {

void JobMachine::on(const SplitsFound& event, Effects& effects) {
  if (!is_current(event.attempt) || is_storing_splits_) return;
  StoreSplits store;
  for (const SplitProgress& split : event.splits) {
    const std::size_t next = first_positions_.size() + store.splits.size();
    if (split.split.value == next) store.splits.push_back(split);
  }
  if (store.splits.empty()) return;
  MILLRACE_MARK(splits_found);
  if (options_.mutations.read_splits_undurable) {
    auto splits = first_positions_;
    splits.insert(splits.end(), store.splits.begin(), store.splits.end());
    learn_splits(splits, effects);
  }
  is_storing_splits_ = true;
  effects.emplace_back(std::move(store));
}

// What was refused is found again.
void JobMachine::on(const SplitsStored& event, Effects& effects) {
  is_storing_splits_ = false;
  if (!event.status.is_ok()) {
    MILLRACE_MARK(splits_not_stored);
    note("new splits were found and could not be stored yet: " + event.status.message(), effects,
         true);
    return;
  }
  learn_splits(event.splits, effects);
}

void JobMachine::learn_splits(const std::vector<SplitProgress>& splits, Effects& effects) {
  const std::size_t before = first_positions_.size();
  for (const SplitProgress& split : splits) {
    if (split.split.value == first_positions_.size()) first_positions_.push_back(split);
  }
  if (first_positions_.size() == before) return;
  note("splits " + std::to_string(before) + " to " + std::to_string(first_positions_.size() - 1) +
           " join the job",
       effects);
  is_cut_requested_ = true;  // one that is in flight will do
  maybe_trigger_cut(effects);
}

bool JobMachine::lacks_splits(const CutContents& contents) const {
  return contents.splits.size() < first_positions_.size();
}

std::shared_ptr<const CutContents> JobMachine::with_all_splits(
    std::shared_ptr<const CutContents> cut) const {
  if (!lacks_splits(*cut) || options_.mutations.forget_new_splits) return cut;
  auto whole = std::make_shared<CutContents>(*cut);
  for (std::size_t i = cut->splits.size(); i < first_positions_.size(); ++i) {
    whole->splits.push_back(first_positions_[i]);
    if (options_.mutations.skip_new_splits_begin) ++whole->splits.back().offset.value;
  }
  return whole;
}

// After a cut of an attempt that lacks them, as a rule. Nobody was lost: there is no backoff, and
// it does not count as a restart.
void JobMachine::go_on_with_splits(Effects& effects) {
  MILLRACE_MARK(splits_joined);
  note("attempt " + std::to_string(attempt().value) + " ends, for one that reads the new splits " +
           "too from checkpoint " + std::to_string(last_complete_->cut.value),
       effects);
  restored_.reset();
  stop_workers(effects);
  state_ = JobState::preparing;
  raise_attempt(effects);
}

}  // namespace millrace
