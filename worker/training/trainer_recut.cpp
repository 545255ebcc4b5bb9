#include "worker/training/trainer_recut.hpp"

#include <algorithm>
#include <string>

#include "common/base/limits.hpp"

namespace millrace {
namespace {

Status unfit(const std::string& why) {
  return {Code::corrupted, "the stored replicas do not fit together: " + why,
          "start from an older checkpoint, or compare the store with a backup"};
}

Result<SplitState> find_split(std::span<const TrainerState> old, SplitId id) {
  const SplitState* found = nullptr;
  for (const TrainerState& state : old) {
    for (const SplitState& split : state.splits) {
      if (split.progress.split != id) continue;
      if (found != nullptr) return unfit("two have split " + std::to_string(id.value));
      found = &split;
    }
  }
  if (found == nullptr) return unfit("none has split " + std::to_string(id.value));
  return *found;
}

// As many as a replica keeps; the counts of splits say how many there were.
void take_quarantine(const TrainerState& old, std::span<const SplitId> splits, TrainerState& into) {
  for (const QuarantineEntry& entry : old.quarantine) {
    if (into.quarantine.size() >= limits::kQuarantineEntriesKept) return;
    if (std::ranges::find(splits, entry.split) != splits.end()) into.quarantine.push_back(entry);
  }
}

}  // namespace

Result<TrainerState> recut_trainer_state(std::span<const TrainerState> old, ReplicaId replica,
                                         std::span<const SplitId> splits, TrainerState fresh) {
  if (old.empty()) return unfit("there is none");
  TrainerState state = std::move(fresh);
  for (const SplitId id : splits) {
    MILLRACE_ASSIGN(const SplitState split, find_split(old, id));
    state.splits.push_back(split);
  }
  for (const TrainerState& part : old) {
    if (!state.evaluation.fits(part.evaluation)) return unfit("one is of another job");
    state.evaluation.take_over(part.evaluation, splits, replica == ReplicaId(0));
    take_quarantine(part, splits, state);
  }
  const TrainerState& stood = old[replica.value % old.size()];
  state.replica = stood.replica;
  state.statistics = stood.statistics;
  state.dictionary = stood.dictionary;
  return state;
}

}  // namespace millrace
