#include <fmt/format.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "common/base/limits.hpp"
#include "common/config/job_file.hpp"
#include "coordinator/cli/progress.hpp"
#include "coordinator/cli/signals.hpp"
#include "coordinator/cli/state_folder.hpp"
#include "coordinator/cli/summary.hpp"
#include "coordinator/cli/verbs.hpp"

namespace millrace::cli {
namespace {

struct Job {
  JobSpec spec;
  std::string base_folder;
};

bool is_job_file(const std::string& target) {
  const auto ending = std::filesystem::path(target).extension();
  return ending == ".yaml" || ending == ".yml";
}

Result<Job> from_job_file(const RunVerb& options) {
  if (!options.label.empty())
    return Status(Code::invalid_argument,
                  "--label has no effect on a job file, which names its label itself",
                  "use --set schema.label=" + options.label);
  MILLRACE_ASSIGN(auto spec, load_job(options.target, options.overrides));
  return Job{.spec = std::move(spec),
             .base_folder = std::filesystem::absolute(options.target).parent_path().string()};
}

Result<Job> from_data(const RunVerb& options) {
  if (options.label.empty())
    return Status(
        Code::invalid_argument, options.target + ": which field is to be predicted?",
        "millrace run " + options.target + " --label FIELD, or name a job file that ends in .yaml");
  Job job;
  job.spec.name = job_name_from_path(options.target);
  // Absolute, so that the same data is the same job from wherever it is run.
  job.spec.source.path = resolve_source_path(options.target, "");
  job.spec.schema.label = options.label;
  MILLRACE_TRY(validate(job.spec));
  for (const auto& assignment : options.overrides)
    MILLRACE_TRY(apply_override(job.spec, assignment));
  return job;
}

Result<Job> build_job(const RunVerb& options, Output& output) {
  MILLRACE_ASSIGN(auto job,
                  is_job_file(options.target) ? from_job_file(options) : from_data(options));
  if (!options.workers) return job;
  if (*options.workers == 0 || *options.workers > limits::kReplicasMax)
    return Status(Code::invalid_argument,
                  fmt::format("--workers {} is out of range", *options.workers),
                  fmt::format("expected 1 to {}", limits::kReplicasMax));
  if (job.spec.parallelism != *options.workers && is_job_file(options.target))
    output.note(fmt::format("--workers {} overrides `parallelism: {}` of {}", *options.workers,
                            job.spec.parallelism, options.target));
  job.spec.parallelism = *options.workers;
  return job;
}

}  // namespace

int verb_run(const RunVerb& options, Output& output) {
  auto job = build_job(options, output);
  if (!job.is_ok()) return output.fail(job.status());
  RunOptions run;
  run.state_folder = state_folder(options.state);
  run.secrets_folder = secrets_folder(options.secrets);
  run.fresh = options.fresh;
  run.serve = options.serve;
  run.workers = options.workers;
  run.base_folder = job.value().base_folder;
  const auto& stop_signal = watch_signals();
  ProgressPrinter progress(output);
  const auto summary = run_embedded(job.value().spec, run, progress, stop_signal);
  if (!summary.is_ok()) return output.fail(summary.status());
  if (output.is_table())
    output.print(summary_table(summary.value(), state_flag(run.state_folder), output));
  else
    output.print_document(summary_json(summary.value()));
  return summary.value().state == "interrupted" ? kExitInterrupted : kExitDone;
}

}  // namespace millrace::cli
