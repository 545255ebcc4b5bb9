// What a job master keeps beside its JobMachine: handles, parts, metrics, publications.
//
// Place: only job_master.cpp and its parts include it. It turns the machine's effects into messages
// and workers' reports into the machine's events; it decides nothing.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "coordinator/actors/interfaces.hpp"
#include "coordinator/core/job_machine.hpp"

namespace millrace {

struct JobMasterState;
using JobMasterSelf = job_master_actor::stateful_pointer<JobMasterState>;

// Of one replica, as last heard.
struct ReplicaNews {
  DecodeCounters totals;
  std::vector<SplitProgress> splits;
  std::shared_ptr<const Bytes> evaluation;
};

// Of one cut while it is taken and published.
struct CutNews {
  std::map<ReplicaId, ReplicaNews> replicas;
  std::map<WorkerId, PartDescriptor> parts;
  std::chrono::steady_clock::time_point triggered_at;
  // Publication: set when it is wanted, ordered when every shard has arrived.
  std::shared_ptr<const CutContents> publishing;
  bool is_ordered = false;
  std::map<ShardId, std::shared_ptr<const Bytes>> shards;

  DecodeCounters totals() const;
  std::uint64_t part_bytes() const;
};

struct JobMasterState {
  JobPackagePtr job;
  std::string store_url;
  JobWatcher watcher;
  std::unique_ptr<JobMachine> machine;
  checkpoint_actor checkpoints;
  std::map<WorkerId, worker_control> workers;
  std::map<WorkerId, NodeAddress> addresses;  // of workers in processes of their own
  std::map<CutId, CutNews> cuts;              // bounded: dropped once a later cut is complete
  std::vector<PartDescriptor> restored_parts;
  JoinedSplits found_splits;  // as last reported
  std::map<ReplicaId, ReplicaNews> replicas;
  std::size_t publications_open = 0;
  std::uint64_t cuts_aborted = 0;
  CutId newest_aborted;  // every participant gets an order; the cut counts once
  // The end, told to the watcher when nothing is left to publish.
  std::optional<JobUpdate> ending;
  static inline const char* name = "job_master";
};

void execute_effects(JobMasterSelf self, const std::vector<JobEffect>& effects);
void step(JobMasterSelf self, const JobEvent& event);
void on_report(JobMasterSelf self, const WorkerReport& report);
void on_published(JobMasterSelf self, const PublishOutcome& outcome);
// Merged figures of a cut: "accuracy", "log_loss", ...
std::map<std::string, double> metrics_of(const std::map<ReplicaId, ReplicaNews>& replicas);
JobUpdate make_update(JobMasterSelf self, std::string kind, std::string message);
void tell_ending(JobMasterSelf self);

}  // namespace millrace
