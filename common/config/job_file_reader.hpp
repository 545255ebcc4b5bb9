// Walks the YAML tree of a job file along the table of keys and fills a JobSpec.
//
// Place: private to common/config; one reader per file, one thread. yaml-cpp's exceptions end here.
#pragma once

#include <yaml-cpp/yaml.h>

#include <map>
#include <set>
#include <string>

#include "common/config/job_file.hpp"
#include "common/config/job_keys.hpp"

namespace millrace {

class JobFileReader {
 public:
  explicit JobFileReader(std::string file_name);

  CheckedJob read(std::string_view yaml, std::span<const std::string> overrides);

 private:
  bool load(std::string_view yaml);
  void apply(const std::string& assignment);
  void read_map(const YAML::Node& map, const std::string& section);
  void read_entry(const YAML::Node& name, const YAML::Node& value, const std::string& section);
  void read_version(const YAML::Node& value);
  void read_preprocess(const YAML::Node& list);
  void read_transform(const YAML::Node& step, std::size_t position);
  void read_options(const YAML::Node& options, const std::string& name, const std::string& where,
                    TransformSpec& transform);
  // Reads `value` as the key's type; reports and returns nothing when it does not fit.
  std::optional<JobValue> read_value(const KeyRules& rules, const YAML::Node& value,
                                     const std::string& path);
  std::optional<JobValue> read_scalar(const KeyRules& rules, const YAML::Node& value,
                                      const std::string& path);
  std::optional<JobValue> read_properties(const YAML::Node& map, const std::string& path);
  bool report_unsupported(const YAML::Node& name, const YAML::Node& value, const std::string& path);
  void report_unknown(const YAML::Node& name, const std::string& path, const std::string& section);
  void report_keys_without_effect();
  void report_semantic_problems();
  void report(const std::string& path, YAML::Mark mark, std::string message, std::string hint = {});
  YAML::Mark mark_of(const std::string& path) const;
  bool is_overridden(const std::string& path) const;

  CheckedJob result_;
  YAML::Node root_;
  std::map<std::string, YAML::Mark> given_;  // every key that the file or an override names
  std::set<std::string>
      broken_;  // keys already reported: no second complaint follows from the first
  std::set<std::string> overridden_;
};

}  // namespace millrace
