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

#include "common/actors/interfaces.hpp"
#include "common/ml/evaluation/evaluation.hpp"
#include "common/ml/published_model.hpp"
#include "coordinator/actors/manifest_contents.hpp"
#include "coordinator/core/job_machine.hpp"

namespace millrace {

// ---- Job master -> checkpoint actor

struct StoreOrder {
  // Effects of the machine that touch the store.
  std::variant<ListLog, ReadLog, WriteLog, TrimLog, ReadManifest, WriteManifest, RemoveCut> effect;
  ManifestExtras extras;               // with WriteManifest
  Attempt attempt;                     // with RemoveCut: the present one
  std::map<CutId, Attempt> unretired;  // with RemoveCut: what stays
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
};
struct PublishOutcome {
  CutId cut;
  Result<std::shared_ptr<const PublishedModel>> model;  // null: it was a version already
};

// ---- What a job tells whoever watches it; called from the job master, must not block.

struct JobUpdate {
  // restored, progress, checkpoint, published, warning, note, finished, stopped, failed
  std::string kind;
  std::string message;
  DecodeCounters totals;
  std::vector<SplitProgress> splits;                      // as last heard; checkpoint: of the cut
  std::vector<std::shared_ptr<const Bytes>> evaluations;  // encoded, one per replica
  CutId cut;
  double checkpoint_seconds = 0.0;
  std::uint64_t checkpoint_bytes = 0;
  std::shared_ptr<const PublishedModel> model;  // published
  Status status;                                // failed
};
using JobWatcher = std::function<void(JobUpdate)>;

struct SubmitJob {
  JobPackagePtr job;
  std::string store_url;
  std::string models_folder;
  std::string scratch_folder;  // what is restored to be published; emptied again
  JobWatcher watcher;
};
// Drain: one more checkpoint, then the end.
struct StopJob {};
struct MasterTick {};

using checkpoint_actor = caf::typed_actor<caf::reacts_to<StoreOrder>, caf::reacts_to<PublishOrder>,
                                          caf::reacts_to<PublishStoredOrder>>;
using job_master_actor =
    report_sink::extend<caf::reacts_to<RegisterWorker>, caf::reacts_to<StopJob>,
                        caf::reacts_to<MasterTick>, caf::reacts_to<StoreOutcome>,
                        caf::reacts_to<PublishOutcome>>;
using coordinator_actor =
    worker_registry::extend<caf::reacts_to<SubmitJob>, caf::reacts_to<StopJob>>;

}  // namespace millrace

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(millrace::StoreOrder)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(millrace::PublishOrder)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(millrace::PublishStoredOrder)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(millrace::StoreOutcome)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(millrace::PublishOutcome)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(millrace::SubmitJob)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(millrace::StopJob)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(millrace::MasterTick)
