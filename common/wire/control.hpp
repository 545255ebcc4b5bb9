// Requests and replies of the control endpoint as plain values.
//
// Place: the CLI makes a Request, ControlClient carries it to the coordinator's ControlServer,
// which asks a ControlService and carries the Reply back. control_codec.hpp turns both into bytes.
//
// Every request that changes something is idempotent: what it asks for is named (a job with its
// file, a savepoint's name, a parallelism), so that whoever got no answer may ask again.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "common/wire/control_report.hpp"

namespace millrace::control {

// ---- Requests

// The same name and file as a job that is wanted: nothing changes. Another file under a used name:
// conflict, unless `update`.
struct Submit {
  std::string file_name = {};  // for messages
  std::string yaml = {};
  std::vector<std::string> overrides = {};  // "key=value"
  bool update = false;
  // Begin with a checkpoint ("41") or savepoint of this job; empty: with the newest.
  std::string from = {};
};
struct ListJobs {};
struct GetStatus {
  std::string job = {};
};
struct DescribeJob {
  std::string job = {};
};
struct ListEvents {
  std::string job = {};     // empty: of the cluster
  std::uint64_t after = 0;  // events with a higher sequence number
  std::uint32_t max = 100;  // the oldest of them when `after` is given, else the newest
};
// Drains, takes a savepoint of this name (empty: a checkpoint only), ends.
struct StopJob {
  std::string job = {};
  std::string savepoint = {};
};
// Ends at once; what was learned since the newest checkpoint is lost.
struct CancelJob {
  std::string job = {};
};
struct TakeSavepoint {
  std::string job = {};
  std::string name = {};
};
struct ListCheckpoints {
  std::string job = {};
};
// Runs an ended job again.
struct ResumeJob {
  std::string job = {};
  std::string from = {};  // checkpoint number or savepoint name; empty: the newest
};
// A savepoint and a restart at another parallelism.
struct RescaleJob {
  std::string job = {};
  std::uint32_t parallelism = 0;
};
// Forgets an ended job; its checkpoints and versions stay in the store.
struct DeleteJob {
  std::string job = {};
};
struct ListWorkers {};
// Moves everything off a worker, which takes nothing new.
struct DrainWorker {
  std::string worker = {};  // name, or id in decimal
};
struct GetOperation {
  std::string id = {};
};
struct ListModels {
  std::string job = {};  // empty: of every job
};
struct ListAliases {
  std::string job = {};
};
// Who answers, and as whom it knows the client.
struct GetVersion {};

struct Request {
  std::uint64_t id = 0;           // echoed in the reply
  std::uint32_t deadline_ms = 0;  // from its arrival; 0: the server's own
  // Set by the server, never sent: the policy's id of the client, "anonymous" without keys.
  std::string client = {};
  std::variant<Submit, ListJobs, GetStatus, DescribeJob, ListEvents, StopJob, CancelJob,
               TakeSavepoint, ListCheckpoints, ResumeJob, RescaleJob, DeleteJob, ListWorkers,
               DrainWorker, GetOperation, ListModels, ListAliases, GetVersion>
      what = GetVersion{};
};
using RequestKind = decltype(Request::what);

// ---- Replies

// To Submit.
enum class SubmitOutcome : std::uint8_t { created, unchanged, updated };
struct Submitted {
  std::string job = {};
  SubmitOutcome outcome = SubmitOutcome::created;
  std::uint64_t revision = 0;
  std::string operation = {};  // that starts or restarts it; empty when unchanged
};
struct JobList {
  std::vector<JobRow> jobs = {};  // by name
};
struct EventList {
  std::vector<Event> events = {};  // ascending
  std::uint64_t oldest = 0;        // sequence number of the oldest event that is still kept
};
struct CheckpointList {
  std::vector<CheckpointRow> checkpoints = {};  // ascending
};
struct WorkerList {
  std::vector<WorkerRow> workers = {};
};
struct ModelList {
  std::vector<ModelRow> models = {};
};
struct AliasList {
  std::string job = {};
  std::vector<AliasRow> aliases = {};
};
struct ServerFacts {
  std::string version = {};  // of the program
  std::uint64_t now_ms = 0, started_at_ms = 0;
  std::string state_folder = {};
  std::uint32_t jobs = 0, workers = 0;
  // Filled in by the server.
  std::string client = {};
  std::vector<std::string> roles = {};
  bool is_encrypted = false;
};

// StopJob, CancelJob, TakeSavepoint, ResumeJob, RescaleJob, DeleteJob, DrainWorker and GetOperation
// are answered by an Operation: at once, while it goes on.
struct Reply {
  std::uint64_t id = 0;
  std::variant<Error, Submitted, JobList, JobStatus, JobDescription, EventList, CheckpointList,
               WorkerList, Operation, ModelList, AliasList, ServerFacts>
      what = Error{};
};
using ReplyKind = decltype(Reply::what);

}  // namespace millrace::control

namespace millrace {

using ControlRequestPtr = std::shared_ptr<const control::Request>;
using ControlReplyPtr = std::shared_ptr<const control::Reply>;

}  // namespace millrace
