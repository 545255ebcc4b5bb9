// Fixes a job for ever: reads the head of its stream, infers the schema, chooses what the job file
// leaves open, and plans the splits.
//
// Place: before cut 0, on whatever may read the data: a worker's process when the coordinator asks
// (worker/actors/host_aides.hpp), or an embedded run. Blocking: reads files and asks brokers.
#pragma once

#include <string>
#include <vector>

#include "common/actors/job_package.hpp"
#include "common/config/secrets.hpp"
#include "common/data/job_defaults.hpp"
#include "worker/sources/data_roots.hpp"

namespace millrace {

struct PlannerOptions {
  std::string base_folder;  // relative source paths start here
  SecretsFolder secrets;
  DataRoots roots = {};
  MergeReach reach = MergeReach::one_process;
  // For errors: what holds the stored job, and what to do when it is another one.
  std::string stored_where = "what is stored under this name";
  std::string conflict_hint = "give this job another name";
  // A stored job goes on at another parallelism; else that is a conflict as well.
  bool may_rescale = false;
};

struct PlannedJob {
  JobPackagePtr package;
  std::vector<std::string> notes;  // what was decided, for people
  std::vector<std::string> warnings;
};

// A new job. Fails with not_found or io_error when the data cannot be read, with permission_denied
// when it may not, with invalid_argument when it cannot be trained as the job file says.
Result<PlannedJob> plan_job(const JobSpec& spec, const PlannerOptions& options);
// A job that has state: its package with the rates and intervals of `spec`. conflict, naming what
// differs, when the state is of another job or the data is not what it was.
Result<PlannedJob> resume_job(JobPackage stored, const JobSpec& spec,
                              const PlannerOptions& options);

}  // namespace millrace
