// A trainer's shell round ReplicaCore: reads records, learns their numbers, pushes, rebases,
// snapshots.
//
// Its model is the set of records it knows of: the shards' answer plus what it learned since. After
// every rebase each of its own records must be in there exactly once; that is checked at once.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "coordinator/core/cut_contents.hpp"
#include "tests/simulation/checkers.hpp"
#include "tests/simulation/outputs.hpp"
#include "tests/simulation/world.hpp"
#include "worker/core/replica_core.hpp"

namespace millrace::sim {

class Trainer {
 public:
  struct Hooks {
    std::function<void(const Entry&)> send;
    std::function<void(const TrainerSnapshot&)> snapshot;
    std::function<void(ReplicaId)> finished;
    Outputs* outputs = nullptr;  // what is learned is put out; may be null
  };

  Trainer(World& world, Address home, const Truth& truth, Checkers& checkers, Attempt attempt,
          ReplicaId replica, CutId restored, std::vector<SplitProgress> splits, bool has_all_splits,
          std::uint32_t shards, Hooks hooks);

  void start();
  void on_answer(const Answer& answer);
  void request_cut(CutId cut);
  void abort_cut(CutId cut);
  // Reads, learns and pushes one micro-batch, or waits.
  void step();
  // Sends again what is not answered.
  void tick();
  bool is_finished() const { return reported_finished_; }

 private:
  struct Frozen {
    Sequence sequence;
    Fingerprint records;
  };

  void execute(std::vector<ReplicaEffect> effects);
  void rebase(const Rebase& rebase);
  void snapshot(CutId cut);
  bool read_batch();
  bool has_ended() const;
  PushContent take_pending(Participation participation);
  void push(Participation participation);
  void merge_point();
  void take_due_cut();
  void check_drained();

  World& world_;
  Address home_;
  const Truth& truth_;
  Checkers& checkers_;
  Attempt attempt_;
  ReplicaId replica_;
  std::uint32_t shards_;
  Hooks hooks_;
  ReplicaCore core_;
  std::vector<SplitProgress> splits_;
  const bool has_all_splits_;  // of the job: none of them ends before
  std::size_t next_split_ = 0;
  std::uint32_t batches_ = 0;
  Fingerprint pending_;                     // learned, not frozen
  std::map<Sequence, Fingerprint> frozen_;  // pushes not answered by all shards
  Sequence pushed_;
  std::vector<Fingerprint> views_;  // per shard: the last answer's values
  std::vector<Sequence> view_sequences_;
  std::vector<Fingerprint> moved_;  // elastic: what answers moved
  Fingerprint pushed_records_;
  std::optional<CutId> late_snapshot_;  // a deliberate bug
  bool reported_finished_ = false;
};

}  // namespace millrace::sim
