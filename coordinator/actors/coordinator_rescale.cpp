// Another parallelism for a job that runs: a savepoint, the end of the run, and the next one.
//
// The old parallelism stays wanted in the catalogue until the run has ended with its savepoint, and
// is wanted again where the new one cannot begin. What runs next goes on from the newest complete
// checkpoint, which is that savepoint, or an older one where that is damaged.
#include <algorithm>
#include <utility>

#include "common/config/job_file.hpp"
#include "coordinator/actors/coordinator_state.hpp"
#include "coordinator/core/job_memory.hpp"

namespace millrace {
namespace {

using RunState = control::JobState;

constexpr std::string_view kKey = "parallelism=";

std::string replicas(std::uint32_t count) {
  return std::to_string(count) + (count == 1 ? " replica" : " replicas");
}

Status busy(const JobRun& run, const std::string& why) {
  return {Code::conflict, "job '" + run.entry.name + "' " + why,
          "ask again when `millrace status " + run.entry.name + "` says that it runs"};
}

// Before its first run nobody knows.
Result<std::optional<JobDemand>> demand_at(const JobRun& run, std::uint32_t parallelism) {
  const JobPackagePtr& package = run.figures.package();
  if (package == nullptr) return std::optional<JobDemand>();
  JobPackage resized = *package;
  JobSpec spec = package->spec;
  spec.parallelism = parallelism;
  resized.go_on_with(std::move(spec));
  MILLRACE_ASSIGN(const JobDemand demand,
                  estimate_demand(resized.spec, resized.schema, resized.shards));
  return std::optional(demand);
}

// Whether it would have to wait for workers at this parallelism.
Status check_room(CoordinatorSelf self, const JobRun& run, std::uint32_t parallelism) {
  MILLRACE_ASSIGN(const auto needed, demand_at(run, parallelism));
  if (!needed) return {};
  const JobDemand& demand = *needed;
  const auto reason = self->state.cluster->reason_to_wait(run.entry.name, demand);
  if (reason.empty()) return {};
  return {Code::resource_exhausted,
          "job '" + run.entry.name + "' with " + replicas(parallelism) + " " + reason,
          "start more workers first, or ask for fewer replicas"};
}

Result<CatalogJob> change_entry(const JobRun& run, std::uint32_t parallelism,
                                const std::string& client) {
  CatalogJob entry = run.entry;
  std::erase_if(entry.overrides, [](const auto& text) { return text.starts_with(kKey); });
  entry.overrides.push_back(std::string(kKey) + std::to_string(parallelism));
  const CheckedJob checked = check_job(entry.yaml, entry.file_name, entry.overrides);
  if (!checked.is_valid()) return checked.status();
  entry.spec_hash = spec_hash(checked.spec);
  ++entry.revision;
  entry.from.clear();
  entry.client = client;
  return entry;
}

// The slots that the run had are for the next one, not for jobs that wait.
void keep_room(CoordinatorSelf self, const JobRun& run, const CatalogJob& entry) {
  const CheckedJob checked = check_job(entry.yaml, entry.file_name, entry.overrides);
  const auto demand = demand_at(run, checked.spec.parallelism);
  if (demand.is_ok() && demand.value()) {
    step_cluster(self, JobResized{entry.name, *demand.value()});
  } else {
    step_cluster(self, JobUnwanted{entry.name});
  }
}

// Stores what the job is to be, then begins it; `then` is told whether it was stored, and chooses
// the run's entry.
void store_and_begin(CoordinatorSelf self, JobRun& run, const CatalogJob& entry,
                     std::function<void(JobRun&, const Status&)> then) {
  set_state(run, RunState::preparing, "goes on with another parallelism");
  keep_room(self, run, entry);
  store_entry(
      self, entry,
      [self, job = entry.name, life = run.life, then = std::move(then)](const Status& status) {
        JobRun* found = find_run(self, job, life);
        if (found == nullptr) return;
        then(*found, status);
        begin_job(self, *found, false);
      });
}

// Durable from here on: a coordinator that takes over begins at the new parallelism.
void go_on(CoordinatorSelf self, JobRun& run, const Rescale& rescale) {
  store_and_begin(self, run, rescale.target, [self, rescale](JobRun& found, const Status& status) {
    found.rescale.reset();
    if (!status.is_ok()) {
      self->state.operations->fail(rescale.operation, status, unix_now());
      note(found, "warning", "rescale",
           "goes on as before, since the change could not be stored: " + status.message());
      return;
    }
    Rescale begun = rescale;
    begun.before = std::exchange(found.entry, rescale.target);
    found.rescale = std::move(begun);
    found.operations[rescale.operation] = "rescale";
    note(found, "info", "rescale", "goes on with " + replicas(rescale.parallelism));
  });
}

// The failure was told to who asked for the change.
void go_back(CoordinatorSelf self, JobRun& run, CatalogJob entry, const Status& why) {
  entry.revision = run.entry.revision + 1;
  entry.from.clear();  // it was gone back to once
  note(run, "warning", "rescale",
       "goes back to the parallelism before, since it could not begin: " + why.message());
  run.rescale.reset();
  store_and_begin(self, run, entry, [entry](JobRun& found, const Status& status) {
    found.entry = entry;
    if (!status.is_ok())
      note(found, "warning", "rescale", "that is not stored: " + status.message());
  });
}

}  // namespace

Result<std::string> rescale_run(CoordinatorSelf self, JobRun& run, std::uint32_t parallelism,
                                const std::string& client) {
  auto& operations = *self->state.operations;
  if (run.is_ended()) {
    return Status(Code::conflict,
                  "job '" + run.entry.name + "' is " + control::to_string(run.state) +
                      ", and a job is rescaled while it runs",
                  "resume it first");
  }
  if (run.rescale && run.rescale->parallelism == parallelism) return run.rescale->operation;
  if (run.rescale && !run.rescale->before)
    return busy(run, "is being rescaled to " + replicas(run.rescale->parallelism));
  if (run.next) return busy(run, "is being updated");
  if (run.state == RunState::stopping) return busy(run, "is being stopped");
  if (!run.rescale && run.spec.parallelism == parallelism) {
    MILLRACE_ASSIGN(const std::string id, operations.begin("rescale", run.entry.name, unix_now()));
    operations.succeed(id, "the job has " + replicas(parallelism) + " already", unix_now());
    return id;
  }
  MILLRACE_ASSIGN(CatalogJob target, change_entry(run, parallelism, client));
  MILLRACE_TRY(check_room(self, run, parallelism));
  MILLRACE_ASSIGN(const std::string id, operations.begin("rescale", run.entry.name, unix_now()));
  const std::string savepoint = std::string(kPassingSavepoints) + std::to_string(target.revision);
  run.rescale = Rescale{parallelism, id, std::move(target), {}};
  stop_run(self, run, savepoint);
  return id;
}

void drop_rescale(JobRun& run) {
  if (!run.rescale) return;
  run.operations[run.rescale->operation] = "rescale";
  run.rescale.reset();
}

bool will_continue(const JobRun& run, RunState ended) {
  if (!run.rescale) return false;
  return run.rescale->before ? ended == RunState::failed && !run.next : ended == RunState::stopped;
}

bool continue_rescale(CoordinatorSelf self, JobRun& run, RunState ended, const Status& why) {
  if (!run.rescale || !will_continue(run, ended)) return false;
  const Rescale rescale = *run.rescale;
  if (rescale.before) {
    go_back(self, run, *rescale.before, why);
  } else {
    go_on(self, run, rescale);
  }
  return true;
}

}  // namespace millrace
