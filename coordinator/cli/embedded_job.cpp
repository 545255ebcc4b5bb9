#include "coordinator/cli/embedded_job.hpp"

#include "coordinator/registry/stored_package.hpp"
#include "worker/training/job_planner.hpp"

namespace millrace {
namespace {

PlannerOptions planner_options(const RunOptions& options, const JobFolder& folder) {
  PlannerOptions planner;
  planner.base_folder = options.base_folder;
  planner.secrets = SecretsFolder(options.secrets_folder);
  planner.stored_where = "the state in " + folder.path().string();
  planner.conflict_hint =
      "run with --fresh to archive that state and begin anew, or give the job another name";
  return planner;
}

void take(PlannedJob planned, PreparedJob& prepared) {
  prepared.package = std::move(planned.package);
  for (auto& note : planned.notes) prepared.notes.push_back(std::move(note));
  prepared.warnings = std::move(planned.warnings);
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

  const auto planner = planner_options(options, *prepared.folder);
  auto stored = read_package(*prepared.store);
  if (stored.is_ok()) {
    MILLRACE_ASSIGN(PlannedJob planned, resume_job(std::move(stored).value(), spec, planner));
    take(std::move(planned), prepared);
    prepared.is_resumed = true;
    return prepared;
  }
  if (stored.status().code() != Code::not_found) return stored.status();
  MILLRACE_ASSIGN(PlannedJob planned, plan_job(spec, planner));
  take(std::move(planned), prepared);
  MILLRACE_ASSIGN(const PutOutcome put,
                  prepared.store->put_if_absent(kPackageName, prepared.package->encode()));
  if (put.existed) {
    return Status(Code::conflict, "another process has just started job '" + spec.name + "'",
                  "run it again: it will go on with that job's state");
  }
  return prepared;
}

}  // namespace millrace
