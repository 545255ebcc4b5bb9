#include "coordinator/cli/state_folder.hpp"

#include <cstdlib>
#include <filesystem>

namespace millrace::cli {
namespace {

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

}  // namespace

std::string state_folder(const std::string& given) {
  std::filesystem::path folder = given;
  if (folder.empty()) {
    if (const auto base = variable("XDG_STATE_HOME"); !base.empty())
      folder = std::filesystem::path(base) / "millrace";
    else if (const auto home = variable("HOME"); !home.empty())
      folder = std::filesystem::path(home) / ".local" / "state" / "millrace";
    else
      folder = "millrace-state";
  }
  std::error_code error;
  const auto absolute = std::filesystem::absolute(folder, error);
  return (error ? folder : absolute.lexically_normal()).string();
}

std::string secrets_folder(const std::string& given) {
  if (!given.empty()) return given;
  if (const auto base = variable("XDG_CONFIG_HOME"); !base.empty())
    return (std::filesystem::path(base) / "millrace" / "secrets").string();
  if (const auto home = variable("HOME"); !home.empty())
    return (std::filesystem::path(home) / ".config" / "millrace" / "secrets").string();
  return {};
}

std::string state_flag(const std::string& folder) {
  return state_folder(folder) == state_folder("") ? "" : " --state " + folder;
}

}  // namespace millrace::cli
