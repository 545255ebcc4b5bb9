// A whole cluster in one process: the same coordinator and worker actors that run apart, for
// `millrace run`.
//
// Place: the CLI builds a valid JobSpec and calls `run_embedded`, which reports progress while it
// runs and gives the summary when the source ends or a signal stops it. The only place that links
// coordinator and worker.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/base/status.hpp"
#include "common/config/job_spec.hpp"
#include "common/ml/evaluation/evaluation.hpp"

namespace millrace {

struct RunOptions {
  std::string state_folder;  // holds one folder per job name
  bool fresh = false;        // archive what is stored and begin anew
  bool serve = false;        // answer predictions, also after a bounded source ended
  std::optional<std::uint32_t>
      workers;  // also the parallelism; absent: one per replica, at most one per core
  // Workers reach each other's shards by message only, as in processes of their own: for tests.
  bool by_message = false;
  std::string base_folder;     // relative source paths start here: the job file's folder
  std::string secrets_folder;  // one file for each secret that the job names; empty: none
};

struct ProgressEvent {
  // started, resumed, note, warning, progress, checkpoint, published, finished, stopped, serving
  std::string kind;
  double seconds = 0.0;  // since the run began
  std::uint64_t records = 0, quarantined = 0, skipped = 0;
  double records_per_second = 0.0;                // over the last interval
  std::optional<double> log_loss, accuracy, mae;  // over the sliding window
  std::uint64_t lag = 0;                          // records or bytes not yet read
  std::uint64_t cut = 0;                          // of the newest complete checkpoint
  std::string message;                            // for people
};

class ProgressSink {
 public:
  virtual ~ProgressSink() = default;
  // Called from one thread of the cluster at a time; must not block for long.
  virtual void on_event(const ProgressEvent& event) = 0;
};

struct SplitReport {
  std::uint32_t id = 0;
  std::string path;
  std::uint64_t offset = 0;  // next record to be read
  std::uint64_t lag = 0;     // bytes (file) or records (generator) behind the end
};

// A record that could not be decoded.
struct QuarantinedRecord {
  std::string path;
  std::uint64_t offset = 0;  // where it begins
  std::string column;        // the bad field; empty when the whole record is meant
  std::string reason;
  std::string record;  // its first bytes
};

struct RunSummary {
  std::string job;
  std::string state;  // finished, stopped, interrupted
  std::uint64_t read = 0, records = 0, quarantined = 0, skipped = 0;
  double seconds = 0.0;  // from the first byte read to the final metrics
  double records_per_second = 0.0;
  std::vector<std::string> classes;
  std::uint64_t label_delay =
      0;  // records a label may be late for training: 0 online, else batch size - 1
  Task task = Task::binary;
  EvaluationReport evaluation;
  struct Model {
    std::string name;  // as `predict` and `model show` take it
    std::string kind;
    std::uint64_t version = 0;
    std::uint64_t parameters = 0;
    std::string digest;
  } model;
  struct Checkpoints {
    std::uint64_t completed = 0;
    std::uint64_t last_id = 0;
    double last_seconds = 0.0;
    std::uint64_t last_bytes = 0;
  } checkpoints;
  std::uint32_t workers = 0;
  std::uint32_t parallelism = 0;
  std::vector<SplitReport> splits;
  std::string instruction_set;
  std::string state_folder;                   // of this job
  std::string prediction_endpoint;            // empty: nothing is served
  std::vector<QuarantinedRecord> quarantine;  // the first ones of each replica
  std::uint64_t resumed_from = 0;             // records that an earlier run had counted
  std::vector<std::string> warnings;
};

// Runs until the source ends, or until `stop_signal` holds a signal number: SIGINT stops after a
// checkpoint, SIGTERM drains. Absent parts of `spec` are chosen from the data
// (common/data/job_defaults.hpp).
Result<RunSummary> run_embedded(const JobSpec& spec, const RunOptions& options,
                                ProgressSink& progress, const std::atomic<int>& stop_signal);

}  // namespace millrace
