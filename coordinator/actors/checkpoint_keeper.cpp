#include "coordinator/actors/checkpoint_keeper.hpp"

#include "common/base/version.hpp"
#include "common/ml/kernels/kernels.hpp"
#include "common/ml/shard_layout.hpp"
#include "common/ml/shard_state.hpp"
#include "common/store/checkpoint_reader.hpp"

namespace millrace {
namespace {

CommitEntry to_stored(const LogEntry& entry) {
  CommitEntry stored;
  switch (entry.kind) {
    case LogKind::takeover:
      stored.kind = CommitKind::takeover;
      break;
    case LogKind::complete:
      stored.kind = CommitKind::complete;
      break;
    case LogKind::abandon:
      stored.kind = CommitKind::abandon;
      break;
    case LogKind::retire:
      stored.kind = CommitKind::retire;
      break;
  }
  stored.term = entry.term;
  stored.attempt = entry.attempt;
  stored.cut = entry.cut;
  stored.writer = entry.writer;
  return stored;
}

LogEntry from_stored(const CommitEntry& stored) {
  LogEntry entry;
  switch (stored.kind) {
    case CommitKind::takeover:
      entry.kind = LogKind::takeover;
      break;
    case CommitKind::complete:
      entry.kind = LogKind::complete;
      break;
    case CommitKind::abandon:
      entry.kind = LogKind::abandon;
      break;
    case CommitKind::retire:
      entry.kind = LogKind::retire;
      break;
  }
  entry.term = stored.term;
  entry.attempt = stored.attempt;
  entry.cut = stored.cut;
  entry.writer = stored.writer;
  return entry;
}

StoreOutcome just(JobEvent event) {
  StoreOutcome outcome;
  outcome.event = std::move(event);
  return outcome;
}

}  // namespace

Result<std::unique_ptr<CheckpointKeeper>> CheckpointKeeper::open(JobPackagePtr job,
                                                                 const std::string& store_url,
                                                                 const std::string& models_folder) {
  MILLRACE_ASSIGN(auto store, open_checkpoint_store(store_url));
  RegistryOptions options;
  options.retain = job->spec.publish.retain;
  MILLRACE_ASSIGN(ModelRegistry registry, ModelRegistry::open(models_folder, options));
  return std::unique_ptr<CheckpointKeeper>(
      new CheckpointKeeper(std::move(job), std::move(store), std::move(registry)));
}

StoreOutcome CheckpointKeeper::execute(const StoreOrder& order) {
  if (const auto* log = std::get_if<WriteLog>(&order.effect)) return just(write_log(*log));
  if (const auto* log = std::get_if<ReadLog>(&order.effect)) return just(read_log(*log));
  if (const auto* wanted = std::get_if<ReadManifest>(&order.effect)) return read(*wanted);
  if (const auto* wanted = std::get_if<WriteManifest>(&order.effect))
    return write(*wanted, order.extras);
  return remove(order, std::get<RemoveCut>(order.effect).cut);
}

LogWritten CheckpointKeeper::write_log(const WriteLog& order) {
  LogWritten written;
  written.index = order.index;
  const auto outcome = log_.append(order.index, to_stored(order.entry));
  if (!outcome.is_ok()) {
    const bool is_settled = outcome.status().code() == Code::resource_exhausted;
    written.why = outcome.status().message();
    written.outcome = is_settled ? WriteOutcome::failed : WriteOutcome::ambiguous;
    return written;
  }
  written.outcome = outcome.value().won ? WriteOutcome::created : WriteOutcome::exists;
  return written;
}

LogRead CheckpointKeeper::read_log(const ReadLog& order) {
  auto entry = log_.read(order.index);
  if (!entry.is_ok()) return {order.index, entry.status()};
  if (!entry.value()) return {order.index, std::optional<LogEntry>()};
  return {order.index, std::optional<LogEntry>(from_stored(*entry.value()))};
}

StoreOutcome CheckpointKeeper::read(const ReadManifest& order) {
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
  StoreOutcome outcome = just(ManifestWritten{contents.attempt, contents.cut, status});
  if (status.is_ok()) {
    outcome.part_bytes = 0;
    for (const auto& part : extras.parts) *outcome.part_bytes += part.bytes();
  }
  return outcome;
}

StoreOutcome CheckpointKeeper::remove(const StoreOrder& order, CutId cut) {
  GarbageQuery query;
  query.attempt = order.attempt;
  for (const auto& [id, attempt] : order.unretired) query.unretired.push_back({id, attempt});
  query.dead.push_back(cut);
  const auto removed = collect_garbage(*store_, query);
  StoreOutcome outcome = just(Tick{});
  if (!removed.is_ok()) {
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
  const ShardLayout layout(model->parameters(), job_->shards);
  parts.theta.resize(layout.whole().total());
  for (std::uint32_t shard = 0; shard < job_->shards; ++shard) {
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

}  // namespace millrace
