#include "tests/simulation/checkers.hpp"

#include <algorithm>
#include <utility>

namespace millrace::sim {

namespace {

std::string name(CutId cut) {
  return "cut " + std::to_string(cut.value);
}

Attempt newest_attempt(const Store& store) {
  Attempt newest;
  for (const CommitEntry& entry : store.log()) newest = std::max(newest, entry.attempt);
  return newest;
}

}  // namespace

Truth::Truth(const SimOptions& options) : planned_(options.splits - options.late_splits) {
  RandomStream random(options.seed, 3);
  RandomStream moments(options.seed, 5);
  for (std::uint32_t i = 0; i < options.late_splits; ++i) {
    const auto phase = static_cast<std::uint64_t>(options.safety_phase);
    appears_.push_back(static_cast<Time>(moments.below(phase)));
  }
  std::ranges::sort(appears_);
  for (std::uint32_t split = 0; split < options.splits; ++split) {
    const std::uint64_t drawn = random.below(options.records_per_split + 1);
    const std::uint64_t size = options.has_equal_splits ? options.records_per_split : drawn;
    std::vector<RecordSums> sums(1);
    for (std::uint64_t i = 0; i < size; ++i) {
      sums.push_back(sums.back());
      sums.back().add(SplitId(split), Offset(i));
    }
    prefixes_.push_back(std::move(sums));
    const bool is_slow = options.has_slow_splits && random.below(2) == 0;
    interval_.push_back(is_slow ? static_cast<Time>(random.below(6 * kMillisecond)) : 0);
  }
}

Time Truth::available(SplitId split, Offset offset) const {
  return interval_[split.value] * static_cast<Time>(offset.value);
}

std::uint32_t Truth::appeared(Time now) const {
  const auto late = std::ranges::upper_bound(appears_, now) - appears_.begin();
  return planned_ + static_cast<std::uint32_t>(late);
}

std::vector<SplitProgress> Truth::start(std::uint32_t begin, std::uint32_t end) const {
  std::vector<SplitProgress> splits;
  for (std::uint32_t i = begin; i < end; ++i) {
    SplitProgress progress;
    progress.split = SplitId(i);
    progress.is_finished = appears_.empty() && size(SplitId(i)) == 0;
    splits.push_back(progress);
  }
  return splits;
}

std::string LedgerExact::check(const Truth& truth, const CutContents& contents,
                               const Store& store) {
  Fingerprint expected;
  for (const SplitProgress& split : contents.splits) {
    const RecordSums& sums = truth.prefix(split.split, split.offset);
    if (split.learned != sums) return name(contents.cut) + ": a split's ledger is not its prefix";
    expected.add(split.split, sums);
  }
  if (contents.splits.size() < truth.planned()) return name(contents.cut) + ": splits are missing";
  if (contents.splits.size() > store.splits(truth).size()) {
    return name(contents.cut) + ": it has splits that are not stored";
  }
  for (std::uint32_t i = 0; i < contents.splits.size(); ++i) {
    if (contents.splits[i].split != SplitId(i)) return name(contents.cut) + ": a split is missing";
  }
  if (contents.ledger.records != expected) {
    return name(contents.cut) + ": records are lost or counted twice";
  }
  for (const PartDigest& named : contents.parts) {
    const StoredPart* part = store.part(contents.cut, contents.attempt, named.worker);
    if (part == nullptr) return name(contents.cut) + ": a part is not in the store";
    for (const auto& [shard, state] : part->shards) {
      const bool is_exact = state.second == expected && state.first == contents.ledger;
      if (!is_exact) return name(contents.cut) + ": a shard does not hold each record once";
    }
  }
  return {};
}

std::string OneCut::check(const CutContents& contents, const Store& store) {
  std::size_t shards = 0, replicas = 0;
  for (const PartDigest& named : contents.parts) {
    const StoredPart* part = store.part(contents.cut, contents.attempt, named.worker);
    if (part == nullptr) return name(contents.cut) + ": a part is not durable";
    if (part->cut != contents.cut || part->attempt != contents.attempt) {
      return name(contents.cut) + ": a part belongs to another cut";
    }
    shards += part->shards.size();
    replicas += part->replicas.size();
  }
  const bool is_whole = shards == contents.shards.size() && replicas == contents.replicas.size();
  return is_whole ? std::string() : name(contents.cut) + ": a shard or replica is missing";
}

// What the job goes on from: the newest cut of its branch that was complete when the attempt's
// takeover became durable.
std::string NothingLost::check(const StartWorker& start, const Store& store) {
  std::set<CutId> complete;
  std::optional<std::pair<CutId, CutId>> branch;  // from, begin
  CutId next;
  bool is_behind = false;
  for (const CommitEntry& entry : store.log()) {
    const bool is_end = entry.kind == CommitKind::takeover && is_behind;
    if (is_end) break;
    is_behind = is_behind || (entry.kind == CommitKind::takeover && entry.attempt == start.attempt);
    if (is_behind && entry.kind == CommitKind::complete && entry.cut != CutId(0)) continue;
    if (entry.kind == CommitKind::complete && !store.is_rotten(entry.cut))
      complete.insert(entry.cut);
    // What was retired may be gone, also when all newer ones are damaged.
    if (entry.kind == CommitKind::retire && !is_behind) complete.erase(entry.cut);
    if (entry.kind == CommitKind::complete) next = std::max(next, entry.cut.next());
    if (entry.kind == CommitKind::branch) branch = {entry.cut, next};
  }
  // A deposed coordinator's attempt can complete nothing, whatever it starts from.
  if (store.log().empty() || newest_attempt(store) > start.attempt) return {};
  std::optional<CutId> newest;
  for (const CutId cut : complete) {
    if (!branch || cut >= branch->second || cut == branch->first) newest = cut;
  }
  if (branch && newest && *newest < branch->second) newest = branch->first;
  const bool is_on_branch =
      !branch || start.restored->cut >= branch->second || start.restored->cut == branch->first;
  if (is_on_branch && (!newest || start.restored->cut >= *newest)) return {};
  if (!is_on_branch && store.is_rotten(branch->first)) return {};
  return "attempt " + std::to_string(start.attempt.value) + " starts from " +
         name(start.restored->cut) + " although " + (newest ? name(*newest) : "no cut") +
         " was complete";
}

std::string SingleWriter::check(const CommitEntry& entry) {
  if (entry.kind == CommitKind::takeover || entry.kind == CommitKind::lead) {
    const bool opens = entry.kind == CommitKind::takeover;
    const bool raises = opens && entry.term == term_ && entry.writer == writer_;
    if (entry.term <= term_ && !raises) return "a takeover repeats a term";
    if (opens ? entry.attempt <= attempt_ : entry.attempt != attempt_) {
      return "a takeover repeats an attempt";
    }
    term_ = entry.term, attempt_ = entry.attempt, writer_ = entry.writer;
    return {};
  }
  if (entry.term != term_ || entry.writer != writer_) return "a deposed coordinator wrote the log";
  switch (entry.kind) {
    case CommitKind::snapshot: {
      std::set<CutId> told;
      for (const auto& [cut, attempt] : entry.complete) told.insert(cut);
      const bool is_same =
          told == complete_ && entry.attempt == attempt_ && entry.savepoints == savepoints_;
      return is_same ? std::string() : "a snapshot of the log says something else than the log";
    }
    case CommitKind::savepoint:
    case CommitKind::release:
    case CommitKind::branch:
      return check_name(entry);
    default:
      return check_cut(entry);
  }
}

std::string SingleWriter::check_name(const CommitEntry& entry) {
  if (!complete_.contains(entry.cut)) return name(entry.cut) + " is named, but not complete";
  if (entry.kind == CommitKind::branch) {
    branched_from_ = entry.cut;
  } else if (entry.kind == CommitKind::release) {
    if (savepoints_.erase(entry.name) == 0) return "a savepoint was released twice";
  } else if (!savepoints_.emplace(entry.name, entry.cut).second) {
    return "two savepoints have one name";
  }
  return {};
}

std::string SingleWriter::check_cut(const CommitEntry& entry) {
  if (entry.kind == CommitKind::retire) {
    if (!complete_.contains(entry.cut)) return name(entry.cut) + " retired, but not complete";
    if (entry.cut == *complete_.rbegin() && *complete_.rbegin() == *closed_.rbegin()) {
      return "the newest complete cut was retired";
    }
    for (const auto& [savepoint, cut] : savepoints_) {
      if (cut == entry.cut) return "savepoint " + savepoint + " was retired";
    }
    complete_.erase(entry.cut);
    return {};
  }
  if (!closed_.insert(entry.cut).second) return name(entry.cut) + " was closed twice";
  if (entry.kind == CommitKind::complete) complete_.insert(entry.cut);
  return {};
}

std::string FreshCuts::triggered(const TriggerCut& trigger) {
  const std::pair by(trigger.term, trigger.attempt);
  const auto [known, is_new] = triggered_.emplace(trigger.cut, by);
  if (!is_new && known->second != by) return name(trigger.cut) + " used by two terms or attempts";
  if (aborted_.contains({trigger.term, trigger.cut})) return name(trigger.cut) + " used again";
  return {};
}

std::string SplitExclusivity::check(const StartWorker& start) {
  for (const ReplicaAssignment& replica : start.replicas) {
    const auto [host, is_new] =
        replicas_.emplace(std::pair(start.attempt, replica.replica), start.worker);
    if (!is_new && host->second != start.worker) return "a replica runs on two workers";
    for (const SplitProgress& split : replica.splits) {
      const auto [reader, is_first] =
          readers_.emplace(std::pair(start.attempt, split.split), start.worker);
      if (!is_first && reader->second != start.worker) return "a split is read by two workers";
    }
  }
  return {};
}

void CausalCut::passed(Attempt attempt, CutId cut, ReplicaId replica, Seen seen) {
  seen_[{cut, attempt}][replica] = std::move(seen);
}

std::string CausalCut::check(const CutContents& contents, MergeMode mode) const {
  const auto found = seen_.find({contents.cut, contents.attempt});
  if (found == seen_.end()) return {};
  std::optional<Round> round;
  for (const auto& [replica, seen] : found->second) {
    for (const SplitProgress& split : contents.splits) {
      const auto records = seen.records.find(split.split);
      if (records == seen.records.end() || records->second <= split.learned.count) continue;
      return name(contents.cut) + ": replica " + std::to_string(replica.value) +
             " had seen records from behind it";
    }
    if (mode != MergeMode::synchronous || seen.is_finished) continue;
    if (round && *round != seen.round) return name(contents.cut) + ": a round straddles it";
    round = seen.round;
  }
  return {};
}

std::string Retention::check(CutId cut, const Store& store) {
  CutId next(1);
  for (const CommitEntry& entry : store.log()) {
    const bool names_it = entry.cut == cut;
    if (names_it && (entry.kind == CommitKind::retire || entry.kind == CommitKind::abandon))
      return {};
    const bool is_term = entry.kind == CommitKind::takeover || entry.kind == CommitKind::lead;
    if (is_term && next <= cut && cut < entry.cut) return {};
    if (is_term) next = std::max(next, entry.cut);
    if (entry.kind == CommitKind::complete || entry.kind == CommitKind::abandon) {
      next = std::max(next, entry.cut.next());
    }
  }
  return name(cut) + " is deleted, but the log still holds it";
}

Checkers::Checkers(World& world, const Truth& truth, Store& store)
    : world_(world), truth_(truth), store_(store) {
  store_.on_append = [this](const CommitEntry& entry) { log_appended(entry); };
}

void Checkers::report(const std::string& what) {
  if (!what.empty()) world_.violation(what);
}

void Checkers::log_appended(const CommitEntry& entry) {
  report(writer_.check(entry));
  report(savepoints_.named(entry));
  world_.injected().terms += entry.kind == CommitKind::lead ? 1 : 0;
  world_.injected().attempts += entry.kind == CommitKind::takeover ? 1 : 0;
  world_.injected().branches += entry.kind == CommitKind::branch ? 1 : 0;
  if (entry.kind != CommitKind::complete) return;
  complete_cuts_ += 1;
  const CutContents* contents = store_.manifest(entry.cut, entry.attempt);
  if (contents == nullptr) {
    report(name(entry.cut) + " is complete without a manifest");
    return;
  }
  report(LedgerExact::check(truth_, *contents, store_));
  report(OneCut::check(*contents, store_));
  report(causal_.check(*contents, world_.options().mode));
}

void Checkers::started(const StartWorker& start) {
  report(splits_.check(start));
  whole_.started(start);
  report(NothingLost::check(start, store_));
  const bool is_durable =
      std::any_of(store_.log().begin(), store_.log().end(), [&](const CommitEntry& entry) {
        return entry.kind == CommitKind::takeover && entry.attempt == start.attempt &&
               entry.term == start.term;
      });
  if (!is_durable) report("an attempt was started before it was durable");
}

// The log's newest term may be another one by now: then the workers that have heard of it refuse.
void Checkers::adopted(const AdoptWorker& adopt) {
  whole_.adopted(adopt);
  CutId newest;
  for (const CommitEntry& entry : store_.log()) {
    if (entry.term > adopt.term) break;
    const bool is_usable = entry.kind == CommitKind::complete && !store_.is_rotten(entry.cut);
    if (is_usable) newest = std::max(newest, entry.cut);
    const bool is_branch = entry.kind == CommitKind::branch;
    if (is_branch) newest = entry.cut;
    const bool is_it = entry.kind == CommitKind::lead && entry.term == adopt.term;
    if (!is_it) continue;
    if (entry.attempt != adopt.attempt) report("an attempt was adopted that is not the newest");
    if (adopt.complete < newest) report("an attempt was adopted on an older cut than the newest");
    return;
  }
  report("an attempt was adopted in a term that is not durable");
}

bool Checkers::is_kept(CutId cut) const {
  bool is_kept = false;
  for (const CommitEntry& entry : store_.log()) {
    if (entry.cut != cut) continue;
    if (entry.kind == CommitKind::complete) is_kept = true;
    if (entry.kind == CommitKind::retire) is_kept = false;
  }
  return is_kept;
}

void Checkers::at_end() {
  report(savepoints_.at_end(truth_, store_));
}

void Checkers::led(const std::string& request, Term term) {
  bool has_branched = false;
  for (const CommitEntry& entry : store_.log()) {
    has_branched = has_branched || (entry.kind == CommitKind::branch && entry.name == request);
    if (entry.term == term && has_branched) return;
  }
  report("the job does not go on from the cut that was asked for");
}

void Checkers::published(const CutContents& contents) {
  const bool is_complete =
      std::any_of(store_.log().begin(), store_.log().end(), [&](const CommitEntry& entry) {
        return entry.kind == CommitKind::complete && entry.cut == contents.cut &&
               entry.attempt == contents.attempt;
      });
  if (!is_complete) report(name(contents.cut) + " was published before it was complete");
}

void Checkers::finished(const CutContents& contents, bool was_stopped) {
  published(contents);
  if (world_.options().has_sinks) report(outputs_.at_end(contents));
  if (was_stopped) return;
  if (contents.splits.size() != truth_.splits()) report("the job finished without some splits");
  for (const SplitProgress& split : contents.splits) {
    if (split.offset.value == truth_.size(split.split)) continue;
    report("the job finished before the end of split " + std::to_string(split.split.value));
  }
}

}  // namespace millrace::sim
