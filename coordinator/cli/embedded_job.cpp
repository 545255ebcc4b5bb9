#include "coordinator/cli/embedded_job.hpp"

#include <algorithm>

#include "common/config/job_file.hpp"
#include "common/data/schema_inference.hpp"
#include "coordinator/core/job_defaults.hpp"
#include "worker/sources/kafka_splits.hpp"
#include "worker/sources/split.hpp"
#include "worker/training/training_setup.hpp"

namespace millrace {
namespace {

constexpr const char* kPackageName = "job/package";
// More shards take more pushes at a time.
constexpr std::uint32_t kShardsMax = 4;

Result<InferredSchema> infer(const JobSpec& spec, const RunOptions& options) {
  const SourceSpec& source = spec.source;
  if (source.kind == SourceKind::generator) return generator_schema(spec.schema, source);
  const bool is_topic = source.kind == SourceKind::kafka;
  MILLRACE_ASSIGN(
      const StreamHead head,
      is_topic ? read_kafka_head(source, spec.schema.label, SecretsFolder(options.secrets_folder))
               : read_stream_head(source, options.base_folder));
  auto inferred = infer_schema(spec.schema, source, head.bytes, head.is_whole);
  if (!inferred.is_ok())
    return inferred.status().with_context(is_topic ? source.kafka.topic : source.path);
  return inferred;
}

Result<std::vector<SplitDescription>> plan(const JobSpec& spec, const RunOptions& options) {
  if (spec.source.kind == SourceKind::kafka)
    return plan_kafka_splits(spec.source.kafka, SecretsFolder(options.secrets_folder));
  return plan_splits(spec.source, options.base_folder, spec.parallelism);
}

Result<JobPackagePtr> make_package(const JobSpec& spec, const RunOptions& options,
                                   PreparedJob& prepared) {
  MILLRACE_ASSIGN(InferredSchema inferred, infer(spec, options));
  auto package = std::make_shared<JobPackage>();
  package->spec = spec;
  package->spec.source.csv = inferred.csv;
  MILLRACE_TRY(resolve_defaults(package->spec, inferred.schema));
  package->schema = std::move(inferred.schema);
  package->base_folder = options.base_folder;
  // A gradient is one step of one optimiser: its answer is theta itself, which moves uncopied.
  const bool is_gradient = package->spec.merge->mode == MergeMode::async_gradient;
  package->shards = is_gradient ? 1 : std::min(spec.parallelism, kShardsMax);
  MILLRACE_ASSIGN(const auto splits, plan(package->spec, options));
  for (const auto& split : splits) {
    package->splits.push_back({split.id, split.path, split.begin, split.end});
  }
  ByteWriter plan;
  encode_splits(splits, plan);
  package->split_plan = std::move(plan).take();
  package->fingerprint = job_fingerprint(package->spec).fixed;
  // Whatever cannot be trained is found before anything is stored.
  MILLRACE_ASSIGN(const auto setup,
                  make_training_setup(package->spec, package->schema, package->shards));
  prepared.notes = std::move(inferred.evidence);
  prepared.warnings = std::move(inferred.warnings);
  return JobPackagePtr(std::move(package));
}

std::string join(const std::vector<std::string>& parts) {
  std::string text;
  for (const auto& part : parts) text += (text.empty() ? "" : "; ") + part;
  return text;
}

// Whether the stream is still the one that the splits were planned on.
Status verify_splits(const JobSpec& spec, const RunOptions& options,
                     const std::vector<SplitDescription>& splits) {
  if (spec.source.kind == SourceKind::kafka)
    return verify_kafka_splits(spec.source.kafka, SecretsFolder(options.secrets_folder), splits);
  std::string verified;
  for (const auto& split : splits) {
    if (split.path.empty() || split.path == verified) continue;
    MILLRACE_TRY(verify_identity(split));
    verified = split.path;
  }
  return {};
}

// The stored package with the rates and intervals of the job at hand.
Result<JobPackagePtr> adopt_package(JobPackage stored, const JobSpec& spec,
                                    const RunOptions& options, PreparedJob& prepared) {
  JobSpec wanted = spec;
  if (!wanted.source.csv.header) wanted.source.csv.header = stored.spec.source.csv.header;
  MILLRACE_TRY(resolve_defaults(wanted, stored.schema));
  JobDifference difference = compare_jobs(stored.spec, wanted);
  if (stored.base_folder != options.base_folder && spec.source.kind == SourceKind::file &&
      !spec.source.path.starts_with('/')) {
    difference.fixed.push_back("the job file's folder: " + stored.base_folder + " -> " +
                               options.base_folder);
  }
  if (!difference.fixed.empty()) {
    return Status(
        Code::conflict,
        "the state in " + prepared.folder->path().string() +
            " is of another job: " + join(difference.fixed),
        "run with --fresh to archive that state and begin anew, or give the job another name");
  }
  if (!difference.adjustable.empty()) {
    prepared.notes.push_back("goes on with " + join(difference.adjustable));
  }
  ByteReader reader(stored.split_plan);
  MILLRACE_ASSIGN(const auto splits, decode_splits(reader));
  MILLRACE_TRY(verify_splits(spec, options, splits));
  stored.spec = wanted;
  prepared.is_resumed = true;
  return std::make_shared<const JobPackage>(std::move(stored));
}

}  // namespace

Result<PreparedJob> prepare_job(const JobSpec& spec, const RunOptions& options) {
  PreparedJob prepared;
  auto folder = JobFolder::open(options.state_folder, spec.name);
  if (folder.status().code() == Code::permission_denied) {
    return Status(Code::permission_denied, folder.status().message(),
                  "give this user the right to write there, or name another folder with --state");
  }
  MILLRACE_ASSIGN(prepared.folder, std::move(folder));
  if (options.fresh) {
    MILLRACE_ASSIGN(const auto archived, prepared.folder->fresh());
    if (archived) prepared.notes.push_back("earlier state archived to " + archived->string());
  }
  MILLRACE_ASSIGN(prepared.store, open_checkpoint_store(prepared.folder->store_url()));
  MILLRACE_TRY(prepared.store->remove_leftovers());

  const auto stored = prepared.store->get(kPackageName);
  if (stored.is_ok()) {
    MILLRACE_ASSIGN(JobPackage package, JobPackage::decode(stored.value()));
    MILLRACE_ASSIGN(prepared.package, adopt_package(std::move(package), spec, options, prepared));
    return prepared;
  }
  if (stored.status().code() != Code::not_found) return stored.status();
  MILLRACE_ASSIGN(prepared.package, make_package(spec, options, prepared));
  MILLRACE_ASSIGN(const PutOutcome put,
                  prepared.store->put_if_absent(kPackageName, prepared.package->encode()));
  if (put.existed) {
    return Status(Code::conflict, "another process has just started job '" + spec.name + "'",
                  "run it again: it will go on with that job's state");
  }
  return prepared;
}

}  // namespace millrace
