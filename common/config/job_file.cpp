#include "common/config/job_file.hpp"

#include <fmt/format.h>

#include <fstream>

#include "common/base/limits.hpp"
#include "common/config/job_file_reader.hpp"

namespace millrace {

Status CheckedJob::status() const {
  if (problems.empty()) return {};
  std::string message;
  for (const auto& problem : problems) {
    message += message.empty() ? "" : "\n";
    message += file_name;
    if (problem.line != 0) message += fmt::format(":{}:{}", problem.line, problem.column);
    message += ": " + problem.key + (problem.key.empty() ? "" : ": ") + problem.message;
    if (!problem.hint.empty()) message += "; " + problem.hint;
  }
  if (problems.size() == kJobProblemsMax) message += "\nand perhaps more: these are the first ones";
  return {Code::invalid_argument, message, "`millrace docs job-file` lists every key"};
}

CheckedJob check_job(std::string_view yaml, const std::string& file_name,
                     std::span<const std::string> overrides) {
  return JobFileReader(file_name).read(yaml, overrides);
}

Result<JobSpec> parse_job(std::string_view yaml, const std::string& file_name,
                          std::span<const std::string> overrides) {
  auto checked = check_job(yaml, file_name, overrides);
  MILLRACE_TRY(checked.status());
  return std::move(checked.spec);
}

Result<CheckedJob> check_job_file(const std::filesystem::path& path,
                                  std::span<const std::string> overrides) {
  std::error_code error;
  if (!std::filesystem::exists(path, error))
    return Status(Code::not_found, "there is no job file " + path.string(),
                  "check the path; `millrace init DATA --label FIELD` writes one");
  if (std::filesystem::is_directory(path, error))
    return Status(Code::invalid_argument, path.string() + " is a folder, not a job file",
                  "name a file in it");
  std::ifstream file(path, std::ios::binary);
  // One byte more than is allowed, so that the reader sees that it is too long.
  std::string text(limits::kJobFileBytesMax + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (file.bad() || !(file.eof() || file.good()))
    return Status(Code::io_error, "cannot read the job file " + path.string(),
                  "check its permissions");
  const std::string_view content(text.data(), static_cast<std::size_t>(file.gcount()));
  return check_job(content, path.string(), overrides);
}

Result<JobSpec> load_job(const std::filesystem::path& path,
                         std::span<const std::string> overrides) {
  MILLRACE_ASSIGN(auto checked, check_job_file(path, overrides));
  MILLRACE_TRY(checked.status());
  return std::move(checked.spec);
}

Status apply_override(JobSpec& spec, const std::string& assignment) {
  MILLRACE_ASSIGN(spec,
                  parse_job(print_job(spec), "--set " + assignment, std::span(&assignment, 1)));
  return {};
}

std::string resolve_source_path(const std::string& path, const std::filesystem::path& base_folder) {
  const std::filesystem::path given(path);
  if (path == "-" || given.is_absolute()) return path;
  std::error_code error;
  const auto absolute =
      std::filesystem::absolute(base_folder.empty() ? given : base_folder / given, error);
  return (error ? given : absolute.lexically_normal()).string();
}

std::string job_name_from_path(const std::filesystem::path& path) {
  std::string name = path.filename().string();
  for (const char* ending : {".gz", ".zst", ".csv", ".yaml", ".yml"})
    if (name.size() > std::string_view(ending).size() && name.ends_with(ending))
      name.erase(name.size() - std::string_view(ending).size());
  for (auto& c : name)
    if (!std::isalnum(static_cast<unsigned char>(c)) && c != '.' && c != '_' && c != '-') c = '-';
  const auto first = name.find_first_not_of(".-_");
  name.erase(0, first);
  return name.empty() ? "job" : name.substr(0, 100);
}

}  // namespace millrace
