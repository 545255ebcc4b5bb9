#include <filesystem>
#include <nlohmann/json.hpp>

#include "common/config/job_file.hpp"
#include "coordinator/cli/verbs.hpp"

namespace millrace::cli {
namespace {

// A job file may be written before its data is there, so this is no error yet.
std::string missing_data_warning(const JobSpec& spec, const std::string& job_file) {
  const auto& path = spec.source.path;
  if (spec.source.kind != SourceKind::file || path == "-" ||
      path.find_first_of("*?[") != std::string::npos)
    return {};
  const auto folder = std::filesystem::absolute(job_file).parent_path();
  const auto file = resolve_source_path(path, folder);
  std::error_code error;
  return std::filesystem::exists(file, error) ? ""
                                              : "source.path: there is no file " + file + " yet";
}

nlohmann::ordered_json as_json(const JobProblem& problem) {
  return {{"key", problem.key},
          {"line", problem.line},
          {"column", problem.column},
          {"message", problem.message},
          {"hint", problem.hint}};
}

}  // namespace

int verb_validate(const ValidateVerb& options, Output& output) {
  const auto checked = check_job_file(options.file, options.overrides);
  if (!checked.is_ok()) return output.fail(checked.status());
  const auto& job = checked.value();
  const auto warning = job.is_valid() ? missing_data_warning(job.spec, options.file) : "";
  if (!output.is_table()) {
    nlohmann::ordered_json document = {{"schema_version", 1},
                                       {"file", options.file},
                                       {"valid", job.is_valid()},
                                       {"job", job.spec.name}};
    document["problems"] = nlohmann::ordered_json::array();
    for (const auto& problem : job.problems) document["problems"].push_back(as_json(problem));
    document["warnings"] = nlohmann::ordered_json::array();
    if (!warning.empty()) document["warnings"].push_back(warning);
    output.print_document(document);
    return job.is_valid() ? kExitDone : kExitUsage;
  }
  if (!job.is_valid()) return output.fail(job.status());
  if (!warning.empty()) output.note(output.styled_error(Style::bad, "warning: ") + warning);
  output.print(options.file + ": valid, job " + job.spec.name + "\n");
  output.print("next: millrace run " + options.file + "\n");
  return kExitDone;
}

}  // namespace millrace::cli
