// What the actors of a job say to each other.
//
// Place: orders go from the job master to workers, reports back; entries and answers between the
// workers that host a replica and a shard. Every order and report carries the attempt it belongs
// to, and whoever receives one of another attempt ignores it. Orders carry the term of the
// coordinator that gives them, too: a worker obeys none below the highest that it has heard.
//
// What coordinator and worker processes say to each other beside their jobs: host_messages.hpp.
//
// Inside a process payloads are shared, between processes they travel as bytes: codec.hpp says how,
// and interfaces.hpp which messages do.
#pragma once

#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "common/actors/job_package.hpp"
#include "common/base/ids.hpp"
#include "common/base/record_ledger.hpp"
#include "common/base/running_part.hpp"
#include "common/data/quarantine.hpp"
#include "common/store/manifest.hpp"

namespace millrace {

struct Routes;  // who hosts which replica and shard: interfaces.hpp

struct NodeAddress {
  std::string host;
  std::uint16_t port = 0;
  bool operator==(const NodeAddress&) const = default;
};
// Where a worker's process is reached by other workers.
struct PeerAddress {
  WorkerId worker;
  NodeAddress address;
  bool operator==(const PeerAddress&) const = default;
};

namespace order {

// Where the state of a cut lies.
struct RestorePlan {
  CutId cut;
  std::vector<PartDescriptor> parts;  // empty: cut 0, nothing has been learned
  std::vector<WorkerId> replicas;     // whose part holds each replica
  std::vector<WorkerId> shards;
  ShardLedger ledger;  // the same in every shard
};

struct StartAttempt {
  Attempt attempt;
  JobPackagePtr job;
  std::string store_url;
  std::vector<ReplicaAssignment> replicas;
  std::vector<ShardId> shards;
  std::shared_ptr<const Routes> routes;
  std::shared_ptr<const RestorePlan> restored;
  Term term = {};
  // Processes that host the others' replicas and shards: connected to before the attempt starts, so
  // that bulk goes to them and not by way of the coordinator. Empty: routes are enough.
  std::vector<PeerAddress> peers = {};
};
struct StopAttempt {
  Attempt attempt;
  Term term = {};
};
struct TriggerCut {
  Attempt attempt;
  CutId cut;
  Term term = {};
};
struct AbortCut {
  Attempt attempt;
  CutId cut;
  Term term = {};
};
// The cut is complete in the log: its objects may be referred to, who sent its records may forget
// them, and its shards are wanted where it is published.
struct SendShards {
  Attempt attempt;
  CutId cut;
  Term term = {};
};
// The cut is complete in the log: sinks may have what was put out before it. Answered by
// OutputsReleased of each replica, once they have.
struct ReleaseOutputs {
  Attempt attempt;
  CutId cut;
  Term term = {};
};

}  // namespace order

namespace report {

struct AttemptStarted {};
struct ReplicaCut {
  CutId cut;
  ReplicaId replica;
  std::vector<SplitProgress> splits;
  DecodeCounters totals;
  std::shared_ptr<const Bytes> evaluation;
  bool is_finished = false;
};
struct ShardCut {
  CutId cut;
  ShardId shard;
  ShardLedger ledger;
};
struct PartDurable {
  CutId cut;
  PartDescriptor part;
};
struct ShardContent {
  CutId cut;
  ShardId shard;
  std::shared_ptr<const Bytes> state;  // ShardState, encoded; null: to be read from the store
};
struct ReplicaFinished {
  ReplicaId replica;
};
struct ReplicaProgress {
  ReplicaId replica;
  DecodeCounters totals;
  std::vector<SplitProgress> splits;
  std::shared_ptr<const Bytes> evaluation;
};
struct CutFailed {
  CutId cut;
  Status status;
};
struct AttemptFailed {
  Status status;
};
// The sinks have everything that this replica has put out before the cut.
struct OutputsReleased {
  ReplicaId replica;
  CutId cut;
};
// So much was put out since the last cut that another one should be taken.
struct CutWanted {};
// What people should know, where they look at the job.
struct Warning {
  std::string text;
};
// The order came from a coordinator that leads no more, or was for an attempt that is over; the
// report's own attempt is the newest one known here.
struct OrderRefused {
  Term term;  // highest heard
};

// The stream has splits that the attempt does not read. Said again until it does.
struct SplitsFound {
  JoinedSplits joined;
};

}  // namespace report

struct WorkerReport {
  WorkerId worker;
  Attempt attempt;
  std::variant<report::AttemptStarted, report::ReplicaCut, report::ShardCut, report::PartDurable,
               report::ShardContent, report::ReplicaFinished, report::ReplicaProgress,
               report::CutFailed, report::AttemptFailed, report::OrderRefused,
               report::OutputsReleased, report::CutWanted, report::Warning, report::SplitsFound>
      what;
};

// A worker lives and is reached. Said at intervals, and answered by the same, so that both sides
// know; carried by links that carry no bulk.
struct WorkerTick {
  WorkerId worker;
  std::uint64_t count = 0;  // ticks before this one in the worker's life
};

}  // namespace millrace
