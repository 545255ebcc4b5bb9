// The folder in which one worker's process writes, held by one process at a time.
//
// Place: made by main; the worker host gets the scratch folder below it. Nothing in it outlives its
// process: what must is in the checkpoint store.
#pragma once

#include <filesystem>
#include <string>

#include "common/base/status.hpp"

namespace millrace {

class WorkerFolder {
 public:
  // Makes what is missing. conflict when another process holds it.
  static Result<WorkerFolder> open(const std::string& state);
  WorkerFolder(WorkerFolder&& other) noexcept;
  WorkerFolder& operator=(WorkerFolder&&) = delete;
  ~WorkerFolder();

  std::filesystem::path scratch() const { return path_ / "scratch"; }

 private:
  WorkerFolder(std::filesystem::path path, int lock) : path_(std::move(path)), lock_(lock) {}
  std::filesystem::path path_;
  int lock_ = -1;
};

}  // namespace millrace
