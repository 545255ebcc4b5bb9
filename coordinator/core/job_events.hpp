// What happens to a job, and what a job master is to do about it: the alphabet of JobMachine.
//
// Place: shells turn messages, timers and store answers into events, and execute effects in order.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "common/base/ids.hpp"
#include "common/base/record_ledger.hpp"
#include "common/base/running_part.hpp"
#include "common/base/status.hpp"
#include "coordinator/core/commit_log.hpp"
#include "coordinator/core/cut_contents.hpp"
#include "coordinator/core/placement.hpp"

namespace millrace {

using Milliseconds = std::chrono::milliseconds;

// ---- Events
// -----------------------------------------------------------------------------------------

// Go on from this cut instead of the newest one: the cut, or the one that the savepoint names. What
// came after it stays until it is retired, but is only history. `request` makes it happen once: a
// coordinator that takes over later says the same, and finds it done.
struct StartFrom {
  std::optional<CutId> cut;
  std::string savepoint;  // where there is no cut
  std::string request;    // as is_log_name() says
};
// The first thing a job master says. `splits`: where reading of each known one begins, first those
// of cut 0, `planned` of them (absent: all), then those that joined since.
struct JobStarted {
  std::vector<SplitProgress> splits;
  std::optional<StartFrom> from = {};
  std::optional<std::size_t> planned = {};
};
// Splits that the attempt does not have, behind the known ones; said again until they are known.
struct SplitsFound {
  Attempt attempt;
  std::vector<SplitProgress> splits;
};
// All known splits, as stored; also said where another coordinator has stored some.
struct SplitsStored {
  Status status;
  std::vector<SplitProgress> splits;
};
// A WorkerId names one life of a worker process: a restarted process registers with a new one.
// Again with another room: that counts from the next attempt on. `running` is what it runs of an
// attempt that it was started with by this coordinator or an earlier one.
struct WorkerRegistered {
  WorkerId worker;
  WorkerRoom room = {};
  std::optional<RunningPart> running = {};
};
struct WorkerLost {
  WorkerId worker;
};
// The worker runs every trainer and shard that StartWorker asked for.
struct WorkerStarted {
  WorkerId worker;
  Attempt attempt;
};
// The worker has heard of a newer attempt than the one it was asked to start, or of a higher term:
// another coordinator leads.
struct WorkerRefused {
  WorkerId worker;
  Attempt newer;
  Term term = {};
};
struct ManifestRead {
  CutId cut;
  Result<CutContents> contents;
};
struct ManifestWritten {
  Attempt attempt;
  CutId cut;
  Status status;
};
// This trainer has no data left and has pushed everything.
struct TrainerFinished {
  Attempt attempt;
  ReplicaId replica;
};
// A trainer, shard or worker cannot go on. Retried from the newest cut, except for errors that
// would only come again (Code::invalid_argument, conflict, unsupported_format, permission_denied,
// job_failed).
struct AttemptFailed {
  Attempt attempt;
  Status status;
};
// A shard or worker cannot take part in this cut; the attempt goes on.
struct CutFailed {
  Attempt attempt;
  CutId cut;
  Status status;
};
// A checkpoint now, or after the one in flight.
struct CutRequested {};
// Savepoints whose names begin so are taken on the way to another parallelism. They are released by
// themselves once a later attempt has completed a checkpoint.
inline constexpr std::string_view kPassingSavepoints = "rescale-";
// A checkpoint that gets this name and is kept until it is released; after the one in flight.
struct SavepointRequested {
  std::string name;
};
struct ReleaseRequested {
  std::string name;
};
// Drain: one more cut, then the end. With a name, that cut becomes a savepoint.
struct StopRequested {
  std::string savepoint = {};
};
// The end at once: nothing more is stored.
struct CancelRequested {};
struct Tick {
  Milliseconds now;
};
using JobEvent =
    std::variant<JobStarted, SplitsFound, SplitsStored, WorkerRegistered, WorkerLost, WorkerStarted,
                 WorkerRefused, ManifestRead, ManifestWritten, TrainerFinished, TrainerSnapshot,
                 ShardSnapshot, WorkerPart, AttemptFailed, CutFailed, CutRequested,
                 SavepointRequested, ReleaseRequested, StopRequested, CancelRequested, Tick,
                 LogListed, LogRead, LogWritten>;

// ---- Effects (ListLog, ReadLog, WriteLog and TrimLog of commit_log.hpp belong to them)
// ---------------------------------

// Run these replicas and shards from `restored`; whatever this worker runs of an older attempt ends
// first. Sent again until WorkerStarted; a worker that runs this attempt only answers again.
struct StartWorker {
  WorkerId worker;
  Term term;
  Attempt attempt;
  std::vector<ReplicaAssignment> replicas;
  std::vector<ShardId> shards;
  std::shared_ptr<const Placement> placement;
  std::shared_ptr<const CutContents> restored;
};
// This coordinator leads the attempt that the worker runs; nothing stops. What it holds of cuts up
// to `closed` goes, but for `complete`. Sent again until WorkerStarted.
struct AdoptWorker {
  WorkerId worker;
  Term term;
  Attempt attempt;
  CutId complete;  // the newest one in the log
  CutId closed;    // every cut up to this one is complete, or never will be
};
// End every attempt up to this one. Best effort: fencing protects against those it does not reach.
struct StopAttempt {
  WorkerId worker;
  Term term;
  Attempt attempt;
};
// For all trainers and shards of this worker (in `synchronous` mode its first shard names the
// round). Sent again until all have reported: a trainer or shard that has reported reports again.
struct TriggerCut {
  WorkerId worker;
  Term term;
  Attempt attempt;
  CutId cut;
};
struct AbortCut {
  WorkerId worker;
  Term term;
  Attempt attempt;
  CutId cut;
};
struct ReadManifest {
  CutId cut;
  Attempt attempt;  // that took it: part of the object's name
};
// Durable before ManifestWritten says ok. Its object's name holds attempt and cut.
struct WriteManifest {
  CutContents contents;
};
// These splits join the job: durable before SplitsStored says ok. What is there already counts.
struct StoreSplits {
  std::vector<SplitProgress> splits;
};
// The cut is complete: it may become a version, and outside effects up to it may be released.
struct Publish {
  std::shared_ptr<const CutContents> contents;
};
// The job goes on from this cut, or ended with it. Whoever was to publish it may have died first:
// it becomes a version now if it is none.
struct PublishRestored {
  std::shared_ptr<const CutContents> contents;
};
// Delete what is stored of this cut; its retire or abandon entry is durable.
struct RemoveCut {
  CutId cut;
};
// The end: `contents` is the last complete cut.
struct JobFinished {
  std::shared_ptr<const CutContents> contents;
  bool was_stopped = false;  // by request, before the data ended
};
struct JobFailed {
  Status status;
};
// The end that was asked for; null where nothing was ever complete.
struct JobCancelled {
  std::shared_ptr<const CutContents> contents;
};
// The savepoint is durable, as its entry in the log is.
struct SavepointTaken {
  std::string name;
  std::shared_ptr<const CutContents> contents;
};
// It was not taken. Code::timed_out: another coordinator has to say whether.
struct SavepointFailed {
  std::string name;
  Status status;
};
struct SavepointReleased {
  std::string name;
};
struct ReleaseFailed {
  std::string name;
  Status status;
};
// Another coordinator leads: this job master must end and touch nothing.
struct JobDeposed {
  std::string by;
};
// The ledgers of a cut disagree: a bug, caught before it was stored. The attempt is lost with it.
struct AuditFailed {
  CutId cut;
  Status status;
};
// For people: logs, `millrace events`.
struct Note {
  bool is_warning = false;
  std::string text;
};
using JobEffect = std::variant<ListLog, ReadLog, WriteLog, TrimLog, StartWorker, AdoptWorker,
                               StopAttempt, TriggerCut, AbortCut, ReadManifest, WriteManifest,
                               StoreSplits, Publish, PublishRestored, RemoveCut, JobFinished,
                               JobFailed, JobCancelled, JobDeposed, SavepointTaken, SavepointFailed,
                               SavepointReleased, ReleaseFailed, AuditFailed, Note>;

}  // namespace millrace
