// The simulated checkpoint store: the commit log, manifests and parts, with an unreliable line to
// it.
//
// An operation may be refused (nothing happened), or nobody knows: written, not written, or written
// later. What is there is durable; manifests may rot. Entries that were deleted can be created
// again.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "coordinator/core/job_machine.hpp"
#include "tests/simulation/broker.hpp"
#include "tests/simulation/world.hpp"

namespace millrace::sim {

// What a worker ships for one cut.
struct StoredPart {
  Attempt attempt;
  CutId cut;
  WorkerId worker;
  std::map<ShardId, std::pair<ShardLedger, Fingerprint>> shards;
  std::map<ReplicaId, std::vector<SplitProgress>> replicas;
  std::map<ReplicaId, std::vector<StoredLane>> lanes;
};

class Truth;

enum class StoreOutcome { done, failed, ambiguous };

class Store {
 public:
  using Key = std::pair<CutId, Attempt>;
  using PartKey = std::pair<Key, WorkerId>;

  explicit Store(World& world);

  void append(Address from, const WriteLog& write, std::function<void(const LogWritten&)> reply);
  void read(Address from, const ReadLog& read, std::function<void(const LogRead&)> reply);
  void list(Address from, const ListLog& list, std::function<void(const LogListed&)> reply);
  // In any order, some of it late or never.
  void trim(const TrimLog& trim);
  void put_manifest(Address from, const CutContents& contents,
                    std::function<void(const ManifestWritten&)> reply);
  void get_manifest(Address from, const ReadManifest& read,
                    std::function<void(const ManifestRead&)> reply);
  // Created where there is none; the answer is what is stored then: all splits of the job.
  void put_splits(Address from, const Truth& truth, const StoreSplits& splits,
                  std::function<void(const SplitsStored&)> reply);
  void put_part(Address from, std::shared_ptr<const StoredPart> part,
                std::function<void(StoreOutcome)> reply);
  // What this cut left of attempts up to this one: who asks knows nothing of later ones. Late or
  // never, as trimming.
  void remove(Address from, CutId cut, Attempt attempt);
  // The parts of a cut, if all are there; reading is only delayed.
  void get_parts(Address from, std::shared_ptr<const CutContents> contents,
                 std::function<void(std::optional<std::vector<StoredPart>>)> reply);

  // Every entry that was ever the last, whether it is still there or was trimmed.
  const std::vector<CommitEntry>& log() const { return log_; }
  std::size_t entries_present() const { return present_.size(); }
  const CutContents* manifest(CutId cut, Attempt attempt) const;
  // Those of cut 0, and those that were stored since, as far as they follow each other.
  std::vector<SplitProgress> splits(const Truth& truth) const;
  const StoredPart* part(CutId cut, Attempt attempt, WorkerId worker) const;
  bool is_rotten(CutId cut) const { return rotten_.contains(cut); }
  ProcessId process() const { return process_; }

  std::uint64_t operations() const { return operations_; }
  // A second coordinator is to take over now.
  std::function<void()> on_takeover;
  // Told about every entry the moment it is durable.
  std::function<void(const CommitEntry&)> on_append;

 private:
  bool strike(Address from, const char* what, std::function<void()>& apply,
              std::function<void(StoreOutcome)>& reply);
  void submit(Address from, const char* what, std::function<void()> apply,
              std::function<void(StoreOutcome)> reply);

  World& world_;
  ProcessId process_;
  std::vector<CommitEntry> log_;
  std::map<std::uint64_t, CommitEntry> present_;
  std::map<Key, CutContents> manifests_;
  std::map<PartKey, std::shared_ptr<const StoredPart>> parts_;
  std::map<std::uint32_t, std::vector<SplitProgress>> splits_;  // by the first one's number
  std::set<CutId> rotten_;
  std::uint64_t operations_ = 0;  // of the first coordinator
};

}  // namespace millrace::sim
