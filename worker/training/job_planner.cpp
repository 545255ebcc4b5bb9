#include "worker/training/job_planner.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "common/config/job_file.hpp"
#include "common/data/job_defaults.hpp"
#include "common/data/schema_inference.hpp"
#include "worker/sources/kafka_splits.hpp"
#include "worker/sources/split.hpp"
#include "worker/sources/zeromq_splits.hpp"
#include "worker/training/training_setup.hpp"

namespace millrace {
namespace {

// Nothing has arrived yet; what does will have no header.
Result<InferredSchema> infer_from_sample(const JobSpec& spec, const PlannerOptions& options) {
  const SourceSpec sample = sample_of(spec.source);
  MILLRACE_TRY(options.roots.check(sample, options.base_folder));
  MILLRACE_ASSIGN(const StreamHead head, read_stream_head(sample, options.base_folder));
  auto inferred = infer_schema(spec.schema, sample, head.bytes, head.is_whole);
  if (!inferred.is_ok()) return inferred.status().with_context(sample.path);
  inferred.value().csv.header = false;
  return inferred;
}

Result<InferredSchema> infer(const JobSpec& spec, const PlannerOptions& options) {
  const SourceSpec& source = spec.source;
  if (source.kind == SourceKind::generator) return generator_schema(spec.schema, source);
  if (source.kind == SourceKind::zeromq) return infer_from_sample(spec, options);
  const bool is_topic = source.kind == SourceKind::kafka;
  MILLRACE_ASSIGN(const StreamHead head,
                  is_topic ? read_kafka_head(source, spec.schema.label, options.secrets)
                           : read_stream_head(source, options.base_folder));
  auto inferred = infer_schema(spec.schema, source, head.bytes, head.is_whole);
  if (!inferred.is_ok())
    return inferred.status().with_context(is_topic ? source.kafka.topic : source.path);
  return inferred;
}

Result<std::vector<SplitDescription>> plan(const JobSpec& spec, const PlannerOptions& options) {
  if (spec.source.kind == SourceKind::kafka)
    return plan_kafka_splits(spec.source.kafka, options.secrets);
  if (spec.source.kind == SourceKind::zeromq)
    return plan_zeromq_splits(spec.source.zeromq, spec.parallelism);
  return plan_splits(spec.source, options.base_folder, spec.parallelism);
}

std::string join(const std::vector<std::string>& parts) {
  std::string text;
  for (const auto& part : parts) text += (text.empty() ? "" : "; ") + part;
  return text;
}

// Whether the stream is still the one that the splits were planned on.
Status verify_splits(const JobSpec& spec, const PlannerOptions& options,
                     const std::vector<SplitDescription>& splits) {
  if (spec.source.kind == SourceKind::kafka)
    return verify_kafka_splits(spec.source.kafka, options.secrets, splits);
  if (spec.source.kind == SourceKind::zeromq) return {};  // producers are who remembers
  MILLRACE_TRY(options.roots.check(spec.source, splits));
  std::string verified;
  for (const auto& split : splits) {
    if (split.path.empty() || split.path == verified) continue;
    MILLRACE_TRY(verify_identity(split));
    verified = split.path;
  }
  return {};
}

void warn_of_idle_replicas(const JobSpec& spec, std::size_t splits,
                           std::vector<std::string>& warnings) {
  if (spec.parallelism <= splits) return;
  warnings.push_back("of " + std::to_string(spec.parallelism) + " replicas only " +
                     std::to_string(splits) + (splits == 1 ? " has" : " have") +
                     " records to read: the stream has no more splits");
}

}  // namespace

Result<PlannedJob> plan_job(const JobSpec& spec, const PlannerOptions& options) {
  MILLRACE_TRY(options.roots.check(spec.source, options.base_folder));
  MILLRACE_ASSIGN(InferredSchema inferred, infer(spec, options));
  auto package = std::make_shared<JobPackage>();
  package->spec = spec;
  package->spec.source.csv = inferred.csv;
  MILLRACE_TRY(resolve_defaults(package->spec, inferred.schema, options.reach));
  package->schema = std::move(inferred.schema);
  package->base_folder = options.base_folder;
  package->shards = default_shards(package->spec);
  MILLRACE_ASSIGN(const auto splits, plan(package->spec, options));
  for (const auto& split : splits) {
    package->splits.push_back({split.id, split.path, split.begin, split.end});
  }
  ByteWriter writer;
  encode_splits(splits, writer);
  package->split_plan = std::move(writer).take();
  package->fingerprint = job_fingerprint(package->spec).fixed;
  // Whatever cannot be trained is found before anything is stored.
  MILLRACE_TRY(make_training_setup(package->spec, package->schema, package->shards).status());
  warn_of_idle_replicas(package->spec, splits.size(), inferred.warnings);
  return PlannedJob{std::move(package), std::move(inferred.evidence), std::move(inferred.warnings)};
}

Result<PlannedJob> resume_job(JobPackage stored, const JobSpec& spec,
                              const PlannerOptions& options) {
  JobSpec wanted = spec;
  if (!wanted.source.csv.header) wanted.source.csv.header = stored.spec.source.csv.header;
  MILLRACE_TRY(resolve_defaults(wanted, stored.schema, options.reach));
  JobDifference difference = compare_jobs(stored.spec, wanted);
  std::ranges::move(
      std::exchange(difference.rescaled, {}),
      std::back_inserter(options.may_rescale ? difference.adjustable : difference.fixed));
  if (stored.base_folder != options.base_folder && spec.source.kind == SourceKind::file &&
      !spec.source.path.starts_with('/')) {
    difference.fixed.push_back("the job file's folder: " + stored.base_folder + " -> " +
                               options.base_folder);
  }
  if (!difference.fixed.empty()) {
    return Status(Code::conflict,
                  options.stored_where + " is of another job: " + join(difference.fixed),
                  options.conflict_hint);
  }
  PlannedJob planned;
  if (!difference.adjustable.empty()) {
    planned.notes.push_back("goes on with " + join(difference.adjustable));
  }
  ByteReader reader(stored.split_plan);
  MILLRACE_ASSIGN(const auto splits, decode_splits(reader));
  MILLRACE_TRY(verify_splits(spec, options, splits));
  warn_of_idle_replicas(wanted, splits.size(), planned.warnings);
  stored.go_on_with(std::move(wanted));
  planned.package = std::make_shared<const JobPackage>(std::move(stored));
  return planned;
}

}  // namespace millrace
