// What a job tells whoever watches it.
//
// Place: the job master makes updates; an embedded run turns them into progress and its summary,
// the coordinator into the status of a cluster's job.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/actors/job_package.hpp"
#include "common/base/bytes.hpp"
#include "common/base/ids.hpp"
#include "common/base/record_ledger.hpp"
#include "common/base/status.hpp"
#include "common/data/quarantine.hpp"
#include "common/ml/published_model.hpp"
#include "coordinator/core/job_machine.hpp"

namespace millrace {

struct JobUpdate {
  // restored, progress, checkpoint, published, warning, note, finished, stopped, failed, cancelled,
  // savepoint, savepoint_failed, released, release_failed, splits
  std::string kind;
  std::string message;
  DecodeCounters totals;
  std::vector<SplitProgress> splits;                      // as last heard; checkpoint: of the cut
  std::vector<std::shared_ptr<const Bytes>> evaluations;  // encoded, one per replica
  CutId cut;
  double checkpoint_seconds = 0.0;
  std::uint64_t checkpoint_bytes = 0;
  std::shared_ptr<const PublishedModel> model;  // published
  std::string name;                             // savepoint, released: whose
  JobPackagePtr package;                        // splits: with those that have joined
  Status status;                                // failed, savepoint_failed, release_failed
  // Where the job stands as this is said.
  JobState state = JobState::taking_over;
  Term term;
  Attempt attempt;
  std::uint64_t cuts_aborted = 0;              // since the job master began
  std::optional<std::size_t> cuts_unreleased;  // complete ones that sinks do not have; with sinks
  std::shared_ptr<const Placement> placement;  // null before the first attempt
};
// Called from the job master; must not block.
using JobWatcher = std::function<void(JobUpdate)>;

}  // namespace millrace
