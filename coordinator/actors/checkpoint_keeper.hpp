// Executes a job master's store effects: the commit log, manifests, deletion, publication.
//
// Place: owned by the detached checkpoint actor; everything here blocks. One thread at a time.
//
// Invariant: a version is made only from a cut that is complete in the log, and carries the cut's
// number.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "common/store/checkpoint_store.hpp"
#include "common/store/commit_log_store.hpp"
#include "coordinator/actors/interfaces.hpp"
#include "coordinator/registry/model_registry.hpp"

namespace millrace {

class CheckpointKeeper {
 public:
  // For `job`, which may still have to be stored; the places are those of `submit`.
  static Result<std::unique_ptr<CheckpointKeeper>> open(JobPackagePtr job, const SubmitJob& submit);

  StoreOutcome execute(const StoreOrder& order);
  Result<std::shared_ptr<const PublishedModel>> publish(const PublishOrder& order);
  // Null when the cut is a version already.
  Result<std::shared_ptr<const PublishedModel>> publish_stored(const PublishStoredOrder& order);

 private:
  CheckpointKeeper(JobPackagePtr job, std::unique_ptr<CheckpointStore> store,
                   ModelRegistry registry, std::filesystem::path scratch)
      : job_(std::move(job)),
        store_(std::move(store)),
        log_(*store_),
        registry_(std::move(registry)),
        scratch_(std::move(scratch)) {}

  LogWritten write_log(const WriteLog& order);
  LogRead read_log(const ReadLog& order);
  StoreOutcome trim_log(const TrimLog& order);
  StoreOutcome store_splits(const JoinedSplits& found);
  void take(JobPackage package, StoreOutcome& outcome);
  StoreOutcome read(const ReadManifest& order);
  StoreOutcome read_parts(const ReadManifest& order);
  StoreOutcome write(const WriteManifest& order, const ManifestExtras& extras);
  Status read_shards(const Manifest& manifest, PublishOrder& order) const;
  StoreOutcome remove(const StoreOrder& order, CutId cut);

  JobPackagePtr job_;
  std::unique_ptr<CheckpointStore> store_;
  CommitLogStore log_;
  ModelRegistry registry_;
  std::filesystem::path scratch_;
};

}  // namespace millrace
