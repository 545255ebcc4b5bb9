// What happens to a job: the events of JobMachine.
//
// Place: shells turn messages, timers and store answers into them; job_effects.hpp is what follows.
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
// The sinks have what this replica has put out, up to this cut.
struct OutputsReleased {
  Attempt attempt;
  ReplicaId replica;
  CutId cut;
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
                 ShardSnapshot, WorkerPart, AttemptFailed, CutFailed, OutputsReleased, CutRequested,
                 SavepointRequested, ReleaseRequested, StopRequested, CancelRequested, Tick,
                 LogListed, LogRead, LogWritten>;

}  // namespace millrace
