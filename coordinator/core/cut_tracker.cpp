#include "coordinator/core/cut_tracker.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include "common/base/check.hpp"

namespace millrace {

namespace {

Status broken(CutId cut, const std::string& what) {
  return Status(Code::internal,
                "the audit of cut " + std::to_string(cut.value) + " failed: " + what +
                    ". The cut is not completed and nothing wrong is stored",
                "this is a bug in Millrace: please report it with the logs of this attempt");
}

}  // namespace

CutTracker::CutTracker(Term term, Attempt attempt, CutId cut,
                       std::shared_ptr<const Placement> placement,
                       const CutTrackerMutations& mutations)
    : term_(term),
      attempt_(attempt),
      cut_(cut),
      placement_(std::move(placement)),
      mutations_(mutations) {}

bool CutTracker::add(const TrainerSnapshot& snapshot) {
  const bool is_mine = snapshot.attempt == attempt_ && snapshot.cut == cut_;
  if (!is_mine && !mutations_.ignore_cut_of_report) return false;
  if (snapshot.replica.value >= placement_->replicas.size()) return false;
  return trainers_.emplace(snapshot.replica, snapshot).second;
}

bool CutTracker::add(const ShardSnapshot& snapshot) {
  const bool is_mine = snapshot.attempt == attempt_ && snapshot.cut == cut_;
  if (!is_mine && !mutations_.ignore_cut_of_report) return false;
  if (snapshot.shard.value >= placement_->shards.size()) return false;
  return shards_.emplace(snapshot.shard, snapshot).second;
}

bool CutTracker::add(const WorkerPart& part) {
  const bool is_mine = part.attempt == attempt_ && part.cut == cut_;
  if (!is_mine && !mutations_.ignore_cut_of_report) return false;
  if (!placement_->uses(part.part.worker)) return false;
  return parts_.emplace(part.part.worker, part.part).second;
}

bool CutTracker::is_complete() const {
  const bool has_trainers = trainers_.size() == placement_->replicas.size() ||
                            (mutations_.complete_before_all_trainers && !trainers_.empty());
  const bool has_shards = shards_.size() == placement_->shards.size();
  const bool has_parts =
      parts_.size() == placement_->workers().size() || mutations_.complete_before_all_parts;
  return has_trainers && has_shards && has_parts;
}

std::vector<WorkerId> CutTracker::waiting_for() const {
  std::set<WorkerId> waiting;
  for (std::uint32_t i = 0; i < placement_->replicas.size(); ++i) {
    if (!trainers_.contains(ReplicaId(i))) waiting.insert(placement_->replicas[i]);
  }
  for (std::uint32_t i = 0; i < placement_->shards.size(); ++i) {
    if (!shards_.contains(ShardId(i))) waiting.insert(placement_->shards[i]);
  }
  for (const WorkerId worker : placement_->workers()) {
    if (!parts_.contains(worker)) waiting.insert(worker);
  }
  return {waiting.begin(), waiting.end()};
}

std::string CutTracker::missing() const {
  std::string text;
  const auto say = [&](const char* what, std::uint32_t number) {
    if (!text.empty()) text += ", ";
    text += what + std::to_string(number);
  };
  for (std::uint32_t i = 0; i < placement_->replicas.size(); ++i) {
    if (!trainers_.contains(ReplicaId(i))) say("replica ", i);
  }
  for (std::uint32_t i = 0; i < placement_->shards.size(); ++i) {
    if (!shards_.contains(ShardId(i))) say("shard ", i);
  }
  for (const WorkerId worker : placement_->workers()) {
    if (!parts_.contains(worker)) say("the files of worker ", worker.value);
  }
  return text;
}

Status CutTracker::audit(const CutContents& restored,
                         const std::vector<SplitProgress>& known) const {
  std::map<SplitId, Offset> before;
  for (const auto& split : restored.splits) before.emplace(split.split, split.offset);
  const std::set<SplitId> required = [&] {
    std::set<SplitId> ids;
    for (const auto& split : restored.splits) ids.insert(split.split);
    return ids;
  }();
  for (const auto& split : known) before.emplace(split.split, split.offset);
  Fingerprint learned;
  std::size_t splits = 0;
  for (const auto& [replica, snapshot] : trainers_) {
    for (const auto& split : snapshot.splits) {
      const auto start = before.find(split.split);
      const std::string name = "split " + std::to_string(split.split.value);
      if (start == before.end()) return broken(cut_, name + " is owned twice, or by nobody before");
      if (split.offset < start->second) return broken(cut_, name + " went back");
      before.erase(start);
      learned.add(split.split, split.learned);
      splits += required.contains(split.split) ? 1 : 0;
    }
  }
  if (splits != required.size()) return broken(cut_, "a split is missing");
  for (const auto& [shard, snapshot] : shards_) {
    const std::string name = "shard " + std::to_string(shard.value);
    if (snapshot.ledger.records != learned) {
      return broken(cut_, name + " holds " + std::to_string(snapshot.ledger.records.records()) +
                              " records, the trainers learned " +
                              std::to_string(learned.records()) + ", or others");
    }
    if (snapshot.ledger != shards_.begin()->second.ledger) {
      return broken(cut_, name + " applied other pushes or weights than " + "shard " +
                              std::to_string(shards_.begin()->first.value));
    }
  }
  return {};
}

CutContents CutTracker::contents() const {
  CutContents contents;
  contents.term = term_;
  contents.attempt = attempt_;
  contents.cut = cut_;
  contents.is_final = true;
  for (const auto& [replica, snapshot] : trainers_) {
    contents.is_final = contents.is_final && snapshot.is_finished;
    contents.splits.insert(contents.splits.end(), snapshot.splits.begin(), snapshot.splits.end());
  }
  std::sort(contents.splits.begin(), contents.splits.end(),
            [](const SplitProgress& a, const SplitProgress& b) { return a.split < b.split; });
  if (!shards_.empty()) contents.ledger = shards_.begin()->second.ledger;
  contents.replicas = placement_->replicas;
  contents.shards = placement_->shards;
  for (const auto& [worker, part] : parts_) contents.parts.push_back(part);
  return contents;
}

}  // namespace millrace
