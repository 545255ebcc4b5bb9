#include "worker/actors/state_keeper.hpp"

#include <set>

namespace millrace {
namespace {

std::string replica_key(ReplicaId replica) {
  return "replica/" + std::to_string(replica.value);
}
std::string shard_key(ShardId shard) {
  return "shard/" + std::to_string(shard.value);
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

Result<LoadedAttempt> StateKeeper::load(const order::StartAttempt& start) {
  db_.reset();
  cuts_.clear();
  shipped_ = start.restored->cut;
  completed_ = shipped_;
  attempt_ = start.attempt;
  MILLRACE_TRY(prepare_folder(scratch_));
  MILLRACE_ASSIGN(store_, open_checkpoint_store(start.store_url, {.secrets = secrets_}));

  LoadedAttempt loaded;
  const JobPackage& job = *start.job;
  MILLRACE_ASSIGN(loaded.setup, make_training_setup(job.spec, job.schema, job.shards));
  ByteReader plan(job.split_plan);
  MILLRACE_ASSIGN(loaded.splits, decode_splits(plan));
  MILLRACE_TRY(roots_.check(job.spec.source, loaded.splits));

  const auto& restored = *start.restored;
  const bool is_fresh = restored.parts.empty();
  for (const auto shard : start.shards) {
    const auto options = loaded.setup->shard_options(shard);
    if (is_fresh) {
      loaded.shards.push_back(std::make_unique<ParameterShard>(
          options, loaded.setup->initial_parameters(), loaded.setup->statistics_size,
          loaded.setup->initial_dictionary()));
      continue;
    }
    MILLRACE_ASSIGN(const Bytes bytes,
                    read_restored(restored, restored.shards[shard.value], shard_key(shard)));
    MILLRACE_ASSIGN(ShardState state, ShardState::decode(bytes));
    MILLRACE_ASSIGN(auto values, ParameterShard::restore(options, std::move(state)));
    loaded.shards.push_back(std::move(values));
  }
  for (const auto& assignment : start.replicas) {
    const auto replica = assignment.replica;
    if (is_fresh) {
      loaded.replicas.emplace_back();
      continue;
    }
    MILLRACE_ASSIGN(Bytes bytes, read_restored(restored, restored.replicas[replica.value],
                                               replica_key(replica)));
    loaded.replicas.emplace_back(std::move(bytes));
  }
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
