// Turns what a job tells into progress events and, at the end, into the summary.
//
// Place: used by run_embedded on its own thread.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "coordinator/cli/embedded_cluster.hpp"
#include "coordinator/cli/embedded_job.hpp"
#include "coordinator/cli/stored_cut.hpp"
#include "coordinator/status/job_update.hpp"

namespace millrace {

class SummaryBuilder {
 public:
  using Time = std::chrono::steady_clock::time_point;

  SummaryBuilder(const PreparedJob& prepared, std::uint32_t workers, Time began);

  void set_endpoint(const std::string& endpoint) { summary_.prediction_endpoint = endpoint; }
  // What was decided before the run: started or resumed, evidence, warnings.
  void announce(ProgressSink& progress);
  void take(const JobUpdate& update, ProgressSink& progress);
  void tell(ProgressSink& progress, const std::string& kind, const std::string& message);
  // Reads the figures of a job that had ended before from its store.
  Result<RunSummary> finish(const JobUpdate& ending, CheckpointStore& store,
                            ProgressSink& progress);

 private:
  double seconds(Time at) const { return std::chrono::duration<double>(at - began_).count(); }
  void report_progress(const JobUpdate& update, ProgressSink& progress);
  void note_restored(const DecodeCounters& totals);
  void set_splits(const std::vector<SplitProgress>& splits);
  Result<StoredCut> read_stored(CheckpointStore& store) const;
  Status finish_from_store(CheckpointStore& store);
  void list_quarantine(CheckpointStore& store);
  void set_quarantine(const StoredCut& cut);
  void describe_model();

  void add_splits(const JobPackage& package);

  const PreparedJob& prepared_;
  JobPackagePtr package_;  // with the splits that have joined since
  Time began_;
  RunSummary summary_;
  Time last_record_at_;  // when the newest record was heard of
  Time next_report_;
  std::uint64_t records_seen_ = 0;
  std::uint64_t records_reported_ = 0;
  Time reported_at_;
  std::shared_ptr<const PublishedModel> model_;
};

}  // namespace millrace
