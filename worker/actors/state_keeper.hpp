// A worker's state on disk: loads what an attempt starts from, collects what its trainers and
// shards contribute to a cut, and ships it as one part.
//
// Place: the state actor owns one and is detached, since everything here blocks. Not an actor
// itself, so that tests drive it directly. One thread at a time.
//
// Invariants: a part is shipped once, when every contribution of its cut has arrived, and holds
// nothing else. An attempt may start from a cut of any number of replicas and shards: what it holds
// is then shared out anew, the same on every worker.
#pragma once

#include <algorithm>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "common/actors/messages.hpp"
#include "common/store/checkpoint_store.hpp"
#include "common/store/state_db.hpp"
#include "worker/sources/data_roots.hpp"
#include "worker/sources/split.hpp"
#include "worker/training/parameter_shard.hpp"
#include "worker/training/training_setup.hpp"

namespace millrace {

// What the state keeper has read for an attempt.
struct LoadedAttempt {
  TrainingSetupPtr setup;
  std::vector<SplitDescription> splits;
  std::vector<std::unique_ptr<ParameterShard>> shards;  // in order of StartAttempt::shards
  std::vector<std::optional<Bytes>> replicas;  // TrainerState, in order of StartAttempt::replicas
};

class StateKeeper {
 public:
  // `scratch` is this worker's own folder and is emptied at every attempt. Attempts that read files
  // outside `roots` are refused. `stores`: what the checkpoint store is opened with.
  StateKeeper(WorkerId worker, std::filesystem::path scratch, DataRoots roots = {},
              StoreOptions stores = {})
      : worker_(worker),
        scratch_(std::move(scratch)),
        roots_(std::move(roots)),
        stores_(std::move(stores)) {}
  // Empties the folder.
  ~StateKeeper();
  StateKeeper(const StateKeeper&) = delete;
  StateKeeper& operator=(const StateKeeper&) = delete;

  Result<LoadedAttempt> load(const order::StartAttempt& start);
  // The attempt loaded last; what others contribute is not for this keeper.
  Attempt attempt() const { return attempt_; }

  // Contributions may come before `expect`.
  void expect(CutId cut, std::size_t contributions);
  Status add_shard(CutId cut, ShardId shard, Bytes state);
  Status add_replica(CutId cut, ReplicaId replica, ByteView state);
  // Every cut up to this one that is not known to be complete.
  void abort(CutId cut);
  // The part, once per cut, when its last contribution is in; nothing before.
  Result<std::optional<PartDescriptor>> ship_if_complete(CutId cut);

  // The cut is complete in the log. Its shards' states, for publication.
  std::map<ShardId, std::shared_ptr<const Bytes>> completed(CutId cut);

 private:
  struct OpenCut {
    std::optional<std::size_t> expected;
    std::size_t arrived = 0;
    std::map<ShardId, std::shared_ptr<const Bytes>> shards;
  };
  Result<Bytes> read_restored(const order::RestorePlan& plan, WorkerId part,
                              const std::string& key);
  Result<ShardState> read_shard(const order::RestorePlan& plan, std::uint32_t shard);
  Result<Bytes> read_replica(const order::RestorePlan& plan, std::uint32_t replica);
  Status load_shards(const order::StartAttempt& start, LoadedAttempt& loaded);
  Status load_replicas(const order::StartAttempt& start, LoadedAttempt& loaded);
  Result<std::vector<ShardState>> recut_shards(const order::StartAttempt& start,
                                               const TrainingSetup& setup);
  Result<std::vector<Bytes>> recut_replicas(const order::StartAttempt& start,
                                            const TrainingSetup& setup);

  WorkerId worker_;
  std::filesystem::path scratch_;
  DataRoots roots_;
  StoreOptions stores_;
  Attempt attempt_;
  std::unique_ptr<CheckpointStore> store_;
  std::unique_ptr<StateDb> db_;
  std::map<WorkerId, std::unique_ptr<StateDb>>
      restored_;  // parts being read while an attempt loads
  std::map<CutId, OpenCut> cuts_;
  CutId shipped_;    // newest; its shards stay until the next
  CutId completed_;  // newest that the log is known to hold
};

}  // namespace millrace
