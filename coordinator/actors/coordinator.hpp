// Spawns the coordinator: it knows the workers and runs one master per job.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "common/actors/join_gate.hpp"
#include "common/store/checkpoint_store.hpp"
#include "coordinator/actors/interfaces.hpp"
#include "coordinator/actors/job_metrics.hpp"
#include "coordinator/actors/volume_actor.hpp"
#include "coordinator/core/cluster_state.hpp"
#include "coordinator/registry/job_catalog.hpp"

namespace millrace {

struct CoordinatorOptions {
  std::string name;                          // of its node
  std::filesystem::path state;               // holds <job>/models; the catalogue lies in jobs/
  std::string checkpoints;                   // base URL: a job's store is <checkpoints>/<job>
  StoreOptions stores = {};                  // what jobs' stores are opened with
  volume_actor volume = {};                  // what hosts reach the same stores by; null: nothing
  std::shared_ptr<JobCatalog> catalog;       // opened; the coordinator's from then on
  CredentialsPtr credentials;                // null: without keys
  std::shared_ptr<JobMetrics> metrics = {};  // shown of every job; may be null
  ClusterOptions cluster;
  JobOptions job;  // times and bounds of job masters; the rest comes from each job
};

// Of a cluster: hosts join it, jobs are submitted by AskControl, and what the catalogue wants goes
// on. It ends with everything it runs but the workers, which go on training.
coordinator_actor spawn_coordinator(caf::actor_system& system, CoordinatorOptions options);

// Of one process: workers are registered and one job is given by message; nothing is kept.
coordinator_actor spawn_coordinator(caf::actor_system& system);

}  // namespace millrace
