// What a job master is to do about what happens to its job: the effects of JobMachine, in order.
//
// Place: beside job_events.hpp, which is what happens. ListLog, ReadLog, WriteLog and TrimLog of
// commit_log.hpp belong to them.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "common/base/ids.hpp"
#include "common/base/record_ledger.hpp"
#include "common/base/status.hpp"
#include "coordinator/core/commit_log.hpp"
#include "coordinator/core/cut_contents.hpp"
#include "coordinator/core/placement.hpp"

namespace millrace {

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
// The cut is complete: what its replicas have put out before it may be written to the sinks. Sent
// again until OutputsReleased of all; only with sinks.
struct ReleaseOutputs {
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
// These splits join the job, the first one behind all known ones: durable before SplitsStored says
// ok. What another coordinator has stored in their place counts instead.
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
using JobEffect =
    std::variant<ListLog, ReadLog, WriteLog, TrimLog, StartWorker, AdoptWorker, StopAttempt,
                 TriggerCut, AbortCut, ReleaseOutputs, ReadManifest, WriteManifest, StoreSplits,
                 Publish, PublishRestored, RemoveCut, JobFinished, JobFailed, JobCancelled,
                 JobDeposed, SavepointTaken, SavepointFailed, SavepointReleased, ReleaseFailed,
                 AuditFailed, Note>;

}  // namespace millrace
