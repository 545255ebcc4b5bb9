#include "worker/actors/state_keeper.hpp"

#include <algorithm>
#include <iterator>
#include <set>
#include <utility>

#include "common/ml/shard_recut.hpp"
#include "worker/sinks/replica_outputs.hpp"
#include "worker/training/trainer_recut.hpp"

namespace millrace {
namespace {

std::string replica_key(ReplicaId replica) {
  return "replica/" + std::to_string(replica.value);
}
std::string shard_key(ShardId shard) {
  return "shard/" + std::to_string(shard.value);
}

bool has_split(const std::vector<TrainerState>& states, SplitId split) {
  return std::ranges::any_of(states, [&](const TrainerState& state) {
    return std::ranges::any_of(state.splits,
                               [&](const SplitState& own) { return own.progress.split == split; });
  });
}

Status prepare_folder(const std::filesystem::path& folder) {
  std::error_code error;
  std::filesystem::remove_all(folder, error);
  if (!error) std::filesystem::create_directories(folder, error);
  if (!error) return {};
  return Status(Code::io_error,
                "cannot prepare the scratch folder " + folder.string() + ": " + error.message(),
                "check that the state folder can be written and has room");
}

}  // namespace

StateKeeper::~StateKeeper() {
  restored_.clear();
  db_.reset();
  std::error_code ignored;
  std::filesystem::remove_all(scratch_, ignored);
}

Result<Bytes> StateKeeper::read_restored(const order::RestorePlan& plan, WorkerId worker,
                                         const std::string& key) {
  auto& db = restored_[worker];
  if (db == nullptr) {
    const auto part = std::ranges::find(plan.parts, worker, &PartDescriptor::worker);
    if (part == plan.parts.end()) {
      return Status(Code::corrupted, "checkpoint " + std::to_string(plan.cut.value) +
                                         " lists no part of worker " +
                                         std::to_string(worker.value));
    }
    const auto folder = scratch_ / ("restored-" + std::to_string(worker.value));
    MILLRACE_ASSIGN(db, StateDb::open_restored(*part, *store_, folder.string()));
  }
  return db->get(plan.cut, key);
}

Result<ShardState> StateKeeper::read_shard(const order::RestorePlan& plan, std::uint32_t shard) {
  MILLRACE_ASSIGN(const Bytes bytes,
                  read_restored(plan, plan.shards[shard], shard_key(ShardId(shard))));
  return ShardState::decode(bytes);
}

Result<Bytes> StateKeeper::read_replica(const order::RestorePlan& plan, std::uint32_t replica) {
  return read_restored(plan, plan.replicas[replica], replica_key(ReplicaId(replica)));
}

// Each worker reads every old shard, one at a time, and keeps what falls to its own.
Result<std::vector<ShardState>> StateKeeper::recut_shards(const order::StartAttempt& start,
                                                          const TrainingSetup& setup) {
  const auto& restored = *start.restored;
  const auto shards = static_cast<std::uint32_t>(restored.shards.size());
  std::vector<std::uint32_t> wanted;
  for (const auto shard : start.shards) wanted.push_back(shard.value);
  if (wanted.empty()) return std::vector<ShardState>();
  MILLRACE_ASSIGN(const auto before,
                  make_training_setup(start.job->spec, start.job->schema, shards));
  ShardRecut recut({before->shards, before->layout_id}, {setup.shards, setup.layout_id}, wanted);
  for (std::uint32_t shard = 0; shard < shards; ++shard) {
    MILLRACE_ASSIGN(ShardState old, read_shard(restored, shard));
    MILLRACE_TRY(recut.add(std::move(old)));
  }
  return std::move(recut).take();
}

Status StateKeeper::load_shards(const order::StartAttempt& start, LoadedAttempt& loaded) {
  const auto& restored = *start.restored;
  const TrainingSetup& setup = *loaded.setup;
  const bool is_fresh = restored.parts.empty();
  std::vector<ShardState> states;
  if (!is_fresh && restored.shards.size() != start.job->shards) {
    MILLRACE_ASSIGN(states, recut_shards(start, setup));
  }
  for (std::size_t i = 0; i < start.shards.size(); ++i) {
    const auto options = setup.shard_options(start.shards[i]);
    if (is_fresh) {
      loaded.shards.push_back(std::make_unique<ParameterShard>(
          options, setup.initial_parameters(), setup.statistics_size, setup.initial_dictionary()));
      continue;
    }
    if (states.size() == i) {
      MILLRACE_ASSIGN(ShardState state, read_shard(restored, start.shards[i].value));
      states.push_back(std::move(state));
    }
    MILLRACE_ASSIGN(auto values, ParameterShard::restore(options, std::move(states[i])));
    loaded.shards.push_back(std::move(values));
  }
  return {};
}

Result<std::vector<Bytes>> StateKeeper::recut_replicas(const order::StartAttempt& start,
                                                       const TrainingSetup& setup) {
  std::vector<Bytes> states;
  if (start.replicas.empty()) return states;
  const auto& restored = *start.restored;
  std::vector<TrainerState> old;
  std::vector<LaneState> lanes;
  for (std::uint32_t replica = 0; replica < restored.replicas.size(); ++replica) {
    MILLRACE_ASSIGN(const Bytes bytes, read_replica(restored, replica));
    MILLRACE_ASSIGN(TrainerState state, TrainerState::decode(bytes));
    std::ranges::move(std::exchange(state.lanes, {}), std::back_inserter(lanes));
    old.push_back(std::move(state));
  }
  for (const auto& assignment : start.replicas) {
    std::vector<SplitId> splits;
    for (const auto& position : assignment.splits) {
      // What has joined the job since is in no state; the trainer begins it.
      const bool has_joined = position.learned.count == 0 && !has_split(old, position.split);
      if (!has_joined) splits.push_back(position.split);
    }
    MILLRACE_ASSIGN(TrainerState state, recut_trainer_state(old, assignment.replica, splits,
                                                            fresh_trainer_state(setup)));
    // Somebody settles what each old replica was still writing.
    state.lanes = lanes_of(lanes, assignment.replica, start.job->spec.parallelism);
    states.push_back(state.encode());
  }
  return states;
}

Status StateKeeper::load_replicas(const order::StartAttempt& start, LoadedAttempt& loaded) {
  const auto& restored = *start.restored;
  if (restored.parts.empty()) {
    loaded.replicas.resize(start.replicas.size());
    return {};
  }
  if (restored.replicas.size() != start.job->spec.parallelism) {
    MILLRACE_ASSIGN(auto states, recut_replicas(start, *loaded.setup));
    for (Bytes& state : states) loaded.replicas.emplace_back(std::move(state));
    return {};
  }
  for (const auto& assignment : start.replicas) {
    MILLRACE_ASSIGN(Bytes bytes, read_replica(restored, assignment.replica.value));
    loaded.replicas.emplace_back(std::move(bytes));
  }
  return {};
}

Result<LoadedAttempt> StateKeeper::load(const order::StartAttempt& start) {
  db_.reset();
  cuts_.clear();
  shipped_ = start.restored->cut;
  completed_ = shipped_;
  attempt_ = start.attempt;
  MILLRACE_TRY(prepare_folder(scratch_));
  MILLRACE_ASSIGN(store_, open_checkpoint_store(start.store_url, stores_));

  LoadedAttempt loaded;
  const JobPackage& job = *start.job;
  MILLRACE_ASSIGN(loaded.setup, make_training_setup(job.spec, job.schema, job.shards));
  ByteReader plan(job.split_plan);
  MILLRACE_ASSIGN(loaded.splits, decode_splits(plan));
  MILLRACE_TRY(roots_.check(job.spec.source, loaded.splits));
  MILLRACE_TRY(load_shards(start, loaded));
  MILLRACE_TRY(load_replicas(start, loaded));
  restored_.clear();

  StateDbOptions options;
  options.folder = (scratch_ / "db").string();
  options.worker = worker_;
  MILLRACE_ASSIGN(db_, StateDb::open(std::move(options)));
  return loaded;
}

void StateKeeper::expect(CutId cut, std::size_t contributions) {
  if (cut <= shipped_) return;
  cuts_[cut].expected = contributions;
}

Status StateKeeper::add_shard(CutId cut, ShardId shard, Bytes state) {
  if (cut <= shipped_) return {};
  MILLRACE_TRY(db_->put(cut, shard_key(shard), state));
  auto& open = cuts_[cut];
  open.shards[shard] = std::make_shared<const Bytes>(std::move(state));
  ++open.arrived;
  return {};
}

Status StateKeeper::add_replica(CutId cut, ReplicaId replica, ByteView state) {
  if (cut <= shipped_) return {};
  MILLRACE_TRY(db_->put(cut, replica_key(replica), state));
  ++cuts_[cut].arrived;
  return {};
}

void StateKeeper::abort(CutId cut) {
  std::set<CutId> open = {cut};
  if (shipped_ <= cut) open.insert(shipped_);
  for (const auto& [id, contributions] : cuts_) {
    if (id <= cut) open.insert(id);
  }
  for (const CutId id : open) {
    if (id <= completed_) continue;
    cuts_.erase(id);
    if (db_ != nullptr) db_->abandoned(id);
  }
}

Result<std::optional<PartDescriptor>> StateKeeper::ship_if_complete(CutId cut) {
  const auto open = cuts_.find(cut);
  if (open == cuts_.end() || open->second.arrived != open->second.expected) {
    return std::optional<PartDescriptor>();
  }
  MILLRACE_ASSIGN(PartDescriptor part, db_->ship(cut, attempt_, *store_));
  shipped_ = cut;
  cuts_.erase(cuts_.begin(), open);  // earlier cuts are of no use any more
  return std::optional(std::move(part));
}

std::map<ShardId, std::shared_ptr<const Bytes>> StateKeeper::completed(CutId cut) {
  completed_ = std::max(completed_, cut);
  if (db_ != nullptr) db_->completed(cut);
  const auto open = cuts_.find(cut);
  return open == cuts_.end() ? std::map<ShardId, std::shared_ptr<const Bytes>>()
                             : std::move(open->second.shards);
}

}  // namespace millrace
