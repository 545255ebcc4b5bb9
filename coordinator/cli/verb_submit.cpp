#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <nlohmann/json.hpp>
#include <utility>

#include "common/base/limits.hpp"
#include "common/config/job_file.hpp"
#include "coordinator/cli/cluster_verbs.hpp"
#include "coordinator/cli/control_documents.hpp"
#include "coordinator/registry/files.hpp"

namespace millrace::cli {
namespace {

struct LocalJob {
  JobSpec spec;
  std::string yaml;
};

// Checked here first, so that what is wrong is told with its line before anything is sent.
Result<LocalJob> read_job(const std::string& file, const std::vector<std::string>& overrides) {
  MILLRACE_ASSIGN(auto spec, load_job(file, overrides));
  MILLRACE_ASSIGN(const Bytes bytes, read_file(file, limits::kJobFileBytesMax));
  return LocalJob{.spec = std::move(spec), .yaml = std::string(as_text(bytes))};
}

std::string file_name_of(const std::string& file) {
  return std::filesystem::path(file).filename().string();
}

// Waits until the job runs; one that ended is told as it ended. Who may start jobs but not look at
// them is told what became of the submit.
Result<int> await_running(ControlClient& client, const control::Submitted& submitted,
                          const FollowOptions& options, Output& output) {
  control::Operation operation;
  if (!submitted.operation.empty()) {
    operation.id = submitted.operation;
    operation.kind = "submit";
    operation.job = submitted.job;
    operation.state = control::OperationState::running;
    MILLRACE_ASSIGN(operation, follow(client, std::move(operation), options, output));
  }
  const auto found = client.ask_for<control::JobStatus>(control::GetStatus{.job = submitted.job});
  if (found.status().code() == Code::permission_denied && !operation.id.empty())
    return print_operation(operation, "", output);
  MILLRACE_TRY(found.status());
  const auto& status = found.value();
  if (status.state == control::JobState::failed)
    return Status(Code::job_failed,
                  "job " + status.name + " failed: " +
                      (status.last_error ? status.last_error->message : status.message),
                  status.last_error ? status.last_error->hint : "");
  if (!output.is_table())
    output.print_document(document_of(status));
  else
    output.print(fmt::format("job {} is {}, attempt {} on {}\nnext: millrace status {}\n",
                             status.name, control::to_string(status.state), status.attempt,
                             counted(status.workers.size(), "worker"), status.name));
  return kExitDone;
}

std::string outcome_text(const control::Submitted& submitted) {
  switch (submitted.outcome) {
    case control::SubmitOutcome::created:
      return "submitted";
    case control::SubmitOutcome::unchanged:
      return "is there already and was not changed";
    case control::SubmitOutcome::updated:
      return fmt::format("updated to revision {}", submitted.revision);
  }
  return "?";
}

nlohmann::ordered_json difference_json(const std::string& job, const JobDifference& difference) {
  return {{"schema_version", 1},
          {"job", job},
          {"is_same", difference.fixed.empty() && difference.adjustable.empty()},
          {"fixed", difference.fixed},
          {"adjustable", difference.adjustable}};
}

// What the file leaves open stays as it was chosen for the job that runs.
void take_open_parts(const JobSpec& running, JobSpec& offered) {
  if (!offered.preprocess) offered.preprocess = running.preprocess;
  if (!offered.model) offered.model = running.model;
  if (!offered.optimizer) offered.optimizer = running.optimizer;
  if (!offered.training) offered.training = running.training;
  if (!offered.merge) offered.merge = running.merge;
  if (offered.merge && running.merge) {
    if (!offered.merge->every) offered.merge->every = running.merge->every;
    if (!offered.merge->slots_every) offered.merge->slots_every = running.merge->slots_every;
    if (!offered.merge->precision) offered.merge->precision = running.merge->precision;
  }
  if (!offered.source.csv.header) offered.source.csv.header = running.source.csv.header;
}

Result<int> show_difference(ControlClient& client, LocalJob local, const JobDiffVerb& options,
                            Output& output) {
  const auto name = local.spec.name;
  MILLRACE_ASSIGN(const auto description,
                  client.ask_for<control::JobDescription>(control::DescribeJob{.job = name}));
  auto running = parse_job(description.job_file, "the running job");
  if (!running.is_ok()) return running.status();
  take_open_parts(running.value(), local.spec);
  auto difference = compare_jobs(running.value(), local.spec);
  std::ranges::move(std::exchange(difference.rescaled, {}),
                    std::back_inserter(difference.adjustable));
  const bool is_same = difference.fixed.empty() && difference.adjustable.empty();
  if (!output.is_table()) {
    output.print_document(difference_json(name, difference));
    return is_same ? kExitDone : kExitFailed;
  }
  if (is_same) {
    output.print("job " + name + " runs as " + options.file + " says\n");
    return kExitDone;
  }
  if (!difference.fixed.empty()) output.print("what its state depends on:\n");
  for (const auto& line : difference.fixed) output.print("  " + one_line(line) + "\n");
  if (!difference.adjustable.empty()) output.print("what it can go on with:\n");
  for (const auto& line : difference.adjustable) output.print("  " + one_line(line) + "\n");
  output.print(difference.fixed.empty()
                   ? "next: millrace submit " + options.file + " --update\n"
                   : "next: give the changed job another name, or delete this one first\n");
  return kExitFailed;
}

}  // namespace

int verb_submit(const SubmitVerb& options, Output& output) {
  auto job = read_job(options.file, options.overrides);
  if (!job.is_ok()) return output.fail(job.status());
  return with_client(options.connection, output, [&](ControlClient& client) -> Result<int> {
    control::Submit submit{.file_name = file_name_of(options.file),
                           .yaml = job.value().yaml,
                           .overrides = options.overrides,
                           .update = options.update,
                           .from = options.from};
    MILLRACE_ASSIGN(const auto submitted, client.ask_for<control::Submitted>(std::move(submit)));
    if (options.follow.is_awaited) {
      output.note("job " + submitted.job + " " + outcome_text(submitted));
      return await_running(client, submitted, options.follow, output);
    }
    if (!output.is_table()) {
      output.print_document(document_of(submitted));
      return kExitDone;
    }
    output.print(fmt::format("job {} {}\nnext: millrace status {}\n", submitted.job,
                             outcome_text(submitted), submitted.job));
    return kExitDone;
  });
}

int verb_job_diff(const JobDiffVerb& options, Output& output) {
  auto job = read_job(options.file, options.overrides);
  if (!job.is_ok()) return output.fail(job.status());
  return with_client(options.connection, output, [&](ControlClient& client) {
    return show_difference(client, std::move(job).value(), options, output);
  });
}

}  // namespace millrace::cli
