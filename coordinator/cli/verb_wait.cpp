#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <nlohmann/json.hpp>

#include "coordinator/cli/cluster_tables.hpp"
#include "coordinator/cli/cluster_verbs.hpp"
#include "coordinator/cli/control_documents.hpp"
#include "coordinator/cli/wait_condition.hpp"

namespace millrace::cli {
namespace {

using Clock = std::chrono::steady_clock;

std::string present(const std::vector<WaitCondition>& conditions,
                    const control::JobStatus& status) {
  std::string text;
  for (const auto& condition : conditions)
    if (!condition.holds(status)) text += (text.empty() ? "" : ", ") + condition.present(status);
  return text;
}

Result<int> wait_for(ControlClient& client, const WaitVerb& options,
                     const std::vector<WaitCondition>& conditions, Output& output) {
  const auto until = Clock::now() + std::chrono::duration_cast<Clock::duration>(
                                        std::chrono::duration<double>(options.timeout_s));
  const control::GetStatus question{.job = options.job};
  // A coordinator that cannot be reached at all is told at once.
  MILLRACE_ASSIGN(auto status, client.ask_for<control::JobStatus>(question));
  while (true) {
    if (std::ranges::all_of(conditions, [&](const auto& c) { return c.holds(status); })) {
      if (!output.is_table())
        output.print_document(document_of(status));
      else
        output.print(fmt::format("job {}: {}\n", status.name, options.conditions));
      return kExitDone;
    }
    const auto missing = present(conditions, status);
    if (is_out_of_reach(conditions, status))
      return Status(Code::job_failed,
                    fmt::format("job {} is {}, and {} will not come: {}", status.name,
                                control::to_string(status.state), options.conditions, missing),
                    "see `millrace status " + status.name + "`");
    if (Clock::now() >= until)
      return Status(Code::timed_out,
                    fmt::format("{} has not come within {} s: {}", options.conditions,
                                options.timeout_s, missing),
                    "the job goes on; wait longer with --timeout");
    if (output.is_live()) output.redraw(missing);
    if (!pause_unless_signalled(kAskInterval))
      return Status(Code::cancelled, "interrupted; job " + status.name + " goes on: " + missing);
    MILLRACE_ASSIGN(status, ask_patiently<control::JobStatus>(client, question, until, output));
  }
}

}  // namespace

int verb_wait(const WaitVerb& options, Output& output) {
  const auto conditions = parse_conditions(options.conditions);
  if (!conditions.is_ok()) return output.fail(conditions.status());
  if (!std::isfinite(options.timeout_s) || options.timeout_s <= 0.0 || options.timeout_s > 1e7)
    return output.fail({Code::invalid_argument,
                        fmt::format("--timeout {} is out of range", options.timeout_s),
                        "give seconds, above 0"});
  return with_client(options.connection, output, [&](ControlClient& client) {
    return wait_for(client, options, conditions.value(), output);
  });
}

}  // namespace millrace::cli
