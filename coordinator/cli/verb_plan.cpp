#include <fmt/format.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "common/config/job_file.hpp"
#include "coordinator/cli/cluster_verbs.hpp"
#include "coordinator/cli/control_documents.hpp"
#include "coordinator/cli/job_plan.hpp"
#include "coordinator/cli/state_folder.hpp"

namespace millrace::cli {
namespace {

// A rate limit of the job holds for all replicas together.
double rate_of(const JobPlan& plan) {
  const double all = plan.records_per_second * plan.spec.parallelism;
  const auto& limit = plan.spec.source.max_records_per_second;
  return limit ? std::min(all, *limit) : all;
}

std::string time_text(double seconds) {
  return seconds < 1.0 ? "less than a second" : "about " + duration_text(seconds);
}

std::uint64_t memory_of(const JobPlan& plan) {
  return plan.replica_bytes * plan.spec.parallelism + plan.shard_bytes;
}

nlohmann::ordered_json plan_json(const JobPlan& plan) {
  nlohmann::ordered_json document = {
      {"schema_version", 1},
      {"job", plan.spec.name},
      {"task", plan.task},
      {"features", plan.features},
      {"parameters", plan.parameters},
      {"parallelism", plan.spec.parallelism},
      {"splits", plan.splits},
      {"source_bytes", plan.source_bytes},
      {"records", plan.records},
      {"bytes_per_record", plan.bytes_per_record},
      {"measured_records", plan.measured_records},
      {"records_per_second", {{"replica", plan.records_per_second}, {"job", rate_of(plan)}}},
      {"memory_bytes",
       {{"replica", plan.replica_bytes}, {"shards", plan.shard_bytes}, {"job", memory_of(plan)}}},
      {"checkpoint_bytes", plan.checkpoint_bytes},
      {"notes", plan.notes},
      {"warnings", plan.warnings}};
  return document;
}

std::string plan_table(const JobPlan& plan, const std::string& file) {
  std::vector<std::vector<std::string>> rows;
  rows.push_back(
      {"stream", fmt::format("{}{}", counted(plan.splits, "split"),
                             plan.source_bytes == 0 ? "" : ", " + bytes_text(plan.source_bytes))});
  if (plan.records != 0) rows.push_back({"records", "about " + grouped(plan.records)});
  rows.push_back({"model", fmt::format("{}, {} features, {} parameters", plan.task, plan.features,
                                       grouped(plan.parameters))});
  const auto rate = rate_of(plan);
  if (rate > 0.0) {
    rows.push_back(
        {"rate", fmt::format("about {} records/s with {} on free cores ({} each, measured on {})",
                             grouped(static_cast<std::uint64_t>(rate)),
                             counted(plan.spec.parallelism, "replica"),
                             grouped(static_cast<std::uint64_t>(plan.records_per_second)),
                             counted(plan.measured_records, "record"))});
    if (plan.records != 0)
      rows.push_back({"time", time_text(static_cast<double>(plan.records) / rate)});
  }
  rows.push_back({"memory", fmt::format("{}: {} a replica, {} for the shards; parameters alone",
                                        bytes_text(memory_of(plan)), bytes_text(plan.replica_bytes),
                                        bytes_text(plan.shard_bytes))});
  rows.push_back(
      {"checkpoint",
       fmt::format(
           "about {} every {}", bytes_text(plan.checkpoint_bytes),
           duration_text(static_cast<double>(plan.spec.checkpoint.interval.count()) / 1000.0))});
  auto text = "job " + plan.spec.name + "\n" + aligned(rows, "  ");
  for (const auto& note : plan.notes) text += "  " + one_line(note) + "\n";
  return text + "next: millrace submit " + file + ", or millrace run " + file + "\n";
}

}  // namespace

int verb_plan(const PlanVerb& options, Output& output) {
  const auto spec = load_job(options.file, options.overrides);
  if (!spec.is_ok()) return output.fail(spec.status());
  const auto plan = plan_job(
      spec.value(), {.base_folder = std::filesystem::absolute(options.file).parent_path().string(),
                     .secrets_folder = secrets_folder(options.secrets)});
  if (!plan.is_ok()) return output.fail(plan.status());
  for (const auto& warning : plan.value().warnings)
    output.note(output.styled_error(Style::bad, "warning: ") + one_line(warning));
  if (output.is_table())
    output.print(plan_table(plan.value(), options.file));
  else
    output.print_document(plan_json(plan.value()));
  return kExitDone;
}

}  // namespace millrace::cli
