// From a job that is wanted to one that a master leads: its store, what an earlier run fixed, what
// a worker finds at the head of its stream.
#include <algorithm>
#include <charconv>

#include "common/config/job_file.hpp"
#include "common/data/job_defaults.hpp"
#include "common/store/checkpoint_reader.hpp"
#include "coordinator/actors/checkpoint_keeper.hpp"
#include "coordinator/actors/coordinator_state.hpp"
#include "coordinator/actors/job_master.hpp"
#include "coordinator/core/job_memory.hpp"
#include "coordinator/registry/stored_package.hpp"

namespace millrace {
namespace {

// Before a store that did not answer is asked again.
constexpr std::chrono::seconds kStorePause{3};

bool may_pass(Code code) {
  return code == Code::unreachable || code == Code::timed_out || code == Code::io_error ||
         code == Code::resource_exhausted;
}
// What one worker cannot read another may.
bool may_hold_here_only(Code code) {
  return may_pass(code) || code == Code::not_found || code == Code::permission_denied;
}

// Null where the job has never run.
Result<JobPackagePtr> read_package(const JobStore& from) {
  MILLRACE_ASSIGN(const auto store, from.open());
  auto package = millrace::read_package(*store);
  if (package.status().code() == Code::not_found) return JobPackagePtr();
  MILLRACE_TRY(package.status());
  return std::make_shared<const JobPackage>(std::move(package).value());
}

// What is left of a job that has ended.
struct Remains {
  JobPackagePtr package;
  std::optional<Manifest> manifest;  // of the newest complete checkpoint
};

Result<Remains> read_remains(const JobStore& from) {
  Remains remains;
  MILLRACE_ASSIGN(remains.package, read_package(from));
  if (remains.package == nullptr) return remains;
  MILLRACE_ASSIGN(const auto store, from.open());
  MILLRACE_ASSIGN(const auto entries, CommitLogStore(*store).read_all());
  const auto cuts = complete_cuts(entries);
  if (cuts.empty()) return remains;
  MILLRACE_ASSIGN(remains.manifest, read_manifest(*store, cuts.back()));
  return remains;
}

// Stores the package of a new job, and opens what its master works with.
Result<std::shared_ptr<CheckpointKeeper>> open_keeper(const JobPackagePtr& package, bool is_new,
                                                      const SubmitJob& submit) {
  if (is_new) {
    MILLRACE_ASSIGN(const auto store, open_checkpoint_store(submit.store_url, submit.stores));
    const Bytes bytes = package->encode();
    MILLRACE_ASSIGN(const PutOutcome put, store->put_if_absent(kPackageName, bytes));
    if (put.existed) {
      MILLRACE_ASSIGN(const Bytes found, store->get(kPackageName));
      if (!std::ranges::equal(found, bytes)) {
        return Status(Code::conflict,
                      "another coordinator has just started a job in " + submit.store_url,
                      "give each coordinator a folder of its own with --checkpoints");
      }
    }
  }
  MILLRACE_ASSIGN(std::shared_ptr<CheckpointKeeper> keeper,
                  CheckpointKeeper::open(package, submit));
  return keeper;
}

// A former coordinator had it prepared: its stream was verified then, and only what may change
// while state is kept is taken from the job as it is wanted.
Result<JobPackagePtr> go_on_with(const JobPackage& stored, JobSpec wanted) {
  if (!wanted.source.csv.header) wanted.source.csv.header = stored.spec.source.csv.header;
  MILLRACE_TRY(resolve_defaults(wanted, stored.schema, MergeReach::hosts));
  const JobDifference difference = compare_jobs(stored.spec, wanted);
  if (!difference.fixed.empty()) {
    return Status(Code::conflict, "the stored state is of another job: " + difference.fixed.front(),
                  "submit it under another name");
  }
  auto package = std::make_shared<JobPackage>(stored);
  package->go_on_with(std::move(wanted));
  return JobPackagePtr(std::move(package));
}

// Where it was asked to begin. The revision tells one such request from the next.
std::optional<StartFrom> start_of(const CatalogJob& entry) {
  if (entry.from.empty()) return {};
  StartFrom from;
  std::uint64_t cut = 0;
  const char* end = entry.from.data() + entry.from.size();
  const auto read = std::from_chars(entry.from.data(), end, cut);
  if (read.ec == std::errc() && read.ptr == end) {
    from.cut = CutId(cut);
  } else {
    from.savepoint = entry.from;
  }
  from.request = "revision-" + std::to_string(entry.revision);
  return from;
}

void lead(CoordinatorSelf self, JobRun& run, const SubmitJob& submit,
          std::shared_ptr<CheckpointKeeper> keeper) {
  const JobPackage& package = *submit.job;
  const auto demand = estimate_demand(package.spec, package.schema, package.shards);
  if (!demand.is_ok()) return end_run(self, run, control::JobState::failed, demand.status());
  run.figures.set_package(submit.job);
  run.master = spawn_job_master(self->system(), submit, std::move(keeper));
  self->monitor(run.master);
  set_state(run, control::JobState::waiting, "");
  step_cluster(self, JobWanted{run.entry.name, demand.value(), run.is_recovered});
  if (run.entry.wanted == WantedState::stopped) stop_run(self, run);
  share_model(self, run);
}

void open_and_lead(CoordinatorSelf self, JobRun& run, const JobPackagePtr& package, bool is_new) {
  const std::string job = run.entry.name;
  const std::uint64_t life = run.life;
  const auto me = caf::actor_cast<coordinator_actor>(self->ctrl());
  const auto folder = self->state.options.state / job;
  SubmitJob submit;
  submit.job = package;
  submit.store_url = run.entry.store_url;
  submit.stores = self->state.options.stores;
  submit.models_folder = (folder / "models").string();
  submit.scratch_folder = (folder / "scratch" / "publish").string();
  submit.options = self->state.options.job;
  // What a former coordinator left running is looked for as long as its hosts are.
  if (run.is_recovered)
    submit.options.adoption_patience = self->state.options.cluster.adoption_patience;
  submit.from = start_of(run.entry);
  submit.watcher = [me, job, life](JobUpdate update) {
    caf::anon_send(me, JobNews{job, life, std::move(update)});
  };
  run_apart(
      self, [package, is_new, submit] { return open_keeper(package, is_new, submit); },
      [self, job, life, submit](Result<std::shared_ptr<CheckpointKeeper>> keeper) {
        JobRun* found = find_run(self, job, life);
        if (found == nullptr) return;
        if (!keeper.is_ok())
          return end_run(self, *found, control::JobState::failed, keeper.status());
        lead(self, *found, submit, std::move(keeper).value());
      });
}

void on_store_read(CoordinatorSelf self, JobRun& run, const Result<JobPackagePtr>& stored) {
  if (!stored.is_ok()) {
    if (!may_pass(stored.status().code()))
      return end_run(self, run, control::JobState::failed, stored.status());
    set_state(run, control::JobState::preparing, stored.status().message());
    run.retry_at = std::chrono::steady_clock::now() + kStorePause;
    return;
  }
  run.stored = stored.value();
  if (run.stored != nullptr && run.is_recovered) {
    const auto package = go_on_with(*run.stored, run.spec);
    if (!package.is_ok()) return end_run(self, run, control::JobState::failed, package.status());
    return open_and_lead(self, run, package.value(), false);
  }
  run.is_preparing = true;
  ask_to_prepare(self, run);
}

}  // namespace

void recall_job(CoordinatorSelf self, JobRun& run) {
  run_apart(
      self, [from = store_of(self, run)] { return read_remains(from); },
      [self, job = run.entry.name, life = run.life](const Result<Remains>& remains) {
        JobRun* found = find_run(self, job, life);
        if (found == nullptr) return;
        if (!remains.is_ok()) {
          return note(*found, "warning", "warning",
                      "its last figures cannot be read: " + remains.status().message());
        }
        if (remains.value().package != nullptr) found->figures.set_package(remains.value().package);
        if (remains.value().manifest) found->figures.take_stored(*remains.value().manifest);
      });
}

void begin_job(CoordinatorSelf self, JobRun& run, bool is_recovered) {
  ++run.life;
  run.is_recovered = is_recovered;
  run.is_preparing = false;
  run.preparer.reset();
  run.asked.clear();
  run.refusal = {};
  run.stored = nullptr;
  run.retry_at.reset();
  run.term = {};
  run.figures.clear_error();
  set_state(run, control::JobState::preparing, "");
  const CheckedJob checked = check_job(run.entry.yaml, run.entry.file_name, run.entry.overrides);
  if (!checked.is_valid()) return end_run(self, run, control::JobState::failed, checked.status());
  run.spec = checked.spec;
  run.spec.name = run.entry.name;
  run_apart(
      self, [from = store_of(self, run)] { return read_package(from); },
      [self, job = run.entry.name, life = run.life](const Result<JobPackagePtr>& stored) {
        JobRun* found = find_run(self, job, life);
        if (found != nullptr) on_store_read(self, *found, stored);
      });
}

void ask_to_prepare(CoordinatorSelf self, JobRun& run) {
  auto& state = self->state;
  run.preparer.reset();
  for (const WorkerId worker : state.cluster->trainers()) {
    const auto host = state.hosts.find(worker);
    if (run.asked.contains(worker) || host == state.hosts.end() || !host->second.handle) continue;
    run.preparer = worker;
    run.prepare_request = state.next_request++;
    set_state(run, control::JobState::preparing,
              "worker '" + host->second.outline.name + "' reads the head of its stream");
    self->send(host->second.handle, PrepareJob{run.prepare_request, run.spec, "", run.stored});
    return;
  }
  if (!run.refusal.is_ok()) return end_run(self, run, control::JobState::failed, run.refusal);
  set_state(run, control::JobState::waiting, "needs a worker that trains, to read its source");
}

void on_prepared(CoordinatorSelf self, const JobPrepared& prepared) {
  for (auto& [name, run] : self->state.runs) {
    const bool is_meant = run.is_preparing && run.preparer == prepared.worker &&
                          run.prepare_request == prepared.request;
    if (!is_meant) continue;
    for (const auto& text : prepared.notes) note(run, "info", "note", text);
    for (const auto& text : prepared.warnings) note(run, "warning", "warning", text);
    if (prepared.status.is_ok()) {
      run.is_preparing = false;
      run.preparer.reset();
      return open_and_lead(self, run, prepared.package, run.stored == nullptr);
    }
    if (!may_hold_here_only(prepared.status.code()))
      return end_run(self, run, control::JobState::failed, prepared.status);
    note(run, "warning", "warning",
         "worker '" + host_name(self, prepared.worker) +
             "' cannot read its source: " + prepared.status.message());
    run.asked.insert(prepared.worker);
    run.refusal = prepared.status;
    return ask_to_prepare(self, run);
  }
}

}  // namespace millrace
