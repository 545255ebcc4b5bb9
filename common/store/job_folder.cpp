#include "common/store/job_folder.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>

namespace millrace {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kJobNameBytesMax = 128;
constexpr const char* kStore = "checkpoints";
constexpr const char* kScratch = "scratch";

// The pid that the holder wrote into its lock file, for the message only.
std::string holder_of(int lock) {
  char text[32] = {};
  const auto count = ::pread(lock, text, sizeof text - 1, 0);
  const long pid = count > 0 ? std::strtol(text, nullptr, 10) : 0;
  return pid > 0 ? "process " + std::to_string(pid) : "another process";
}

Status take_lock(int lock, const std::string& job, const fs::path& path) {
  while (::flock(lock, LOCK_EX | LOCK_NB) != 0) {
    if (errno == EINTR) continue;
    if (errno != EWOULDBLOCK) return disk_error("lock", path.string(), errno);
    return Status(
        Code::conflict,
        "state of job '" + job + "' in " + path.string() + " is in use by " + holder_of(lock),
        "wait for it to end or stop it, or name another folder with --state");
  }
  return Status();
}

}  // namespace

Status check_job_name(const std::string& job) {
  const auto is_allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.';
  };
  if (!job.empty() && job.size() <= kJobNameBytesMax && job.front() != '.' &&
      std::all_of(job.begin(), job.end(), is_allowed)) {
    return Status();
  }
  return Status(Code::invalid_argument,
                "'" + job.substr(0, kJobNameBytesMax) + "' cannot name a job",
                "use letters, digits, '-', '_' and '.', at most 128, the first not a dot");
}

Result<std::unique_ptr<JobFolder>> JobFolder::open(const fs::path& state, const std::string& job,
                                                   Disk& disk) {
  MILLRACE_TRY(check_job_name(job));
  std::error_code error;
  const auto absolute = fs::absolute(state, error).lexically_normal();
  if (error) return disk_error("find folder", state.string(), error.value());
  const auto path = absolute / job;
  MILLRACE_TRY(make_folders(disk, absolute.string()).with_context("opening the state folder"));
  // Beside the folder, so that `fresh` can rename the folder and keep the lock.
  const auto lock_path = absolute / (job + ".lock");
  const int lock = disk.open(lock_path.string(), O_RDWR | O_CREAT, 0644);
  if (lock < 0) {
    return disk_error("write", lock_path.string(), errno).with_context("opening the state folder");
  }
  std::unique_ptr<JobFolder> folder(new JobFolder(path, lock, disk));
  MILLRACE_TRY(take_lock(lock, job, path));
  const auto pid = std::to_string(::getpid()) + "\n";
  // Only the message of a later conflict needs it: a full disk must not keep anyone from resuming.
  if (::ftruncate(lock, 0) == 0) (void)!::pwrite(lock, pid.data(), pid.size(), 0);
  MILLRACE_TRY(make_folders(disk, path.string()).with_context("opening the state folder"));
  return folder;
}

JobFolder::~JobFolder() {
  disk_.close(lock_);
}

bool JobFolder::has_state() const {
  std::error_code error;
  const auto log = path_ / kStore / "log";
  return fs::exists(log, error) && !fs::is_empty(log, error);
}

Result<std::optional<fs::path>> JobFolder::fresh() {
  std::error_code error;
  if (fs::is_empty(path_, error)) return std::optional<fs::path>();
  for (int n = 1;; ++n) {
    const fs::path archive = path_.string() + ".archived-" + std::to_string(n);
    if (fs::exists(fs::symlink_status(archive, error))) continue;
    if (disk_.rename(path_.string(), archive.string()) != 0) {
      return disk_error("archive " + path_.string() + " as", archive.string(), errno);
    }
    MILLRACE_TRY(sync_folder(disk_, path_.parent_path().string()));
    MILLRACE_TRY(make_folders(disk_, path_.string()));
    return std::optional<fs::path>(archive);
  }
}

Result<fs::path> JobFolder::scratch(const std::string& name) {
  MILLRACE_TRY(check_job_name(name));
  const auto folder = path_ / kScratch / name;
  std::error_code error;
  fs::remove_all(folder, error);
  if (error) return disk_error("empty", folder.string(), error.value());
  fs::create_directories(folder, error);
  if (error) return disk_error("make folder", folder.string(), error.value());
  return folder;
}

std::string JobFolder::store_url() const {
  return "file://" + (path_ / kStore).string();
}

}  // namespace millrace
