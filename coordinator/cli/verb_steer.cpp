// stop, cancel, savepoint, resume, rescale, delete, drain: what takes a while and is followed by
// its operation.
#include <fmt/format.h>

#include <chrono>

#include "common/base/limits.hpp"
#include "coordinator/cli/cluster_verbs.hpp"
#include "coordinator/cli/control_documents.hpp"

namespace millrace::cli {
namespace {

int steer(const JobVerb& options, control::RequestKind what, const std::string& next,
          Output& output) {
  return with_client(options.connection, output, [&](ControlClient& client) -> Result<int> {
    MILLRACE_ASSIGN(auto operation, client.ask_for<control::Operation>(std::move(what)));
    MILLRACE_ASSIGN(operation, follow(client, std::move(operation), options.follow, output));
    return print_operation(operation, next, output);
  });
}

// Chosen here, so that asking again after a lost answer means the same savepoint.
std::string savepoint_name(const std::string& given) {
  if (!given.empty()) return given;
  const auto now = std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::system_clock::now().time_since_epoch());
  std::string name = "sp-";
  for (const char c : utc_text(static_cast<std::uint64_t>(now.count()))) {
    if (c == 'T') name += '-';
    if (c >= '0' && c <= '9') name += c;
  }
  return name + fmt::format("-{:03}", now.count() % 1000);
}

}  // namespace

int verb_job_delete(const JobVerb& options, Output& output) {
  return steer(options, control::DeleteJob{.job = options.job}, "", output);
}

int verb_stop(const JobVerb& options, Output& output) {
  return steer(options, control::StopJob{.job = options.job, .savepoint = options.word},
               "millrace resume " + options.job, output);
}

int verb_cancel(const JobVerb& options, Output& output) {
  return steer(options, control::CancelJob{.job = options.job}, "millrace resume " + options.job,
               output);
}

int verb_savepoint(const JobVerb& options, Output& output) {
  const auto name = savepoint_name(options.word);
  return steer(options, control::TakeSavepoint{.job = options.job, .name = name},
               "millrace resume " + options.job + " --from " + name + ", once it has stopped",
               output);
}

int verb_resume(const JobVerb& options, Output& output) {
  return steer(options, control::ResumeJob{.job = options.job, .from = options.word},
               "millrace status " + options.job, output);
}

int verb_rescale(const JobVerb& options, Output& output) {
  if (options.parallelism == 0 || options.parallelism > limits::kReplicasMax)
    return output.fail({Code::invalid_argument,
                        fmt::format("a parallelism of {} is out of range", options.parallelism),
                        fmt::format("expected 1 to {}", limits::kReplicasMax)});
  return steer(options, control::RescaleJob{.job = options.job, .parallelism = options.parallelism},
               "millrace status " + options.job, output);
}

int verb_drain(const JobVerb& options, Output& output) {
  return steer(options, control::DrainWorker{.worker = options.job}, "millrace workers", output);
}

int verb_operation(const JobVerb& options, Output& output) {
  return with_client(options.connection, output, [&](ControlClient& client) -> Result<int> {
    MILLRACE_ASSIGN(auto operation,
                    client.ask_for<control::Operation>(control::GetOperation{.id = options.job}));
    MILLRACE_ASSIGN(operation, follow(client, std::move(operation), options.follow, output));
    return print_operation(operation, "", output);
  });
}

}  // namespace millrace::cli
