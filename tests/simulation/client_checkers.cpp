// Checkers of what clients are told, and of adopted attempts.
#include <algorithm>
#include <utility>

#include "tests/simulation/checkers.hpp"

namespace millrace::sim {

namespace {

std::optional<CutId> cut_of_savepoint(const std::string& name, const Store& store) {
  std::optional<CutId> cut;
  for (const CommitEntry& entry : store.log()) {
    if (entry.name != name) continue;
    if (entry.kind == CommitKind::savepoint) cut = entry.cut;
    if (entry.kind == CommitKind::release) cut.reset();
  }
  return cut;
}

}  // namespace

std::string Savepoints::taken(const SavepointTaken& taken, const Store& store) {
  if (releasing_.contains(taken.name)) return {};
  if (cut_of_savepoint(taken.name, store) != taken.contents->cut) {
    return "savepoint " + taken.name + " was reported before it was durable";
  }
  taken_[taken.name] = taken.contents->cut;
  return {};
}

// A name that is used already says nothing about the request that used it first.
void Savepoints::failed(const SavepointFailed& failed) {
  const Code code = failed.status.code();
  const bool is_about_another = code == Code::conflict || code == Code::not_found;
  if (code != Code::timed_out && !is_about_another) refused_.insert(failed.name);
}

std::string Savepoints::released(const std::string& name, const Store& store) {
  taken_.erase(name);
  return cut_of_savepoint(name, store) ? "a savepoint was released before that was durable" : "";
}

std::string Savepoints::named(const CommitEntry& entry) const {
  const bool is_refused = entry.kind == CommitKind::savepoint && refused_.contains(entry.name);
  return is_refused ? "savepoint " + entry.name + " was taken although it was refused" : "";
}

std::string Savepoints::at_end(const Truth& truth, const Store& store) const {
  for (const auto& [name, cut] : taken_) {
    if (releasing_.contains(name)) continue;
    if (cut_of_savepoint(name, store) != cut) return "savepoint " + name + " is forgotten";
    const CutContents* contents = nullptr;
    for (const CommitEntry& entry : store.log()) {
      const bool is_it = entry.kind == CommitKind::complete && entry.cut == cut;
      if (is_it) contents = store.manifest(cut, entry.attempt);
    }
    if (contents == nullptr) return "savepoint " + name + " is not in the store";
    if (auto broken = LedgerExact::check(truth, *contents, store); !broken.empty()) return broken;
  }
  return {};
}

void WholeAdoption::started(const StartWorker& start) {
  Hosted& hosted = hosted_[start.attempt];
  hosted.placement = start.placement;
  for (const ReplicaAssignment& replica : start.replicas) {
    hosted.replicas[replica.replica] = start.worker;
  }
  for (const ShardId shard : start.shards) hosted.shards[shard] = start.worker;
}

std::string WholeAdoption::check(Term term, Attempt attempt) const {
  const auto hosted = hosted_.find(attempt);
  const auto workers = workers_.find({term, attempt});
  if (hosted == hosted_.end() || workers == workers_.end())
    return "an attempt is adopted unstarted";
  const auto is_on = [&](const auto& entry) { return workers->second.contains(entry.second); };
  const auto replicas = std::ranges::count_if(hosted->second.replicas, is_on);
  const auto shards = std::ranges::count_if(hosted->second.shards, is_on);
  const Placement& placement = *hosted->second.placement;
  const bool is_whole =
      replicas == std::ssize(placement.replicas) && shards == std::ssize(placement.shards);
  return is_whole ? std::string() : "an attempt was adopted without all its parts";
}

}  // namespace millrace::sim
