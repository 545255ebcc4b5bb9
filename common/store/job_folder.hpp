// A job's folder under --state, held by one process at a time.
//
// Place: opened first by `run` and `serve`, released last. <state>/<job>.lock is held (flock) while
// the object lives, so the kernel releases it however the process ends. <state>/<job>/checkpoints
// is the job's store, scratch/ is emptied at will. Nothing is ever deleted by `fresh`: the former
// folder is renamed to <job>.archived-<n>.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "common/base/status.hpp"
#include "common/store/disk.hpp"

namespace millrace {

class JobFolder {
 public:
  // Makes the folder when absent and takes its lock. conflict when another process holds it (with
  // its pid), permission_denied when it cannot be written, both with the path.
  static Result<std::unique_ptr<JobFolder>> open(const std::filesystem::path& state,
                                                 const std::string& job, Disk& disk = posix_disk());
  ~JobFolder();
  JobFolder(const JobFolder&) = delete;
  JobFolder& operator=(const JobFolder&) = delete;

  // Archives what is there and begins an empty folder. Returns where the former one went, if there
  // was any state.
  Result<std::optional<std::filesystem::path>> fresh();
  // An empty folder for a worker's RocksDB; what an earlier attempt left there is removed.
  Result<std::filesystem::path> scratch(const std::string& name);

  const std::filesystem::path& path() const { return path_; }
  std::string store_url() const;  // for open_checkpoint_store
  // Whether the job has left anything to resume from.
  bool has_state() const;

 private:
  JobFolder(std::filesystem::path path, int lock, Disk& disk)
      : path_(std::move(path)), lock_(lock), disk_(disk) {}

  std::filesystem::path path_;
  int lock_;
  Disk& disk_;
};

// Job names become folder names: letters, digits, '-', '_' and '.', not first a dot, at most 128
// bytes.
Status check_job_name(const std::string& job);

}  // namespace millrace
