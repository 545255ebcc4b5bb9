// Reads, checks and writes job files: YAML of `version: 1` to a JobSpec and back.
//
// Place: the first thing that `run`, `validate` and `submit` do. Everything is driven by the table
// of job_keys.hpp: a key that is not in it is an error, never ignored. Pure but for `load_job`;
// thread-safe.
//
// Invariant: a JobSpec that came out without a problem passes `validate`, and print_job ->
// parse_job gives it back.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/status.hpp"
#include "common/config/job_spec.hpp"

namespace millrace {

// One thing wrong in a job file.
struct JobProblem {
  std::string key;  // "optimizer.learning_rate", "preprocess[1].impute"; empty: the file as a whole
  int line = 0;     // from 1; 0: not in the file (an override, or a key that is absent)
  int column = 0;
  std::string message;  // what is wrong
  std::string hint;     // what to write instead; may be empty
};

struct CheckedJob {
  JobSpec spec;
  std::string file_name;
  std::vector<JobProblem> problems;  // at most kJobProblemsMax, in order of line
  bool is_valid() const { return problems.empty(); }
  // ok, or invalid_argument with every problem on a line of its own, as "file:line:column: key:
  // message; hint".
  Status status() const;
};

inline constexpr std::size_t kJobProblemsMax = 20;  // beyond that a reader fixes and asks again

// `overrides` are "path.of.key=value" as given with --set; they win over the file. `file_name` is
// for messages and gives the job its name when the file has none.
CheckedJob check_job(std::string_view yaml, const std::string& file_name,
                     std::span<const std::string> overrides = {});
Result<JobSpec> parse_job(std::string_view yaml, const std::string& file_name,
                          std::span<const std::string> overrides = {});
// Reads the file; not_found when there is none. `source.path` stays as written: see
// resolve_source_path.
Result<CheckedJob> check_job_file(const std::filesystem::path& path,
                                  std::span<const std::string> overrides = {});
Result<JobSpec> load_job(const std::filesystem::path& path,
                         std::span<const std::string> overrides = {});
// One "path.of.key=value" on a job that is already built.
Status apply_override(JobSpec& spec, const std::string& assignment);

// Ranges and everything that holds between keys.
Status validate(const JobSpec& spec);
std::vector<JobProblem> find_problems(const JobSpec& spec);

// The path or glob of a file source, made absolute against the folder of the job file.
std::string resolve_source_path(const std::string& path, const std::filesystem::path& base_folder);
// A valid job name from a file's stem: other characters become '-'.
std::string job_name_from_path(const std::filesystem::path& path);

// YAML of what differs from the defaults; parses back to an equal JobSpec.
std::string print_job(const JobSpec& spec);
// The text of `millrace docs job-file`: every key with type, range, default and meaning.
std::string job_file_reference();
// JSON Schema (draft 2020-12) for editors, as text.
std::string job_file_json_schema();

// Decides whether stored state goes on with a changed job file.
struct JobDifference {
  std::vector<std::string> fixed;  // "model.kind: logistic -> mlp": state does not fit any more
  std::vector<std::string> adjustable;  // rates and intervals: the job goes on with the new value
  std::vector<std::string> rescaled;    // "parallelism: 2 -> 3": state is shared out anew
};
JobDifference compare_jobs(const JobSpec& before, const JobSpec& after);

// SHA-256 over the values of the keys that must not change while state is kept, and over all
// others.
struct JobFingerprint {
  std::string fixed;
  std::string adjustable;
};
JobFingerprint job_fingerprint(const JobSpec& spec);

}  // namespace millrace
