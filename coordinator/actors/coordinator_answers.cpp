// What the coordinator says of jobs and workers.
#include <algorithm>
#include <array>
#include <ctime>

#include "common/config/job_file.hpp"
#include "common/store/checkpoint_reader.hpp"
#include "common/store/commit_log_store.hpp"
#include "coordinator/actors/coordinator_state.hpp"
#include "coordinator/core/log_state.hpp"
#include "coordinator/registry/model_registry.hpp"
#include "coordinator/status/job_outline.hpp"

namespace millrace {
namespace {

constexpr std::array kTasks = {"regression", "binary", "multiclass"};
constexpr std::array kFieldRoles = {"numeric", "categorical", "label", "weight", "excluded"};

std::vector<control::JobWorker> workers_of(CoordinatorSelf self, const JobRun& run) {
  if (!run.master) return {};
  auto workers = run.figures.workers();
  for (auto& worker : workers) worker.name = host_name(self, WorkerId(worker.id));
  return workers;
}

std::vector<std::string> role_names(const WorkerRoles& roles) {
  std::vector<std::string> names;
  if (roles.train) names.emplace_back("train");
  if (roles.parameters) names.emplace_back("parameters");
  if (roles.serve) names.emplace_back("serve");
  return names;
}

// The time of a manifest, "2026-01-31T12:00:00Z".
std::uint64_t unix_ms_of(const std::string& text) {
  std::tm parts{};
  if (strptime(text.c_str(), "%Y-%m-%dT%H:%M:%SZ", &parts) == nullptr) return 0;
  const std::time_t seconds = timegm(&parts);
  return seconds < 0 ? 0 : static_cast<std::uint64_t>(seconds) * 1000;
}

control::CheckpointRow row_of(const Manifest& manifest) {
  control::CheckpointRow row;
  row.cut = manifest.cut.value;
  row.at_ms = unix_ms_of(manifest.created_at);
  for (const auto& part : manifest.parts) row.bytes += part.bytes();
  row.records = manifest.totals.records;
  row.attempt = manifest.attempt.value;
  return row;
}

control::ModelRow row_of(const std::string& job, const RegistryEntry& entry,
                         const std::vector<RegistryAlias>& aliases) {
  control::ModelRow row;
  row.job = job;
  row.version = entry.version.value;
  row.bytes = entry.bytes;
  const Lineage& lineage = entry.header.lineage;
  row.cut = lineage.cut.value;
  row.records = lineage.records;
  row.created_at_ms = static_cast<std::uint64_t>(lineage.created_at.time_since_epoch().count());
  row.kind = to_string(entry.header.kind);
  row.digest = entry.header.digest;
  for (const char* name : {"accuracy", "mae", "log_loss"}) {
    const auto metric = lineage.metrics.find(name);
    if (metric == lineage.metrics.end()) continue;
    row.metric = name;
    row.metric_value = metric->second;
    break;
  }
  for (const auto& alias : aliases) {
    if (alias.version == entry.version)
      row.aliases.push_back({alias.name, alias.version.value, alias.revision});
  }
  return row;
}

}  // namespace

control::JobStatus status_of(CoordinatorSelf self, const JobRun& run) {
  control::JobStatus status;
  status.name = run.entry.name;
  status.state = run.state;
  status.message = run.message;
  status.submitted_by = run.entry.client;
  status.revision = run.entry.revision;
  status.submitted_at_ms = run.entry.submitted_at_ms;
  status.store_url = run.entry.store_url;
  status.parallelism = run.spec.parallelism;
  run.figures.fill(status, present());
  status.workers = workers_of(self, run);
  if (run.entry.ending) {
    status.ended_at_ms = run.entry.ending->at_ms;
    if (!status.last_error) status.last_error = run.entry.ending->error;
    status.last_checkpoint = std::max(status.last_checkpoint, run.entry.ending->cut);
  }
  if (run.served) {
    for (const auto& [id, host] : self->state.hosts) {
      const bool serves = host.handle && host.outline.roles.serve;
      if (serves && !host.outline.predictions.empty())
        status.prediction_endpoints.push_back(host.outline.predictions);
    }
  }
  return status;
}

control::JobList list_jobs(CoordinatorSelf self) {
  control::JobList list;
  const auto now = present();
  for (const auto& [name, run] : self->state.runs) {
    control::JobRow row;
    row.name = name;
    row.state = run.state;
    row.message = run.message;
    row.parallelism = run.spec.parallelism;
    row.submitted_at_ms = run.entry.submitted_at_ms;
    run.figures.fill(row, now);
    row.workers = static_cast<std::uint32_t>(workers_of(self, run).size());
    list.jobs.push_back(std::move(row));
  }
  return list;
}

control::JobDescription describe(CoordinatorSelf self, const JobRun& run) {
  control::JobDescription text;
  text.name = run.entry.name;
  text.file_name = run.entry.file_name;
  text.revision = run.entry.revision;
  text.overrides = run.entry.overrides;
  text.store_url = run.entry.store_url;
  text.job_file = run.entry.yaml;
  text.workers = workers_of(self, run);
  const auto& package = run.figures.package();
  if (package == nullptr) return text;
  text.job_file = print_job(package->spec);
  text.task = kTasks.at(static_cast<std::size_t>(package->schema.task));
  for (const auto& field : package->schema.fields) {
    text.fields.push_back(
        {field.name, kFieldRoles.at(static_cast<std::size_t>(field.role)), field.evidence});
  }
  text.splits = run.figures.splits();
  text.shards = package->shards;
  return text;
}

control::WorkerList list_workers(CoordinatorSelf self) {
  const ClusterState& cluster = *self->state.cluster;
  control::WorkerList list;
  for (const auto& [id, host] : self->state.hosts) {
    const WorkerOutline& outline = host.outline;
    control::WorkerRow row;
    row.id = id.value;
    row.name = outline.name;
    row.address = outline.address.host + ":" + std::to_string(outline.address.port);
    const auto known = cluster.hosts().find(id);
    const bool is_draining = known != cluster.hosts().end() && known->second.is_draining;
    row.state = !host.handle ? "lost" : is_draining ? "draining" : "ready";
    row.roles = role_names(outline.roles);
    row.slots = outline.slots;
    row.slots_used = cluster.slots_used(id);
    row.memory_bytes = outline.memory_bytes;
    row.jobs = cluster.jobs_on(id);
    for (const auto& label : outline.labels) row.labels.push_back(label.key + "=" + label.value);
    row.prediction_endpoint = outline.predictions;
    row.version = outline.version;
    row.joined_at_ms = host.joined_at_ms;
    row.heard_at_ms = host.heard_at_ms;
    list.workers.push_back(std::move(row));
  }
  std::ranges::stable_sort(list.workers, {}, &control::WorkerRow::name);
  return list;
}

Result<control::CheckpointList> read_checkpoints(const JobStore& from) {
  MILLRACE_ASSIGN(const auto store, from.open());
  CommitLogStore log(*store);
  MILLRACE_ASSIGN(const auto entries, log.read_all());
  LogState state;
  for (const auto& entry : entries) MILLRACE_TRY(state.apply(entry));
  control::CheckpointList list;
  for (const auto& [cut, attempt] : state.complete()) {
    const auto manifest = read_manifest(*store, {cut, attempt});
    // One that cannot be read is listed all the same: the log says that it is complete.
    control::CheckpointRow row;
    row.cut = cut.value;
    row.attempt = attempt.value;
    if (manifest.is_ok()) row = row_of(manifest.value());
    const auto named =
        std::ranges::find(state.savepoints(), cut, &std::pair<const std::string, CutId>::second);
    if (named != state.savepoints().end()) row.name = named->first;
    list.checkpoints.push_back(std::move(row));
  }
  return list;
}

Result<control::ModelList> read_models(const std::filesystem::path& state,
                                       const std::vector<std::string>& jobs) {
  control::ModelList list;
  for (const auto& job : jobs) {
    const auto registry = ModelRegistry::open_existing(registry_folder(state, job));
    if (registry.status().code() == Code::not_found) continue;
    MILLRACE_TRY(registry.status());
    MILLRACE_ASSIGN(const auto entries, registry.value().list());
    MILLRACE_ASSIGN(const auto aliases, registry.value().aliases());
    for (const auto& entry : entries) list.models.push_back(row_of(job, entry, aliases));
  }
  return list;
}

Result<control::AliasList> read_aliases(const std::filesystem::path& state,
                                        const std::string& job) {
  control::AliasList list;
  list.job = job;
  const auto registry = ModelRegistry::open_existing(registry_folder(state, job));
  if (registry.status().code() == Code::not_found) return list;
  MILLRACE_TRY(registry.status());
  MILLRACE_ASSIGN(const auto aliases, registry.value().aliases());
  for (const auto& alias : aliases) {
    list.aliases.push_back({alias.name, alias.version.value, alias.revision});
  }
  return list;
}

}  // namespace millrace
