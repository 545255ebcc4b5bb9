// jobs, status, describe, checkpoints, workers: what there is.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "coordinator/cli/cluster_tables.hpp"
#include "coordinator/cli/cluster_verbs.hpp"
#include "coordinator/cli/control_documents.hpp"

namespace millrace::cli {
namespace {

// Asks, and prints the answer as a document or as `table(answer)`.
template <typename Answer, typename Table>
int show(const ConnectionFlags& connection, control::RequestKind what, Output& output,
         const Table& table) {
  return with_client(connection, output, [&](ControlClient& client) -> Result<int> {
    MILLRACE_ASSIGN(const auto answer, client.ask_for<Answer>(std::move(what)));
    if (output.is_table())
      output.print(table(answer));
    else
      output.print_document(document_of(answer));
    return kExitDone;
  });
}

}  // namespace

int verb_jobs(const ConnectionFlags& connection, Output& output) {
  return show<control::JobList>(connection, control::ListJobs{}, output,
                                [](const control::JobList& list) { return jobs_table(list); });
}

int verb_status(const JobVerb& options, Output& output) {
  return show<control::JobStatus>(
      options.connection, control::GetStatus{.job = options.job}, output,
      [&](const control::JobStatus& status) { return status_table(status, output); });
}

int verb_describe(const JobVerb& options, Output& output) {
  return show<control::JobDescription>(
      options.connection, control::DescribeJob{.job = options.job}, output,
      [](const control::JobDescription& description) { return description_table(description); });
}

int verb_checkpoints(const JobVerb& options, Output& output) {
  if (options.job.empty())
    return output.fail({Code::invalid_argument, "millrace checkpoints: which job's?",
                        "millrace checkpoints JOB, or millrace checkpoints verify"});
  return show<control::CheckpointList>(
      options.connection, control::ListCheckpoints{.job = options.job}, output,
      [&](const control::CheckpointList& list) { return checkpoints_table(list, options.job); });
}

int verb_workers(const ConnectionFlags& connection, Output& output) {
  return show<control::WorkerList>(
      connection, control::ListWorkers{}, output,
      [](const control::WorkerList& list) { return workers_table(list); });
}

}  // namespace millrace::cli
