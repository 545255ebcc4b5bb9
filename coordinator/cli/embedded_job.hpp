// Prepares a job for an embedded run: its folder, its store, and the package that fixes it for
// ever.
//
// Place: the first half of run_embedded. A job that has run before keeps its package; the job file
// at hand is held against it, and only rates and intervals may differ.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "common/actors/job_package.hpp"
#include "common/store/checkpoint_store.hpp"
#include "common/store/job_folder.hpp"
#include "coordinator/cli/embedded_cluster.hpp"

namespace millrace {

struct PreparedJob {
  std::unique_ptr<JobFolder> folder;  // holds the job's lock
  std::unique_ptr<CheckpointStore> store;
  JobPackagePtr package;
  bool is_resumed = false;
  std::vector<std::string> notes;  // what was decided, for people
  std::vector<std::string> warnings;
};

// Fails with conflict when the state belongs to another job (naming what differs) or is in use,
// with not_found or io_error when the data cannot be read.
Result<PreparedJob> prepare_job(const JobSpec& spec, const RunOptions& options);

}  // namespace millrace
