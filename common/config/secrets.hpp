// The secrets folder: one file for each secret that a job names as {secret: NAME}.
//
// Place: named by --secrets and held by whoever opens connections; a secret is read where it is
// used and never put into a job, a message, a log line or a Status. Reading is blocking; a value.
#pragma once

#include <filesystem>
#include <string>

#include "common/base/status.hpp"

namespace millrace {

class SecretsFolder {
 public:
  SecretsFolder() = default;  // there are no secrets
  explicit SecretsFolder(std::filesystem::path folder) : folder_(std::move(folder)) {}

  // The content of the file `name`, without one newline at its end. invalid_argument when `name` is
  // no plain file name, not_found when there is none, permission_denied when others than owner and
  // group can read it.
  Result<std::string> read(const std::string& name) const;

  const std::filesystem::path& path() const { return folder_; }

 private:
  std::filesystem::path folder_;
};

}  // namespace millrace
