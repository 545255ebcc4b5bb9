// The typed interfaces between coordinator and workers, and the messages that go from one process
// to another.
//
// Place: included only by actors and by programs that spawn them. Handlers are thin: decode, step a
// core, execute its effects; nothing in a scheduled actor blocks.
#pragma once

#include <caf/all.hpp>

#include <memory>
#include <optional>
#include <vector>

#include "common/actors/inspect.hpp"
#include "common/actors/messages.hpp"

namespace millrace {

// The job master as workers see it.
using report_sink = caf::typed_actor<caf::reacts_to<WorkerReport>>;

// A new coordinator leads the attempt that runs: nothing stops, and reports go to it from then on.
// Answered like a start: AttemptStarted, or AttemptFailed where that attempt does not run. What an
// earlier coordinator may not have heard is said again: which replicas have finished, what failed.
struct AdoptAttempt {
  Term term;
  Attempt attempt;
  report_sink reports;
  CutId complete = {};  // the newest one in the log: its objects may be referred to
  CutId closed = {};    // every cut up to this one is complete, or never will be: abort it
};

// A worker as the job master sees it; worker/actors extends it with what workers tell each other.
using worker_control =
    caf::typed_actor<caf::reacts_to<order::StartAttempt>, caf::reacts_to<order::StopAttempt>,
                     caf::reacts_to<order::TriggerCut>, caf::reacts_to<order::AbortCut>,
                     caf::reacts_to<order::SendShards>, caf::reacts_to<order::ReleaseOutputs>,
                     caf::reacts_to<AdoptAttempt>>;

struct RegisterWorker {
  WorkerId worker;
  worker_control handle;
  std::optional<RunningPart> running = {};  // what it has been running since an earlier coordinator
};

// The coordinator as workers see it.
using worker_registry = caf::typed_actor<caf::reacts_to<RegisterWorker>>;

// Who hosts which replica and shard in one attempt, and who wants to hear of it.
struct Routes {
  std::vector<worker_control> replicas;  // index: ReplicaId
  std::vector<worker_control> shards;    // index: ShardId
  report_sink reports;
};

// ---- Between processes

template <>
inline constexpr bool travels<order::StartAttempt> = true;
template <>
inline constexpr bool travels<order::StopAttempt> = true;
template <>
inline constexpr bool travels<order::TriggerCut> = true;
template <>
inline constexpr bool travels<order::AbortCut> = true;
template <>
inline constexpr bool travels<order::SendShards> = true;
template <>
inline constexpr bool travels<order::ReleaseOutputs> = true;
template <>
inline constexpr bool travels<AdoptAttempt> = true;
template <>
inline constexpr bool travels<WorkerReport> = true;
template <>
inline constexpr bool travels<WorkerTick> = true;
template <>
inline constexpr bool travels<RegisterWorker> = true;

caf::error inspect_handles(caf::serializer& sink, RegisterWorker& message);
caf::error inspect_handles(caf::deserializer& source, RegisterWorker& message);
caf::error inspect_handles(caf::serializer& sink, AdoptAttempt& message);
caf::error inspect_handles(caf::deserializer& source, AdoptAttempt& message);

namespace order {
caf::error inspect_handles(caf::serializer& sink, StartAttempt& start);
// Fails when a replica or shard of the job has no host.
caf::error inspect_handles(caf::deserializer& source, StartAttempt& start);
}  // namespace order

// Tells CAF the names of what travels between coordinator and workers; every program calls it
// before it makes its actor system. Workers and whatever hosts them: add_worker_messages.
void add_control_messages(caf::actor_system_config& config);

}  // namespace millrace

CAF_BEGIN_TYPE_ID_BLOCK(millrace_control, caf::first_custom_type_id)
CAF_ADD_TYPE_ID(millrace_control, (millrace::order::StartAttempt))
CAF_ADD_TYPE_ID(millrace_control, (millrace::order::StopAttempt))
CAF_ADD_TYPE_ID(millrace_control, (millrace::order::TriggerCut))
CAF_ADD_TYPE_ID(millrace_control, (millrace::order::AbortCut))
CAF_ADD_TYPE_ID(millrace_control, (millrace::order::SendShards))
CAF_ADD_TYPE_ID(millrace_control, (millrace::order::ReleaseOutputs))
CAF_ADD_TYPE_ID(millrace_control, (millrace::AdoptAttempt))
CAF_ADD_TYPE_ID(millrace_control, (millrace::WorkerReport))
CAF_ADD_TYPE_ID(millrace_control, (millrace::WorkerTick))
CAF_ADD_TYPE_ID(millrace_control, (millrace::RegisterWorker))
CAF_ADD_TYPE_ID(millrace_control, (millrace::worker_control))
CAF_ADD_TYPE_ID(millrace_control, (millrace::worker_registry))
CAF_ADD_TYPE_ID(millrace_control, (millrace::report_sink))
CAF_END_TYPE_ID_BLOCK(millrace_control)
