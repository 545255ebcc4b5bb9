// The promises, each as a class that looks at what happened and says what is broken.
//
// The checkers know everything: the true records of each split, the store's content, who was told
// what. They use nothing that the cores compute about themselves.
#pragma once

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "tests/simulation/store.hpp"
#include "tests/simulation/world.hpp"

namespace millrace::sim {

// The records of every split, and the true sums of each prefix.
class Truth {
 public:
  explicit Truth(const SimOptions& options);
  std::uint32_t splits() const { return static_cast<std::uint32_t>(prefixes_.size()); }
  std::uint64_t size(SplitId split) const { return prefixes_[split.value].size() - 1; }
  const RecordSums& prefix(SplitId split, Offset offset) const {
    return prefixes_[split.value][offset.value];
  }
  // When the record at this offset can be read.
  Time available(SplitId split, Offset offset) const;
  // Those of cut 0; the others appear later, and nothing ends before.
  std::uint32_t planned() const { return planned_; }
  std::uint32_t appeared(Time now) const;
  // Where reading of these splits begins.
  std::vector<SplitProgress> start(std::uint32_t begin, std::uint32_t end) const;

 private:
  std::uint32_t planned_;
  std::vector<Time> appears_;  // of the splits behind those, ascending
  std::vector<std::vector<RecordSums>> prefixes_;
  std::vector<Time> interval_;
};

// 1, 13: a complete cut holds each record before its offsets once, in every shard, and of each
// split up to the last one that it has. Those that joined later are durable.
class LedgerExact {
 public:
  static std::string check(const Truth& truth, const CutContents& contents, const Store& store);
};

// 2, 4: all that a complete manifest names is durable and of this attempt and cut.
class OneCut {
 public:
  static std::string check(const CutContents& contents, const Store& store);
};

// 3: an attempt starts from the newest cut that was complete when its takeover became durable.
class NothingLost {
 public:
  static std::string check(const StartWorker& start, const Store& store);
};

// 7: the highest term whose orders have reached a worker.
class Fencing {
 public:
  bool is_old(WorkerId worker, Term term) {
    Term& highest = heard_[worker];
    const bool is_old = term < highest;
    highest = std::max(highest, term);
    return is_old;
  }

 private:
  std::map<WorkerId, Term> heard_;
};

// 3, 17, 18: a savepoint that was reported taken is in the log and stored until its release was
// asked for; one that was refused is never there.
class Savepoints {
 public:
  std::string taken(const SavepointTaken& taken, const Store& store);
  void failed(const SavepointFailed& failed);
  void requesting(const std::string& name) { refused_.erase(name); }
  void releasing(const std::string& name) { releasing_.insert(name); }
  std::string released(const std::string& name, const Store& store);
  std::string named(const CommitEntry& entry) const;
  std::string at_end(const Truth& truth, const Store& store) const;

 private:
  std::map<std::string, CutId> taken_;
  std::set<std::string> refused_, releasing_;
};

// Adopted attempts are whole: every replica and shard of them is on a worker that is adopted.
class WholeAdoption {
 public:
  void started(const StartWorker& start);
  void adopted(const AdoptWorker& adopt) {
    workers_[{adopt.term, adopt.attempt}].insert(adopt.worker);
  }
  std::string check(Term term, Attempt attempt) const;

 private:
  struct Hosted {
    std::map<ReplicaId, WorkerId> replicas;
    std::map<ShardId, WorkerId> shards;
    std::shared_ptr<const Placement> placement;  // all that it consists of
  };
  std::map<Attempt, Hosted> hosted_;
  std::map<std::pair<Term, Attempt>, std::set<WorkerId>> workers_;
};

// 5, 6: log entries follow each other; terms, attempts and cuts never repeat or go back.
class SingleWriter {
 public:
  std::string check(const CommitEntry& entry);

 private:
  Term term_;
  Attempt attempt_;
  std::string writer_;
  std::string check_cut(const CommitEntry& entry);
  std::string check_name(const CommitEntry& entry);

  std::set<CutId> closed_, complete_;
  std::map<std::string, CutId> savepoints_;
  CutId branched_from_{~std::uint64_t{0}};
};

// 5: a cut id is triggered in one term and attempt only, and never again after it was closed.
class FreshCuts {
 public:
  std::string triggered(const TriggerCut& trigger);
  void aborted(Term term, CutId cut) { aborted_.insert({term, cut}); }

 private:
  std::map<CutId, std::pair<Term, Attempt>> triggered_;
  std::set<std::pair<Term, CutId>> aborted_;
};

// 8: in one attempt each split and replica is started on one worker, and each split of the job on
// some replica.
class SplitExclusivity {
 public:
  std::string check(const StartWorker& start);

 private:
  std::map<std::pair<Attempt, SplitId>, WorkerId> readers_;
  std::map<std::pair<Attempt, ReplicaId>, WorkerId> replicas_;
};

// 2: nothing from behind a cut influenced what a replica pushed before it; in `synchronous` mode
// all replicas with data cut after the same round.
class CausalCut {
 public:
  struct Seen {
    std::map<SplitId, std::uint64_t> records;  // in the replica's values when it passed the cut
    Round round;
    bool is_finished = false;
  };
  void passed(Attempt attempt, CutId cut, ReplicaId replica, Seen seen);
  std::string check(const CutContents& contents, MergeMode mode) const;

 private:
  std::map<std::pair<CutId, Attempt>, std::map<ReplicaId, Seen>> seen_;
};

// 16: what is deleted was given up in the log before.
class Retention {
 public:
  static std::string check(CutId cut, const Store& store);
};

// What is in the sink: each record of complete cuts once, none of an incomplete one. Where a cut
// has rotten or an older one was asked for, what lies between is there again.
class OutputOnce {
 public:
  std::string put_out(const OutputRecords& records, CutId cut, bool may_repeat, const Store& store);
  std::string at_end(const CutContents& contents) const;

 private:
  std::map<OutputRecord, std::uint64_t> seen_;
};

// All of them, fed by the simulation.
class Checkers {
 public:
  Checkers(World& world, const Truth& truth, Store& store);

  void log_appended(const CommitEntry& entry);
  void started(const StartWorker& start);
  void triggered(const TriggerCut& trigger) { report(fresh_.triggered(trigger)); }
  void aborted(Term term, CutId cut) { fresh_.aborted(term, cut); }
  void adopted(const AdoptWorker& adopt);
  void adoption_done(Term term, Attempt attempt) { report(whole_.check(term, attempt)); }
  void savepoint_taken(const SavepointTaken& taken) { report(savepoints_.taken(taken, store_)); }
  void savepoint_failed(const SavepointFailed& failed) { savepoints_.failed(failed); }
  void requesting(const std::string& name) { savepoints_.requesting(name); }
  void releasing(const std::string& name) { savepoints_.releasing(name); }
  void savepoint_released(const SavepointReleased& released) {
    report(savepoints_.released(released.name, store_));
  }
  // A coordinator that was told to branch has the job running.
  void led(const std::string& request, Term term);
  // Complete, and not retired in the log.
  bool is_kept(CutId cut) const;
  // When the job has ended without a violation.
  void at_end();
  Fencing& fencing() { return fencing_; }
  void published(const CutContents& contents);
  void removing(CutId cut) { report(Retention::check(cut, store_)); }
  void passed(Attempt attempt, CutId cut, ReplicaId replica, CausalCut::Seen seen) {
    causal_.passed(attempt, cut, replica, std::move(seen));
  }
  void finished(const CutContents& contents, bool was_stopped);
  void put_out(const OutputRecords& records, CutId cut);
  void report(const std::string& what);
  std::uint64_t complete_cuts() const { return complete_cuts_; }

 private:
  World& world_;
  const Truth& truth_;
  Store& store_;
  SingleWriter writer_;
  FreshCuts fresh_;
  SplitExclusivity splits_;
  CausalCut causal_;
  Fencing fencing_;
  Savepoints savepoints_;
  WholeAdoption whole_;
  OutputOnce outputs_;
  std::uint64_t complete_cuts_ = 0;
};

}  // namespace millrace::sim
