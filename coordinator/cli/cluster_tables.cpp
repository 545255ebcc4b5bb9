#include "coordinator/cli/cluster_tables.hpp"

#include <fmt/format.h>

#include <limits>

#include "coordinator/cli/control_documents.hpp"
#include "coordinator/cli/summary.hpp"

namespace millrace::cli {
namespace {

using Rows = std::vector<std::vector<std::string>>;

constexpr std::size_t kSplitsShown = 32;  // more do not fit a screen; documents have all

std::string rate_text(double per_second) {
  return grouped(static_cast<std::uint64_t>(std::max(0.0, per_second)));
}

template <typename T>
std::string listed(const std::vector<T>& values) {
  std::string text;
  for (const auto& value : values) {
    if (!text.empty()) text += ", ";
    if constexpr (std::is_arithmetic_v<T>)
      text += std::to_string(value);
    else
      text += one_line(value);
  }
  return text;
}

Style style_of(control::JobState state) {
  switch (state) {
    case control::JobState::running:
    case control::JobState::finished:
      return Style::good;
    case control::JobState::failed:
    case control::JobState::recovering:
      return Style::bad;
    default:
      return Style::plain;
  }
}

std::string splits_table(const std::vector<control::SplitStatus>& splits) {
  if (splits.empty()) return {};
  Rows rows = {{"split", "path", "offset", "lag", "replica", ""}};
  for (std::size_t i = 0; i < std::min(kSplitsShown, splits.size()); ++i) {
    const auto& split = splits[i];
    rows.push_back({std::to_string(split.id), one_line(split.path), grouped(split.offset),
                    grouped(split.lag), std::to_string(split.replica),
                    split.is_finished ? "finished" : ""});
  }
  auto text = "\n" + aligned(rows, "  ");
  if (splits.size() > kSplitsShown)
    text += fmt::format("  and {} more: --output json lists all\n", splits.size() - kSplitsShown);
  return text;
}

std::string placement_table(const std::vector<control::JobWorker>& workers) {
  if (workers.empty()) return {};
  Rows rows = {{"worker", "replicas", "shards"}};
  for (const auto& worker : workers)
    rows.push_back({one_line(worker.name), listed(worker.replicas), listed(worker.shards)});
  return "\n" + aligned(rows, "  ");
}

std::string recovery_text(const control::RecoveryStatus& recovery) {
  auto text = fmt::format("{}, the last at {} from cut {}", counted(recovery.count, "time"),
                          utc_text(recovery.last_at_ms), recovery.from_cut);
  if (recovery.last_seconds > 0.0) text += fmt::format(" took {:.1f} s", recovery.last_seconds);
  if (!recovery.reason.empty()) text += ": " + one_line(recovery.reason);
  return text;
}

std::string run_facts(const control::JobStatus& status) {
  Rows rows = {
      {"submitted",
       fmt::format("{}{}, revision {}", utc_text(status.submitted_at_ms),
                   status.submitted_by.empty() ? "" : " by " + one_line(status.submitted_by),
                   status.revision)},
      {"attempt", fmt::format("{} of term {}, {}", status.attempt, status.term,
                              counted(status.restarts, "restart"))}};
  if (status.recovery.count != 0) rows.push_back({"recovered", recovery_text(status.recovery)});
  if (!status.store_url.empty()) rows.push_back({"store", one_line(status.store_url)});
  for (const auto& endpoint : status.prediction_endpoints)
    rows.push_back({"served at", one_line(endpoint)});
  return aligned(rows, "  ");
}

std::string next_of(const control::JobStatus& status) {
  switch (status.state) {
    case control::JobState::failed:
      return "millrace events " + status.name;
    case control::JobState::stopped:
    case control::JobState::cancelled:
      return "millrace resume " + status.name;
    case control::JobState::waiting:
      return "millrace workers";
    default:
      return "millrace events " + status.name + ", millrace describe " + status.name;
  }
}

}  // namespace

std::string jobs_lines(const control::JobList& list) {
  Rows rows = {{"job", "state", "records", "records/s", "lag", "workers", "restarts", "metric",
                "version", ""}};
  for (const auto& job : list.jobs) {
    const auto metric =
        job.metric_value ? fmt::format("{} {:.4g}", one_line(job.metric), *job.metric_value) : "";
    rows.push_back({one_line(job.name), control::to_string(job.state), grouped(job.records),
                    rate_text(job.records_per_second), grouped(job.lag),
                    std::to_string(job.workers), std::to_string(job.restarts), metric,
                    job.version == 0 ? "" : fmt::format("v{}", job.version),
                    one_line(job.message)});
  }
  return aligned(rows);
}

std::string jobs_table(const control::JobList& list) {
  if (list.jobs.empty()) return "no jobs\nnext: millrace submit job.yaml\n";
  return jobs_lines(list) + "\nnext: millrace status " + list.jobs.front().name + "\n";
}

std::string status_table(const control::JobStatus& status, const Output& output) {
  const auto summary = summary_of(status);
  auto text = output.styled(Style::bold, "job " + status.name) + " " +
              output.styled(style_of(status.state), control::to_string(status.state)) +
              fmt::format(": {} in {} ({} records/s), lag {}", counted(status.records, "record"),
                          duration_text(status.seconds), rate_text(status.records_per_second),
                          grouped(status.lag));
  if (status.quarantined != 0) text += ", " + grouped(status.quarantined) + " quarantined";
  text += "\n";
  if (!status.message.empty()) text += "  " + one_line(status.message) + "\n";
  if (status.last_error) {
    text += output.styled(Style::bad, "  last error") +
            (status.last_error->at_ms != 0 ? " at " + utc_text(status.last_error->at_ms) : "") +
            ": " + one_line(status.last_error->message) + "\n";
    if (!status.last_error->hint.empty())
      text += "  try: " + one_line(status.last_error->hint) + "\n";
  }
  if (status.records != 0) text += "\n" + figures_table(summary);
  text += facts_table(summary) + run_facts(status) + placement_table(status.workers) +
          splits_table(status.splits) + remarks_text(summary, output);
  return text + "\nnext: " + next_of(status) + "\n";
}

std::string description_table(const control::JobDescription& description) {
  auto text =
      fmt::format("# job {}, revision {}, from {}; every key as it runs\n{}", description.name,
                  description.revision, one_line(description.file_name), description.job_file);
  Rows rows = {{"field", "role", "why"}};
  for (const auto& field : description.fields)
    rows.push_back({one_line(field.name), one_line(field.role), one_line(field.evidence)});
  if (rows.size() > 1) text += "\nschema, task " + description.task + ":\n" + aligned(rows, "  ");
  Rows facts = {{"shards", std::to_string(description.shards)}};
  if (!description.store_url.empty()) facts.push_back({"store", one_line(description.store_url)});
  text += "\n" + aligned(facts, "  ") + placement_table(description.workers) +
          splits_table(description.splits);
  return text + "\nnext: millrace status " + description.name + "\n";
}

std::string checkpoints_table(const control::CheckpointList& list, const std::string& job) {
  if (list.checkpoints.empty()) return "no checkpoints yet\nnext: millrace savepoint " + job + "\n";
  Rows rows = {{"cut", "savepoint", "taken", "records", "bytes", "seconds", "attempt", "version"}};
  for (const auto& row : list.checkpoints)
    rows.push_back({std::to_string(row.cut), one_line(row.name), utc_text(row.at_ms),
                    grouped(row.records), bytes_text(row.bytes), fmt::format("{:.3f}", row.seconds),
                    std::to_string(row.attempt),
                    row.version == 0 ? "" : fmt::format("v{}", row.version)});
  const auto& newest = list.checkpoints.back();
  return aligned(rows) + "\nnext: millrace resume " + job + " --from " +
         (newest.name.empty() ? std::to_string(newest.cut) : newest.name) +
         ", once it has stopped\n";
}

std::string workers_table(const control::WorkerList& list) {
  if (list.workers.empty())
    return "no workers have joined\nnext: start one with `millrace-worker --coordinator "
           "HOST:4700`\n";
  Rows rows = {{"worker", "state", "slots", "jobs", "memory", "roles", "address", "version"}};
  for (const auto& worker : list.workers)
    rows.push_back({one_line(worker.name), one_line(worker.state),
                    fmt::format("{}/{}", worker.slots_used, worker.slots), listed(worker.jobs),
                    bytes_text(worker.memory_bytes), listed(worker.roles), one_line(worker.address),
                    one_line(worker.version)});
  return aligned(rows) + "\nnext: millrace drain " + list.workers.front().name +
         " before it is taken away\n";
}

std::string event_line(const control::Event& event, const Output& output) {
  const auto style = event.severity == "error"     ? Style::bad
                     : event.severity == "warning" ? Style::bold
                                                   : Style::plain;
  return fmt::format("{}  {}  {}  {}", utc_text(event.at_ms),
                     output.styled(style, fmt::format("{:<7}", one_line(event.severity))),
                     one_line(event.kind), one_line(event.message));
}

}  // namespace millrace::cli
