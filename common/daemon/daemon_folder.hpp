// The folder in which one daemon writes, held by one process at a time: <state>/coordinator or
// <state>/worker.
//
// Place: made by a daemon's main before it reads anything there, and held to the end.
#pragma once

#include <filesystem>
#include <string>

#include "common/base/status.hpp"
#include "common/security/roles.hpp"

namespace millrace {

class DaemonFolder {
 public:
  // Makes what is missing. conflict when another process holds it.
  static Result<DaemonFolder> open(const std::string& state, security::NodeRole role);
  DaemonFolder(DaemonFolder&& other) noexcept;
  DaemonFolder& operator=(DaemonFolder&&) = delete;
  ~DaemonFolder();

  const std::filesystem::path& path() const { return path_; }
  // A folder in it without what another life of the process, which was killed, has left there.
  Result<std::filesystem::path> make_empty(const std::string& name) const;

 private:
  DaemonFolder(std::filesystem::path path, int lock) : path_(std::move(path)), lock_(lock) {}
  std::filesystem::path path_;
  int lock_ = -1;  // the kernel releases it however the process ends
};

}  // namespace millrace
