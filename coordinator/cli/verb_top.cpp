#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <cmath>
#include <nlohmann/json.hpp>

#include "coordinator/cli/cluster_tables.hpp"
#include "coordinator/cli/cluster_verbs.hpp"
#include "coordinator/cli/control_documents.hpp"
#include "coordinator/cli/signals.hpp"

namespace millrace::cli {
namespace {

struct Overview {
  control::JobList jobs;
  control::WorkerList workers;
};

Result<Overview> ask(ControlClient& client) {
  Overview overview;
  MILLRACE_ASSIGN(overview.jobs, client.ask_for<control::JobList>(control::ListJobs{}));
  MILLRACE_ASSIGN(overview.workers, client.ask_for<control::WorkerList>(control::ListWorkers{}));
  return overview;
}

std::string text_of(const Overview& overview, const std::string& coordinator) {
  double rate = 0.0;
  std::uint64_t lag = 0;
  for (const auto& job : overview.jobs.jobs) {
    rate += job.records_per_second;
    lag += job.lag;
  }
  std::uint32_t slots = 0, used = 0;
  for (const auto& worker : overview.workers.workers) {
    slots += worker.slots;
    used += worker.slots_used;
  }
  return fmt::format("{}: {}, {}, {}/{} slots, {} records/s, lag {}\n\n{}", coordinator,
                     counted(overview.jobs.jobs.size(), "job"),
                     counted(overview.workers.workers.size(), "worker"), used, slots,
                     grouped(static_cast<std::uint64_t>(std::max(0.0, rate))), grouped(lag),
                     jobs_lines(overview.jobs));
}

nlohmann::ordered_json json_of(const Overview& overview) {
  auto document = document_of(overview.jobs);
  document["workers"] = document_of(overview.workers).at("workers");
  return document;
}

}  // namespace

int verb_top(const TopVerb& options, Output& output) {
  if (!std::isfinite(options.interval_s) || options.interval_s < 0.1 || options.interval_s > 3600)
    return output.fail({Code::invalid_argument,
                        fmt::format("--interval {} is out of range", options.interval_s),
                        "give seconds, 0.1 to 3600"});
  const bool is_refreshing = output.is_live() && isatty(STDOUT_FILENO) != 0;
  return with_client(options.connection, output, [&](ControlClient& client) -> Result<int> {
    const auto interval =
        std::chrono::milliseconds(static_cast<std::int64_t>(options.interval_s * 1000.0));
    while (true) {
      MILLRACE_ASSIGN(const auto overview, ask(client));
      if (!output.is_table()) {
        output.print_document(json_of(overview));
        return kExitDone;
      }
      const auto text = text_of(overview, client.endpoint().text());
      if (!is_refreshing) {
        output.print(text);
        return kExitDone;
      }
      // Home, the picture, and whatever was below it goes.
      output.print("\x1b[H\x1b[2J" + text + "\nCtrl-C ends it\n");
      if (!pause_unless_signalled(interval)) return kExitDone;
    }
  });
}

}  // namespace millrace::cli
