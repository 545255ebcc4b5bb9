// The actors of the control plane: the coordinator, a master per job, and its checkpoint keeper.
//
// Place: a job master is a shell round JobMachine; the checkpoint actor is detached, since the
// store blocks.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/actors/host_interfaces.hpp"
#include "common/actors/interfaces.hpp"
#include "common/ml/evaluation/evaluation.hpp"
#include "common/ml/published_model.hpp"
#include "common/store/checkpoint_store.hpp"
#include "common/wire/control.hpp"
#include "coordinator/actors/manifest_contents.hpp"
#include "coordinator/core/job_machine.hpp"
#include "coordinator/status/job_update.hpp"

namespace millrace {

// ---- Job master -> checkpoint actor

struct StoreOrder {
  // Effects of the machine that touch the store.
  std::variant<ListLog, ReadLog, WriteLog, TrimLog, ReadManifest, WriteManifest, RemoveCut,
               StoreSplits>
      effect;
  ManifestExtras extras;               // with WriteManifest
  Attempt attempt;                     // with RemoveCut: the present one
  std::map<CutId, Attempt> unretired;  // with RemoveCut: what stays
  JoinedSplits joined;                 // with StoreSplits
};
struct PublishOrder {
  std::shared_ptr<const CutContents> contents;
  std::vector<std::shared_ptr<const Bytes>> shards;  // ShardState, encoded, in order
  std::map<std::string, double> metrics;
};
// Publishes a restored cut from what is stored of it, unless it is a version already.
struct PublishStoredOrder {
  std::shared_ptr<const CutContents> contents;
};

// ---- Checkpoint actor -> job master

struct StoreOutcome {
  JobEvent event;
  std::vector<std::string> warnings;
  // With a manifest that was read: the parts in full.
  std::vector<PartDescriptor> parts;
  std::optional<RecordTotals> totals;
  // Splits have joined the job, by this order or by another coordinator; else null.
  JobPackagePtr package;
};
struct PublishOutcome {
  CutId cut;
  Result<std::shared_ptr<const PublishedModel>> model;  // null: it was a version already
};

// ---- To a job master

struct SubmitJob {
  JobPackagePtr job;
  std::string store_url;
  std::string models_folder;
  std::string scratch_folder;  // what is restored to be published; emptied again
  JobWatcher watcher;
  JobOptions options = {};             // times and bounds; the rest comes from the job
  std::optional<StartFrom> from = {};  // what the job goes on from, where that is not the newest
  StoreOptions stores = {};            // what its store is opened with
};
// Drain: one more checkpoint, then the end.
struct StopJob {
  std::string savepoint = {};  // the name of that checkpoint; empty: none
};
// The end at once; answered by the update "cancelled".
struct CancelRun {};
// Answered by the update "savepoint" or "savepoint_failed", with the name.
struct RequestSavepoint {
  std::string name;
};
// Answered by the update "released" or "release_failed", with the name.
struct ReleaseSavepoint {
  std::string name;
};
// The job may use a worker, so much of it; again when that changes.
struct GrantWorker {
  RegisterWorker worker;
  WorkerRoom room = {};
  NodeAddress address = {};  // where other workers reach it; no host: they know it by its handle
};
// The worker is lost, or may not be used any more.
struct WorkerGone {
  WorkerId worker;
};
// A checkpoint now, or after the one in flight.
struct RequestCut {};
struct MasterTick {};

using checkpoint_actor = caf::typed_actor<caf::reacts_to<StoreOrder>, caf::reacts_to<PublishOrder>,
                                          caf::reacts_to<PublishStoredOrder>>;
using job_master_actor =
    report_sink::extend<caf::reacts_to<GrantWorker>, caf::reacts_to<WorkerGone>,
                        caf::reacts_to<RequestCut>, caf::reacts_to<StopJob>,
                        caf::reacts_to<CancelRun>, caf::reacts_to<RequestSavepoint>,
                        caf::reacts_to<ReleaseSavepoint>, caf::reacts_to<MasterTick>,
                        caf::reacts_to<StoreOutcome>, caf::reacts_to<PublishOutcome>>;

// ---- To the coordinator, from its own process

// `answer` is called once, on the coordinator's or another thread; it must not block.
struct AskControl {
  ControlRequestPtr request;
  std::function<void(ControlReplyPtr)> answer;
};
struct JobNews {
  std::string job;
  std::uint64_t life = 0;  // which run of the job: what an earlier one said late changes nothing
  JobUpdate update;
};
// What is to be done with what a detached actor has found out.
struct Continue {
  std::function<void()> run;
};
struct CoordinatorTick {};

using coordinator_actor =
    cluster_registry::extend<caf::reacts_to<RegisterWorker>, caf::reacts_to<SubmitJob>,
                             caf::reacts_to<StopJob>, caf::reacts_to<AskControl>,
                             caf::reacts_to<JobNews>, caf::reacts_to<Continue>,
                             caf::reacts_to<CoordinatorTick>>;

}  // namespace millrace

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(millrace::StoreOrder)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(millrace::PublishOrder)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(millrace::PublishStoredOrder)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(millrace::StoreOutcome)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(millrace::PublishOutcome)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(millrace::SubmitJob)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(millrace::StopJob)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(millrace::CancelRun)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(millrace::RequestSavepoint)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(millrace::ReleaseSavepoint)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(millrace::GrantWorker)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(millrace::WorkerGone)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(millrace::RequestCut)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(millrace::MasterTick)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(millrace::AskControl)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(millrace::JobNews)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(millrace::Continue)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(millrace::CoordinatorTick)
