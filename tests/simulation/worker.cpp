#include "tests/simulation/worker.hpp"

#include <cmath>
#include <utility>

#include "tests/simulation/cluster.hpp"
#include "tests/simulation/ledger_values.hpp"

namespace millrace::sim {

namespace {

constexpr Time kHeartbeat = 100 * kMillisecond;

Time step_delay(World& world) {
  const double draw = world.random().uniform() + 0.5;
  return static_cast<Time>(draw * static_cast<double>(world.options().step_mean));
}

}  // namespace

Worker::Worker(Cluster& cluster, World& world, ProcessId process, WorkerId id)
    : cluster_(cluster), world_(world), home_(world.address(process)), id_(id) {
  heartbeat();
}

// Also the timer for everything that is sent again.
void Worker::heartbeat() {
  cluster_.register_worker(home_, id_, running());
  if (failure_) send_event("failure", AttemptFailed{attempt_, *failure_});
  for (auto& [replica, trainer] : trainers_) {
    if (!world_.is_alive(home_)) return;
    trainer->tick();
    if (const auto outputs = outputs_.find(replica); outputs != outputs_.end())
      outputs->second->tick();
    if (trainer->is_finished()) send_event("finished", TrainerFinished{attempt_, replica});
  }
  if (!world_.is_alive(home_)) return;
  look_for_splits();
  world_.after(home_, kHeartbeat, "heartbeat", [this] { heartbeat(); });
}

// As the worker with the first replica looks at a topic's partitions.
void Worker::look_for_splits() {
  if (!is_running_ || !trainers_.contains(ReplicaId(0))) return;
  const auto known = static_cast<std::uint32_t>(start_->restored->splits.size());
  const std::uint32_t there = cluster_.truth().appeared(world_.now());
  if (there <= known) return;
  world_.injected().late_splits += 1;
  send_event("splits", SplitsFound{attempt_, cluster_.truth().start(known, there)});
}

void Worker::send_event(const char* what, JobEvent event) {
  cluster_.send_to_master(home_, master_, what, std::move(event));
}

// Orders of coordinators that lead no more change nothing, and are told so.
bool Worker::admit(Term term, Address from) {
  if (term >= term_ || world_.options().mutations.accept_old_terms) {
    term_ = std::max(term, term_);
    return true;
  }
  world_.injected().stale_terms += 1;
  cluster_.send_to_master(home_, from, "refused", WorkerRefused{id_, attempt_, term_});
  return false;
}

std::uint64_t Worker::state_hash() const {
  std::uint64_t hash = mix64(attempt_.value ^ (generation_ << 32));
  hash = mix64(hash ^ newest_cut_.value ^ (static_cast<std::uint64_t>(parts_.size()) << 40));
  return mix64(hash ^ master_.life ^ (static_cast<std::uint64_t>(master_.process) << 32));
}

std::optional<RunningPart> Worker::running() const {
  if (!start_ || is_stopped_) return std::nullopt;
  RunningPart part;
  part.attempt = attempt_;
  for (const ReplicaAssignment& replica : start_->replicas)
    part.replicas.push_back(replica.replica);
  part.shards = start_->shards;
  part.newest_cut = newest_cut_;
  part.restored = start_->restored->cut;
  return part;
}

void Worker::on_adopt(const AdoptWorker& adopt, Address from) {
  if (!admit(adopt.term, from)) return;
  if (adopt.attempt != attempt_ || !start_ || is_stopped_) {
    const Status status(Code::unreachable, "this attempt does not run here");
    cluster_.send_to_master(home_, from, "failure", AttemptFailed{adopt.attempt, status});
    return;
  }
  if (master_ != from) {
    master_ = from;
    abort_through(adopt.closed);
    if (!world_.is_alive(home_)) return;
  }
  if (is_running_) {
    cluster_.send_to_master(home_, from, "started", WorkerStarted{id_, attempt_});
  }
}

void Worker::abort_through(CutId cut) {
  for (auto& [shard, core] : shards_) execute(shard, core->abort_cut(cut));
  for (auto& [replica, trainer] : trainers_) trainer->abort_cut(cut);
  forget_cuts_before(cut.next());
}

void Worker::on_start(const StartWorker& start, Address from) {
  if (start.worker != id_ || !admit(start.term, from)) return;
  if (start.attempt < attempt_) {
    cluster_.send_to_master(home_, from, "refused", WorkerRefused{id_, attempt_, term_});
    return;
  }
  master_ = from;
  if (start.attempt == attempt_) {
    if (is_running_) send_event("started", WorkerStarted{id_, attempt_});
    return;
  }
  attempt_ = start.attempt;
  start_ = start;
  newest_cut_ = start.restored->cut;
  is_stopped_ = false;
  is_running_ = false;
  failure_.reset();
  generation_ += 1;
  trainers_.clear();
  outputs_.clear();
  shards_.clear();
  parts_.clear();
  cluster_.store().get_parts(
      home_, start.restored,
      [this, generation = generation_](const std::optional<std::vector<StoredPart>>& parts) {
        if (generation != generation_) return;
        if (parts) {
          build(*start_, *parts);
        } else {
          fail(Status(Code::corrupted, "a part of the checkpoint is missing"));
        }
      });
}

void Worker::build(const StartWorker& start, const std::vector<StoredPart>& parts) {
  for (const ShardId shard : start.shards) build_shard(shard, parts);
  for (const ReplicaAssignment& replica : start.replicas) build_trainer(replica, parts);
  is_running_ = true;
  for (auto& [replica, trainer] : trainers_) {
    if (!world_.survives(home_)) return;
    trainer->start();
    if (const auto outputs = outputs_.find(replica); outputs != outputs_.end())
      outputs->second->start();
    const auto step = [this, replica = replica, generation = generation_] {
      step_trainer(replica, generation);
    };
    world_.after(home_, step_delay(world_), "step", step);
  }
  if (world_.survives(home_)) send_event("started", WorkerStarted{id_, attempt_});
}

void Worker::build_shard(ShardId shard, const std::vector<StoredPart>& parts) {
  ShardOptions options;
  options.attempt = attempt_;
  options.shard = shard;
  options.replicas = static_cast<std::uint32_t>(start_->placement->replicas.size());
  options.mode = world_.options().mode;
  options.second_view_bytes_max = world_.options().second_view_bytes_max;
  options.mutations = world_.options().mutations.shard;
  ShardLedger ledger;
  Fingerprint records;
  // Of a cut with another number of shards each new one is made of all old ones, which hold the
  // same records.
  const bool is_recut = start_->restored->shards.size() != start_->placement->shards.size();
  for (const StoredPart& part : parts) {
    const auto found = is_recut ? part.shards.begin() : part.shards.find(shard);
    if (found == part.shards.end()) continue;
    ledger = found->second.first;
    records = found->second.second;
  }
  const bool is_elastic = options.mode == MergeMode::elastic;
  shards_[shard] = std::make_unique<ShardCore>(
      options, std::make_unique<LedgerValues>(std::move(records), is_elastic), std::move(ledger),
      start_->restored->cut);
}

// Lanes go by their number, as lanes_of() of worker/sinks shares them out.
void Worker::build_outputs(ReplicaId replica, const std::vector<StoredPart>& parts) {
  std::vector<StoredLane> lanes;
  const auto replicas = start_->placement->replicas.size();
  const bool is_recut = start_->restored->replicas.size() != replicas;
  for (const StoredPart& part : parts) {
    for (const auto& [holder, held] : part.lanes) {
      for (const StoredLane& lane : held) {
        if (is_recut ? lane.lane % replicas == replica.value : holder == replica)
          lanes.push_back(lane);
      }
    }
  }
  outputs_[replica] =
      std::make_unique<Outputs>(world_, home_, cluster_.broker(), replica, start_->restored->cut,
                                std::move(lanes), [this, replica](CutId cut) {
                                  send_event("released", OutputsReleased{attempt_, replica, cut});
                                });
}

void Worker::build_trainer(const ReplicaAssignment& replica, const std::vector<StoredPart>& parts) {
  Trainer::Hooks hooks;
  const auto placement = start_->placement;
  hooks.send = [this, placement](const Entry& entry) {
    cluster_.send_entry(home_, placement->shards[entry.shard.value], entry);
  };
  hooks.snapshot = [this](const TrainerSnapshot& snapshot) { took(snapshot.cut, snapshot); };
  hooks.finished = [this](ReplicaId id) { send_event("finished", TrainerFinished{attempt_, id}); };
  if (world_.options().has_sinks) {
    build_outputs(replica.replica, parts);
    hooks.outputs = outputs_[replica.replica].get();
  }
  auto splits = replica.splits;
  if (world_.options().mutations.restore_without_learned) {
    for (SplitProgress& split : splits) split.learned = {};
  }
  // A stream that may still get splits has no end.
  const bool is_whole = start_->restored->splits.size() == cluster_.truth().splits();
  for (SplitProgress& split : splits) {
    split.is_finished = is_whole && split.offset.value == cluster_.truth().size(split.split);
  }
  trainers_[replica.replica] = std::make_unique<Trainer>(
      world_, home_, cluster_.truth(), cluster_.checkers(), attempt_, replica.replica,
      start_->restored->cut, std::move(splits), is_whole,
      static_cast<std::uint32_t>(placement->shards.size()), std::move(hooks));
}

void Worker::step_trainer(ReplicaId replica, std::uint64_t generation) {
  if (generation != generation_) return;
  trainers_.at(replica)->step();
  if (!world_.is_alive(home_)) return;
  const auto step = [this, replica, generation] { step_trainer(replica, generation); };
  world_.after(home_, step_delay(world_), "step", step);
}

void Worker::fail(Status status) {
  failure_ = std::move(status);
  send_event("failure", AttemptFailed{attempt_, *failure_});
}

void Worker::on_stop(const StopAttempt& stop, Address from) {
  if (!admit(stop.term, from) || stop.attempt < attempt_ || !start_) return;
  generation_ += 1;
  is_stopped_ = true;
  is_running_ = false;
  failure_.reset();
  trainers_.clear();
  outputs_.clear();
  shards_.clear();
  parts_.clear();
}

void Worker::on_trigger(const TriggerCut& trigger, Address from) {
  if (!admit(trigger.term, from) || trigger.attempt != attempt_ || !is_running_) return;
  master_ = from;
  newest_cut_ = std::max(newest_cut_, trigger.cut);
  for (auto& [shard, core] : shards_) execute(shard, core->request_cut(trigger.cut));
  for (auto& [replica, trainer] : trainers_) trainer->request_cut(trigger.cut);
  if (parts_.contains(trigger.cut)) report(trigger.cut);
}

void Worker::on_abort(const AbortCut& abort, Address from) {
  if (!admit(abort.term, from) || abort.attempt != attempt_) return;
  abort_through(abort.cut);
}

void Worker::on_release(const ReleaseOutputs& release, Address from) {
  if (!admit(release.term, from) || release.attempt != attempt_) return;
  for (auto& [replica, outputs] : outputs_) {
    if (world_.survives(home_)) outputs->complete(release.cut);
  }
}

void Worker::on_entry(const Entry& entry) {
  const auto found = shards_.find(entry.shard);
  if (found == shards_.end()) return;
  if (entry.attempt == attempt_) {
    execute(entry.shard, found->second->on_entry(entry));
    return;
  }
  const ShardLedger before = found->second->live_ledger();
  execute(entry.shard, found->second->on_entry(entry));
  if (!world_.is_alive(home_) || before == found->second->live_ledger()) return;
  cluster_.checkers().report("an entry of another attempt changed a shard");
}

void Worker::on_answer(const Answer& answer) {
  const auto found = trainers_.find(answer.replica);
  if (found != trainers_.end()) found->second->on_answer(answer);
}

void Worker::execute(ShardId shard, std::vector<ShardEffect> effects) {
  for (ShardEffect& effect : effects) {
    if (!world_.survives(home_)) return;
    if (auto* send = std::get_if<SendAnswer>(&effect)) {
      cluster_.send_answer(home_, start_->placement->replicas[send->answer.replica.value],
                           send->answer);
    } else if (auto* ready = std::get_if<CutReady>(&effect)) {
      took(std::move(*ready), shard);
    } else if (auto* refused = std::get_if<CutRefused>(&effect)) {
      send_event("cut failed", CutFailed{attempt_, refused->cut, refused->status});
    } else if (auto* failed = std::get_if<ShardFailed>(&effect)) {
      fail(failed->status);
    }
  }
}

void Worker::took(CutId cut, TrainerSnapshot snapshot) {
  forget_cuts_before(cut);
  Part& part = parts_[cut];
  part.stored.replicas[snapshot.replica] = snapshot.splits;
  if (const auto outputs = outputs_.find(snapshot.replica); outputs != outputs_.end())
    part.stored.lanes[snapshot.replica] = outputs->second->lanes();
  part.trainers.push_back(std::move(snapshot));
  report(cut);
}

void Worker::took(CutReady ready, ShardId shard) {
  forget_cuts_before(ready.cut);
  Part& part = parts_[ready.cut];
  const auto& values = static_cast<const LedgerValues&>(*ready.values);
  part.stored.shards[shard] = {ready.ledger, values.records()};
  part.shards.push_back(ShardSnapshot{attempt_, ready.cut, shard, std::move(ready.ledger)});
  report(ready.cut);
}

void Worker::forget_cuts_before(CutId cut) {
  std::erase_if(parts_, [&](const auto& entry) { return entry.first < cut; });
}

// Says what is there, and writes the part once all of it is.
void Worker::report(CutId cut) {
  Part& part = parts_[cut];
  for (const auto& snapshot : part.trainers) send_event("trainer snapshot", snapshot);
  for (const auto& snapshot : part.shards) send_event("shard snapshot", snapshot);
  const bool is_whole =
      part.trainers.size() == trainers_.size() && part.shards.size() == shards_.size();
  if (part.is_durable || (is_whole && world_.options().mutations.acknowledge_part_before_store)) {
    PartDigest info;
    info.worker = id_;
    info.name = std::to_string(attempt_.value) + "-" + std::to_string(cut.value);
    send_event("part", WorkerPart{attempt_, cut, info});
  }
  if (is_whole && !part.is_sent) ship(cut);
}

void Worker::ship(CutId cut) {
  Part& part = parts_[cut];
  part.is_sent = true;
  part.stored.attempt = attempt_;
  part.stored.cut = cut;
  part.stored.worker = id_;
  auto reply = [this, cut, generation = generation_](StoreOutcome outcome) {
    if (generation != generation_ || !parts_.contains(cut)) return;
    Part& shipped = parts_[cut];
    shipped.is_durable = outcome == StoreOutcome::done;
    shipped.is_sent = shipped.is_durable;  // otherwise again, when the cut is triggered again
    if (shipped.is_durable) report(cut);
  };
  cluster_.store().put_part(home_, std::make_shared<const StoredPart>(part.stored), reply);
}

}  // namespace millrace::sim
