// Reads a job's newest complete cut back from its store: for the summary of a job that has ended
// before.
//
// Place: run_embedded and verbs that look at stored state. Reads only, but for a scratch folder.
#pragma once

#include <filesystem>
#include <vector>

#include "common/data/quarantine.hpp"
#include "common/ml/evaluation/evaluation.hpp"
#include "common/store/checkpoint_store.hpp"
#include "common/store/manifest.hpp"
#include "coordinator/core/commit_log.hpp"

namespace millrace {

// What the log of a store says; an empty state when there is no log.
Result<LogState> read_log_state(CheckpointStore& store);

struct StoredCut {
  Manifest manifest;
  std::vector<Evaluation> evaluations;      // one per replica; none in cut 0
  std::vector<QuarantineEntry> quarantine;  // the first ones of each replica
};

// not_found when no cut is complete. `scratch` is filled and removed.
Result<StoredCut> read_newest_cut(CheckpointStore& store, const LogState& log,
                                  const std::filesystem::path& scratch);

}  // namespace millrace
