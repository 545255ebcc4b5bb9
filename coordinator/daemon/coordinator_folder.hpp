// The folder in which one coordinator's process keeps what it knows, held by one process at a time.
//
// Place: made by main before the catalogue is opened. What is in it must outlive the process:
// jobs/ (the catalogue) and <job>/models (published versions).
#pragma once

#include <filesystem>
#include <string>

#include "common/base/status.hpp"

namespace millrace {

class CoordinatorFolder {
 public:
  // Makes what is missing. conflict when another process holds it.
  static Result<CoordinatorFolder> open(const std::string& state);
  CoordinatorFolder(CoordinatorFolder&& other) noexcept;
  CoordinatorFolder& operator=(CoordinatorFolder&&) = delete;
  ~CoordinatorFolder();

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path jobs() const { return path_ / "jobs"; }

 private:
  CoordinatorFolder(std::filesystem::path path, int lock) : path_(std::move(path)), lock_(lock) {}
  std::filesystem::path path_;
  int lock_ = -1;  // the kernel releases it however the process ends
};

}  // namespace millrace
