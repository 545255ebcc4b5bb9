// What the coordinator says of jobs, workers and operations, as plain values.
//
// Place: inside the replies of control.hpp; filled by the coordinator, shown by the CLI. A text is
// empty, a number 0 and an optional absent where nothing is known yet. Times are Unix milliseconds
// of the coordinator's clock, 0: never.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/status.hpp"
#include "common/config/job_spec.hpp"
#include "common/ml/evaluation/evaluation.hpp"

namespace millrace::control {

// What a job is doing. `unknown` is what an older reader makes of a newer state.
enum class JobState : std::uint8_t {
  unknown,
  waiting,    // for free slots or for workers
  preparing,  // a worker reads the head of the stream: schema and splits
  starting,   // an attempt begins: state is restored, trainers are not yet running
  running,
  recovering,  // as `starting`, after something was lost
  stopping,    // drains
  stopped,     // on request, after a checkpoint or savepoint
  finished,    // its source ended
  failed,      // data or settings end it, and would again
  cancelled,   // on request, at once
};
// "running"; what `wait --for state=` takes.
const char* to_string(JobState state);
std::optional<JobState> parse_job_state(std::string_view word);
// Nothing more happens until somebody asks for it.
bool is_ended(JobState state);

struct Error {
  Code code = Code::internal;  // never ok
  std::string message = {};
  std::string hint = {};
  bool may_have_happened = false;  // what was asked for may go on, or be done already
  std::uint64_t at_ms = 0;         // of a job's last error
};
Error to_error(const Status& status);
Status to_status(const Error& error);

struct SplitStatus {
  std::uint32_t id = 0;
  std::string path = {};
  std::uint64_t begin = 0;
  std::uint64_t end = 0;     // all ones: unknown, or it has none
  std::uint64_t offset = 0;  // next record to be read
  std::uint64_t lag = 0;     // records (Kafka, generator) or bytes (file) behind the end
  std::uint32_t replica = 0;
  bool is_finished = false;
};

// A worker as it takes part in one job.
struct JobWorker {
  std::uint32_t id = 0;
  std::string name = {};
  std::vector<std::uint32_t> replicas = {};
  std::vector<std::uint32_t> shards = {};
};

// One line of `jobs`.
struct JobRow {
  std::string name = {};
  JobState state = JobState::unknown;
  std::uint64_t records = 0, quarantined = 0;
  double records_per_second = 0.0;  // over the last seconds
  std::uint64_t lag = 0;            // of all splits together
  std::uint32_t workers = 0, parallelism = 0;
  std::uint32_t restarts = 0;
  std::string metric = {};  // the leading one of the sliding window: "accuracy", "mae"
  std::optional<double> metric_value = {};
  std::uint64_t version = 0;  // newest published
  std::uint64_t submitted_at_ms = 0;
  std::string message = {};  // why it waits or failed
};

struct QuarantinedRow {
  std::string path = {};
  std::uint64_t offset = 0;
  std::string column = {}, reason = {}, record = {};
};

struct RecoveryStatus {
  std::uint32_t count = 0;       // recoveries since the job was submitted
  std::uint64_t last_at_ms = 0;  // when the last loss was noticed
  double last_seconds = 0.0;     // from then until every replica trained again
  std::uint64_t from_cut = 0;    // that the last one restored
  std::string reason = {};       // "worker-2 was lost"
};

struct JobStatus {
  std::string name = {};
  JobState state = JobState::unknown;
  std::string message = {};  // why it waits, or how it ended
  std::string submitted_by = {};
  std::uint64_t revision = 0;  // of the job file; counts updates, from 1
  std::uint64_t submitted_at_ms = 0, started_at_ms = 0, ended_at_ms = 0;
  std::uint64_t attempt = 0, term = 0;
  std::uint32_t parallelism = 0;
  std::vector<JobWorker> workers = {};
  std::uint32_t restarts = 0;
  std::optional<Error> last_error = {};
  RecoveryStatus recovery = {};

  std::uint64_t read = 0, records = 0, quarantined = 0, skipped = 0;
  double seconds = 0.0;  // from the first byte read to the newest figures, of all attempts
  double records_per_second = 0.0;  // over the last seconds; of an ended job: over `seconds`
  std::uint64_t lag = 0;
  Task task = Task::binary;
  std::vector<std::string> classes = {};
  std::uint64_t label_delay = 0;
  EvaluationReport evaluation = {};

  std::string model_kind = {};
  std::uint64_t version = 0;  // newest published
  std::uint64_t parameters = 0;
  std::string digest = {};
  std::uint64_t checkpoints_completed = 0, last_checkpoint = 0, last_checkpoint_bytes = 0;
  double last_checkpoint_seconds = 0.0;
  std::uint64_t last_checkpoint_at_ms = 0;
  std::string store_url = {};
  std::vector<SplitStatus> splits = {};
  std::vector<QuarantinedRow> quarantine = {};  // the first ones
  std::vector<std::string> prediction_endpoints = {};
  std::string instruction_set = {};
  std::vector<std::string> warnings = {};
};

struct FieldOutline {
  std::string name = {}, role = {}, evidence = {};
};
struct JobDescription {
  std::string name = {}, file_name = {};
  std::uint64_t revision = 0;
  std::string job_file = {};  // YAML as it runs, with every default
  std::vector<std::string> overrides = {};
  std::string task = {};
  std::vector<FieldOutline> fields = {};  // the schema, in column order
  std::vector<SplitStatus> splits = {};
  std::vector<JobWorker> workers = {};
  std::uint32_t shards = 0;
  std::string store_url = {};
};

struct Event {
  std::uint64_t sequence = 0;  // rises by one within a job, over restarts too
  std::uint64_t at_ms = 0;
  std::string severity = {};  // info, warning, error
  std::string kind = {};      // as of ProgressEvent: checkpoint, published, recovering, ...
  std::string message = {};
};

struct CheckpointRow {
  std::uint64_t cut = 0;
  std::string name = {};  // of a savepoint; empty: a checkpoint
  std::uint64_t at_ms = 0, bytes = 0, records = 0, attempt = 0;
  double seconds = 0.0;
  std::uint64_t version = 0;  // that was published from it; 0: none
};

struct WorkerRow {
  std::uint32_t id = 0;
  std::string name = {}, address = {}, state = {};  // state: ready, draining, lost
  std::vector<std::string> roles = {};
  std::uint32_t slots = 0, slots_used = 0;
  std::uint64_t memory_bytes = 0;
  std::vector<std::string> jobs = {}, labels = {};
  std::string prediction_endpoint = {}, version = {};
  std::uint64_t joined_at_ms = 0, heard_at_ms = 0;
};

enum class OperationState : std::uint8_t { unknown, running, succeeded, failed };
const char* to_string(OperationState state);

// Something that takes longer than a request: its id lets anybody ask how it went.
struct Operation {
  std::string id = {};
  std::string kind = {};  // submit, stop, cancel, savepoint, resume, rescale, delete, drain
  std::string job = {};   // or the worker that is drained
  OperationState state = OperationState::unknown;
  std::string result = {};  // for people: "savepoint nightly is cut 41"
  std::optional<Error> error = {};
  std::uint64_t started_at_ms = 0, ended_at_ms = 0;
};

struct AliasRow {
  std::string name = {};
  std::uint64_t version = 0, revision = 0;
};
struct ModelRow {
  std::string job = {};
  std::uint64_t version = 0, cut = 0, records = 0, bytes = 0, created_at_ms = 0;
  std::string kind = {}, digest = {}, metric = {};
  std::optional<double> metric_value = {};
  std::vector<AliasRow> aliases = {};  // that point to it
};

}  // namespace millrace::control
