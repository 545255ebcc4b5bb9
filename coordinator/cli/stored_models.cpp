#include "coordinator/cli/stored_models.hpp"

#include "common/config/nearest.hpp"

namespace millrace::cli {

Result<std::vector<StoredModel>> find_stored_models(const std::string& state,
                                                    const std::string& name) {
  std::vector<StoredModel> found;
  std::vector<std::string> names;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(state, error)) {
    const auto folder = registry_folder(state, entry.path().filename().string());
    std::error_code ignored;
    if (!std::filesystem::is_directory(folder, ignored)) continue;
    names.push_back(entry.path().filename().string());
    if (name.empty() || names.back() == name) found.push_back({names.back(), folder});
  }
  if (error && error != std::errc::no_such_file_or_directory)
    return Status(error == std::errc::permission_denied ? Code::permission_denied : Code::io_error,
                  "cannot read the state folder " + state + ": " + error.message(),
                  "name another with --state");
  if (!found.empty() || (name.empty() && !names.empty())) {
    std::sort(found.begin(), found.end(),
              [](const auto& a, const auto& b) { return a.name < b.name; });
    return found;
  }
  if (names.empty())
    return Status(Code::not_found, "no model is stored in " + state,
                  "train one with `millrace run`, or name another folder with --state");
  std::sort(names.begin(), names.end());
  return Status(Code::not_found, "there is no model '" + name + "' in " + state,
                suggestion(name, names));
}

}  // namespace millrace::cli
