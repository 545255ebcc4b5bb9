// Another parallelism for a job that runs: a savepoint, the end of the run, and the next one.
//
// That it was asked for is durable before it is answered, and a coordinator that takes over asks
// itself again. The old parallelism stays the one to run with until the run has ended with its
// savepoint, and is it again where the new one cannot begin. What runs next goes on from the newest
// complete checkpoint, which is that savepoint, or an older one where that is damaged.
#include <algorithm>
#include <utility>

#include "common/config/job_file.hpp"
#include "common/observe/log.hpp"
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
  entry.rescale_to = 0;
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

// After a change whose storing failed, and may have taken all the same: a coordinator that takes
// over shall not begin what was refused.
void store_again(CoordinatorSelf self, const JobRun& run) {
  store_entry(self, run.entry, [job = run.entry.name](const Status& status) {
    if (!status.is_ok())
      log(LogLevel::error, "that job '" + job + "' is not rescaled is not stored", status);
  });
}

// Durable from here on: a coordinator that takes over begins at the new parallelism.
void go_on(CoordinatorSelf self, JobRun& run, const Rescale& rescale) {
  store_and_begin(self, run, rescale.target, [self, rescale](JobRun& found, const Status& status) {
    found.rescale.reset();
    if (!status.is_ok()) {
      found.entry.rescale_to = 0;
      store_again(self, found);
      self->state.operations->fail(rescale.operation, status, unix_now());
      note(found, "warning", "rescale",
           "goes on as before, since the change could not be stored: " + status.message());
      return;
    }
    Rescale begun = rescale;
    begun.before = std::exchange(found.entry, rescale.target);
    begun.before->rescale_to = 0;
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

// The savepoint that the run ends with is released by the job's log itself.
void drain(CoordinatorSelf self, JobRun& run, Rescale rescale) {
  const std::string savepoint =
      std::string(kPassingSavepoints) + std::to_string(rescale.target.revision);
  run.rescale_waits.clear();
  run.rescale = std::move(rescale);
  stop_run(self, run, savepoint);
}

Status check_state(const JobRun& run) {
  if (run.is_ended()) {
    return {Code::conflict,
            "job '" + run.entry.name + "' is " + control::to_string(run.state) +
                ", and a job is rescaled while it runs",
            "resume it first"};
  }
  if (run.rescale && !run.rescale->before)
    return busy(run, "is being rescaled to " + replicas(run.rescale->parallelism));
  if (run.next) return busy(run, "is being updated");
  if (run.state == RunState::stopping) return busy(run, "is being stopped");
  return {};
}

using Told = std::function<void(Result<std::string>)>;

// Stores which number is wanted; then `next`, where the job has not ended meanwhile.
void store_wish(CoordinatorSelf self, const CatalogJob& entry, const std::string& id,
                const Told& then, std::function<void(JobRun&)> next) {
  store_entry(self, entry,
              [self, job = entry.name, to = entry.rescale_to, id, then,
               next = std::move(next)](const Status& status) {
                auto& operations = *self->state.operations;
                JobRun* found = find_run(self, job);
                if (!status.is_ok()) {
                  if (found != nullptr) store_again(self, *found);
                  operations.fail(id, status, unix_now());
                  return then(status);
                }
                if (found == nullptr || found->is_ended()) {
                  operations.fail(id, {Code::conflict, "the job ended meanwhile"}, unix_now());
                  return then(id);
                }
                found->entry.rescale_to = to;
                next(*found);
                then(id);
              });
}

// It trains, or waits for slots that the other number may not need. What a former coordinator left
// running is found first.
bool may_drain(CoordinatorSelf self, const JobRun& run) {
  const bool is_stored = !self->state.storing.contains(run.entry.name);
  const auto job = self->state.cluster->jobs().find(run.entry.name);
  if (!is_stored || !run.master || job == self->state.cluster->jobs().end()) return false;
  const bool waits = run.state == RunState::waiting && !job->second.adopts_until;
  return run.state == RunState::running || waits;
}

}  // namespace

void rescale_run(CoordinatorSelf self, JobRun& run, std::uint32_t parallelism,
                 const std::string& client, const Told& then) {
  if (!run.is_ended() && run.rescale && run.rescale->parallelism == parallelism)
    return then(run.rescale->operation);
  if (const Status status = check_state(run); !status.is_ok()) return then(status);
  const bool has_it = !run.rescale && run.spec.parallelism == parallelism;
  auto target = change_entry(run, parallelism, client);
  if (!target.is_ok()) return then(target.status());
  const Status room = has_it ? Status() : check_room(self, run, parallelism);
  if (!room.is_ok()) return then(room);
  const auto id = self->state.operations->begin("rescale", run.entry.name, unix_now());
  if (!id.is_ok()) return then(id.status());
  CatalogJob entry = run.entry;
  entry.rescale_to = has_it ? 0 : parallelism;
  if (has_it) {
    return store_wish(self, entry, id.value(), then, [=](JobRun&) {
      self->state.operations->succeed(
          id.value(), "the job has " + replicas(parallelism) + " already", unix_now());
    });
  }
  store_wish(self, entry, id.value(), then,
             [=, rescale = Rescale{parallelism, id.value(), std::move(target).value(), {}}](
                 JobRun& found) { drain(self, found, rescale); });
}

void resume_rescale(CoordinatorSelf self, JobRun& run) {
  const std::uint32_t parallelism = run.entry.rescale_to;
  const bool is_asked = parallelism != 0 && !run.rescale && !run.next;
  if (!is_asked || !may_drain(self, run)) return;
  auto target = change_entry(run, parallelism, run.entry.client);
  const Status room = target.is_ok() ? check_room(self, run, parallelism) : Status(target.status());
  if (!room.is_ok()) {
    if (run.rescale_waits == room.message()) return;
    run.rescale_waits = room.message();
    return note(run, "info", "rescale",
                "waits to be rescaled to " + replicas(parallelism) + ": " + room.message());
  }
  const auto id = self->state.operations->begin("rescale", run.entry.name, unix_now());
  if (!id.is_ok()) return;  // asked again
  note(run, "info", "rescale",
       "is rescaled to " + replicas(parallelism) + ", as a former coordinator was asked");
  drain(self, run, {parallelism, id.value(), std::move(target).value(), {}});
}

void drop_rescale(JobRun& run) {
  run.entry.rescale_to = 0;
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
