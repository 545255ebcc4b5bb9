#include "coordinator/actors/checkpoint_keeper.hpp"

#include <algorithm>

#include "common/base/version.hpp"
#include "common/ml/kernels/kernels.hpp"
#include "common/ml/shard_layout.hpp"
#include "common/ml/shard_state.hpp"
#include "common/store/checkpoint_reader.hpp"
#include "common/store/state_db.hpp"
#include "coordinator/registry/stored_package.hpp"

namespace millrace {
namespace {

StoreOutcome just(JobEvent event) {
  StoreOutcome outcome;
  outcome.event = std::move(event);
  return outcome;
}

}  // namespace

Result<std::unique_ptr<CheckpointKeeper>> CheckpointKeeper::open(JobPackagePtr job,
                                                                 const SubmitJob& submit) {
  MILLRACE_ASSIGN(auto store, open_checkpoint_store(submit.store_url, submit.stores));
  RegistryOptions options;
  options.retain = job->spec.publish.retain;
  MILLRACE_ASSIGN(ModelRegistry registry, ModelRegistry::open(submit.models_folder, options));
  return std::unique_ptr<CheckpointKeeper>(new CheckpointKeeper(
      std::move(job), std::move(store), std::move(registry), submit.scratch_folder));
}

StoreOutcome CheckpointKeeper::execute(const StoreOrder& order) {
  if (const auto* log = std::get_if<ListLog>(&order.effect)) {
    return just(LogListed{log->query, log_.newest()});
  }
  if (const auto* log = std::get_if<ReadLog>(&order.effect)) return just(read_log(*log));
  if (const auto* log = std::get_if<WriteLog>(&order.effect)) return just(write_log(*log));
  if (const auto* log = std::get_if<TrimLog>(&order.effect)) return trim_log(*log);
  if (const auto* wanted = std::get_if<ReadManifest>(&order.effect)) return read(*wanted);
  if (const auto* wanted = std::get_if<WriteManifest>(&order.effect))
    return write(*wanted, order.extras);
  if (std::holds_alternative<StoreSplits>(order.effect)) return store_splits(order.joined);
  return remove(order, std::get<RemoveCut>(order.effect).cut);
}

LogWritten CheckpointKeeper::write_log(const WriteLog& order) {
  LogWritten written;
  written.index = order.index;
  const auto put = log_.write(order.index, order.entry);
  if (!put.is_ok()) {
    written.why = put.status();
    written.outcome = is_ambiguous(put.status()) ? WriteOutcome::ambiguous : WriteOutcome::failed;
    return written;
  }
  written.outcome = put.value().created ? WriteOutcome::created : WriteOutcome::exists;
  return written;
}

LogRead CheckpointKeeper::read_log(const ReadLog& order) {
  return {order.index, log_.read(order.index)};
}

StoreOutcome CheckpointKeeper::trim_log(const TrimLog& order) {
  StoreOutcome outcome = just(Tick{});
  if (const auto status = log_.trim(order.below); !status.is_ok()) {
    outcome.warnings.push_back("the commit log could not be shortened yet: " + status.message());
  }
  return outcome;
}

StoreOutcome CheckpointKeeper::store_splits(const JoinedSplits& found) {
  JobPackage package = *job_;
  const Status status = join_splits(*store_, found, package);
  if (!status.is_ok()) return just(SplitsStored{status, {}});
  StoreOutcome outcome = just(SplitsStored{{}, package.first_positions()});
  take(std::move(package), outcome);
  return outcome;
}

void CheckpointKeeper::take(JobPackage package, StoreOutcome& outcome) {
  if (package.splits.size() == job_->splits.size()) return;
  job_ = std::make_shared<const JobPackage>(std::move(package));
  outcome.package = job_;
}

// A coordinator that led before may have let splits join after this one had read the package; it
// lets none join an attempt any more once this one leads, and reads a manifest.
StoreOutcome CheckpointKeeper::read(const ReadManifest& order) {
  JobPackage package = *job_;
  if (const auto added = add_stored_splits(*store_, package); !added.is_ok())
    return just(ManifestRead{order.cut, added.status()});
  StoreOutcome outcome = read_parts(order);
  take(std::move(package), outcome);
  return outcome;
}

StoreOutcome CheckpointKeeper::read_parts(const ReadManifest& order) {
  const auto failed = [&](const Status& status) { return just(ManifestRead{order.cut, status}); };
  const auto manifest = read_manifest(*store_, {order.cut, order.attempt});
  if (!manifest.is_ok()) return failed(manifest.status());
  for (const auto& part : manifest.value().parts) {
    const auto verified = verify_part(*store_, part);
    if (!verified.is_ok()) return failed(verified);
  }
  StoreOutcome outcome = just(ManifestRead{order.cut, read_contents(manifest.value())});
  outcome.parts = manifest.value().parts;
  outcome.totals = manifest.value().totals;
  return outcome;
}

StoreOutcome CheckpointKeeper::write(const WriteManifest& order, const ManifestExtras& extras) {
  const auto& contents = order.contents;
  const auto status = write_manifest(*store_, make_manifest(contents, *job_, extras));
  return just(ManifestWritten{contents.attempt, contents.cut, status});
}

StoreOutcome CheckpointKeeper::remove(const StoreOrder& order, CutId cut) {
  GarbageQuery query;
  query.attempt = order.attempt;
  for (const auto& [id, attempt] : order.unretired) query.unretired.push_back({id, attempt});
  query.dead.push_back(cut);
  const auto removed = collect_garbage(*store_, query);
  StoreOutcome outcome = just(Tick{});
  if (removed.is_ok()) {
    outcome.warnings = removed.value().warnings;
  } else {
    outcome.warnings.push_back("checkpoint " + std::to_string(cut.value) +
                               " could not be deleted yet: " + removed.status().message());
  }
  return outcome;
}

Result<std::shared_ptr<const PublishedModel>> CheckpointKeeper::publish(const PublishOrder& order) {
  PublishedModelParts parts;
  parts.schema = job_->schema;
  parts.transforms = *job_->spec.preprocess;
  parts.model = *job_->spec.model;
  MILLRACE_ASSIGN(const Pipeline pipeline, Pipeline::compile(parts.transforms, parts.schema));
  const ModelInputs inputs{pipeline.layout(), parts.schema.task, parts.schema.max_classes};
  MILLRACE_ASSIGN(const auto model, make_model(parts.model, inputs));
  // Of the cut: a restored one may be of another parallelism.
  const auto shards = static_cast<std::uint32_t>(order.shards.size());
  const ShardLayout layout(model->parameters(), shards);
  parts.theta.resize(layout.whole().total());
  for (std::uint32_t shard = 0; shard < shards; ++shard) {
    MILLRACE_ASSIGN(ShardState state, ShardState::decode(*order.shards[shard]));
    MILLRACE_TRY(paste_shard(layout, shard, state.parameters.theta, parts.theta));
    if (shard != 0) continue;
    parts.statistics = std::move(state.statistics);
    if (state.dictionary) parts.dictionary = std::move(*state.dictionary);
  }

  const auto& contents = *order.contents;
  Lineage& lineage = parts.lineage;
  lineage.job = job_->spec.name;
  lineage.job_fingerprint = job_->fingerprint;
  lineage.program_version = program_version();
  lineage.instruction_set = kernels::target_name();
  lineage.version = VersionId(contents.cut.value);
  MILLRACE_ASSIGN(const auto earlier, registry_.versions());
  for (const auto version : earlier) {
    if (version < lineage.version) lineage.parent = version;
  }
  lineage.cut = contents.cut;
  lineage.attempt = contents.attempt;
  for (const auto& split : contents.splits) {
    const auto& outline = job_->splits[split.split.value];
    lineage.slice.push_back({outline.path, outline.begin, split.offset, ""});
    lineage.records += split.learned.count;
  }
  lineage.metrics = order.metrics;
  lineage.created_at =
      std::chrono::time_point_cast<std::chrono::milliseconds>(std::chrono::system_clock::now());
  MILLRACE_ASSIGN(auto published, PublishedModel::make(std::move(parts)));
  MILLRACE_TRY(registry_.add(*published));
  return published;
}

Result<std::shared_ptr<const PublishedModel>> CheckpointKeeper::publish_stored(
    const PublishStoredOrder& order) {
  const auto& contents = *order.contents;
  MILLRACE_ASSIGN(const auto versions, registry_.versions());
  if (std::ranges::find(versions, VersionId(contents.cut.value)) != versions.end()) {
    MILLRACE_TRY(registry_.promote(VersionId(contents.cut.value)));
    return std::shared_ptr<const PublishedModel>();
  }
  MILLRACE_ASSIGN(const Manifest manifest,
                  read_manifest(*store_, {contents.cut, contents.attempt}));
  PublishOrder whole{order.contents, {}, read_metrics(manifest)};
  const auto status = read_shards(manifest, whole);
  std::error_code ignored;
  std::filesystem::remove_all(scratch_, ignored);
  MILLRACE_TRY(status);
  return publish(whole);
}

// The manifest was verified when the machine read it.
Status CheckpointKeeper::read_shards(const Manifest& manifest, PublishOrder& order) const {
  order.shards.resize(manifest.shards.size());
  if (order.shards.empty())
    return Status(Code::corrupted,
                  "the checkpoint does not say how many parameter shards it holds");
  for (const auto& part : manifest.parts) {
    const auto folder = scratch_ / std::to_string(part.worker.value);
    MILLRACE_ASSIGN(const auto db, StateDb::open_restored(part, *store_, folder.string()));
    MILLRACE_ASSIGN(const auto keys, db->list(manifest.cut, "shard/"));
    for (const auto& key : keys) {
      MILLRACE_ASSIGN(Bytes bytes, db->get(manifest.cut, key));
      MILLRACE_ASSIGN(const ShardState state, ShardState::decode(bytes));
      if (state.shard >= order.shards.size()) {
        return Status(Code::corrupted, "the checkpoint holds parameter shard " +
                                           std::to_string(state.shard) + " of " +
                                           std::to_string(order.shards.size()));
      }
      order.shards[state.shard] = std::make_shared<const Bytes>(std::move(bytes));
    }
  }
  if (std::ranges::count(order.shards, nullptr) == 0) return {};
  return Status(Code::corrupted, "the checkpoint holds fewer parameter shards than it says");
}

}  // namespace millrace
