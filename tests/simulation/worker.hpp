// A worker process: hosts the trainers and shards of one attempt, ships their snapshots as one
// part.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "coordinator/core/job_machine.hpp"
#include "tests/simulation/store.hpp"
#include "tests/simulation/trainer.hpp"
#include "worker/core/shard_core.hpp"

namespace millrace::sim {

class Cluster;

class Worker {
 public:
  Worker(Cluster& cluster, World& world, ProcessId process, WorkerId id);

  WorkerId id() const { return id_; }
  Address address() const { return home_; }

  void on_start(const StartWorker& start, Address from);
  void on_adopt(const AdoptWorker& adopt, Address from);
  void on_stop(const StopAttempt& stop, Address from);
  void on_trigger(const TriggerCut& trigger, Address from);
  void on_abort(const AbortCut& abort, Address from);
  void on_release(const ReleaseOutputs& release, Address from);
  void on_entry(const Entry& entry);
  // Changes when an order has an effect.
  std::uint64_t state_hash() const;
  void on_answer(const Answer& answer);

 private:
  struct Part {
    StoredPart stored;
    std::vector<TrainerSnapshot> trainers;
    std::vector<ShardSnapshot> shards;
    bool is_sent = false;
    bool is_durable = false;
  };

  void heartbeat();
  void look_for_splits();
  bool admit(Term term, Address from);
  std::optional<RunningPart> running() const;
  void abort_through(CutId cut);
  void step_trainer(ReplicaId replica, std::uint64_t generation);
  void build(const StartWorker& start, const std::vector<StoredPart>& parts);
  void build_shard(ShardId shard, const std::vector<StoredPart>& parts);
  void build_trainer(const ReplicaAssignment& replica, const std::vector<StoredPart>& parts);
  void build_outputs(ReplicaId replica, const std::vector<StoredPart>& parts);
  void fail(Status status);
  void execute(ShardId shard, std::vector<ShardEffect> effects);
  void took(CutId cut, TrainerSnapshot snapshot);
  void took(CutReady ready, ShardId shard);
  void ship(CutId cut);
  void report(CutId cut);
  void forget_cuts_before(CutId cut);
  void send_event(const char* what, JobEvent event);

  Cluster& cluster_;
  World& world_;
  Address home_;
  WorkerId id_;
  Address master_;
  Term term_;  // highest heard
  Attempt attempt_;
  CutId newest_cut_;
  bool is_stopped_ = false;
  std::uint64_t generation_ = 0;  // of what is hosted; timers of older ones end
  bool is_running_ = false;
  std::optional<StartWorker> start_;
  std::optional<Status> failure_;
  std::map<ReplicaId, std::unique_ptr<Outputs>> outputs_;  // before the trainers, who use them
  std::map<ReplicaId, std::unique_ptr<Trainer>> trainers_;
  std::map<ShardId, std::unique_ptr<ShardCore>> shards_;
  std::map<CutId, Part> parts_;
};

}  // namespace millrace::sim
