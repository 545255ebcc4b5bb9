// Tracks one cut of one attempt from trigger until all its parts are durable, and audits it.
//
// Place: JobMachine owns at most one. Reports may come twice and in any order. Pure: no I/O, no
// clock.
//
// Invariant: `is_complete` only after every trainer, shard and hosting worker reported this
// (attempt, cut). `audit` passes only if every shard holds the same ledger, equal to what the
// trainers have learned, and every split appears once without going back.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/base/ids.hpp"
#include "common/base/status.hpp"
#include "coordinator/core/cut_contents.hpp"
#include "coordinator/core/placement.hpp"

namespace millrace {

// Deliberate bugs for the simulator; production leaves all of them off.
struct CutTrackerMutations {
  bool complete_before_all_trainers = false;
  bool complete_before_all_parts = false;
  bool ignore_cut_of_report = false;
};

class CutTracker {
 public:
  CutTracker(Term term, Attempt attempt, CutId cut, std::shared_ptr<const Placement> placement,
             const CutTrackerMutations& mutations = {});

  CutId cut() const { return cut_; }
  // False: another attempt, cut or participant; or reported before. Nothing has changed then.
  bool add(const TrainerSnapshot& snapshot);
  bool add(const ShardSnapshot& snapshot);
  bool add(const WorkerPart& part);

  bool is_complete() const;
  // Workers with something unreported, ascending.
  std::vector<WorkerId> waiting_for() const;
  // "replica 2, shard 0, worker 1": what is missing, for the message of an abort.
  std::string missing() const;
  // `known`: every split of the job. Those beyond `restored` may be there: an attempt that was
  // adopted may have been started with them. Precondition: is_complete().
  Status audit(const CutContents& restored, const std::vector<SplitProgress>& known = {}) const;
  CutContents contents() const;

 private:
  Term term_;
  Attempt attempt_;
  CutId cut_;
  std::shared_ptr<const Placement> placement_;
  CutTrackerMutations mutations_;
  std::map<ReplicaId, TrainerSnapshot> trainers_;
  std::map<ShardId, ShardSnapshot> shards_;
  std::map<WorkerId, PartDigest> parts_;
};

}  // namespace millrace
