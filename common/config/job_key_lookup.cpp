#include "common/config/job_keys.hpp"

namespace millrace {
namespace {

template <typename Key>
const Key* find_in(const std::vector<Key>& keys, std::string_view path) {
  for (const auto& key : keys)
    if (key.path == path) return &key;
  return nullptr;
}

}  // namespace

const JobKey* find_job_key(std::string_view path) {
  return find_in(job_keys(), path);
}
const TransformKey* find_transform_key(std::string_view path) {
  return find_in(transform_keys(), path);
}

bool is_job_section(std::string_view path) {
  for (const auto& section : job_sections())
    if (!path.empty() && section.path == path) return true;
  return false;
}

std::vector<std::string> job_names_under(std::string_view section) {
  std::vector<std::string> names;
  if (section.empty()) names = {"version", "preprocess"};
  for (const auto& key : job_keys()) {
    std::string_view rest = key.path;
    if (!section.empty()) {
      if (!rest.starts_with(section) || rest.substr(section.size(), 1) != ".") continue;
      rest.remove_prefix(section.size() + 1);
    }
    const std::string name(rest.substr(0, rest.find('.')));
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  }
  return names;
}

}  // namespace millrace
