#include "common/store/disk.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

namespace millrace {
namespace {

class PosixDisk final : public Disk {
 public:
  int open(const std::string& path, int flags, mode_t mode) override {
    return ::open(path.c_str(), flags | O_CLOEXEC, mode);
  }
  ssize_t write(int file, const void* bytes, std::size_t count) override {
    return ::write(file, bytes, count);
  }
  int fsync(int file) override { return ::fsync(file); }
  int close(int file) override { return ::close(file); }
  int link(const std::string& from, const std::string& to) override {
    return ::link(from.c_str(), to.c_str());
  }
  int rename(const std::string& from, const std::string& to) override {
    return std::rename(from.c_str(), to.c_str());
  }
  int unlink(const std::string& path) override { return ::unlink(path.c_str()); }
  int mkdir(const std::string& path, mode_t mode) override { return ::mkdir(path.c_str(), mode); }
};

struct Advice {
  Code code;
  const char* hint;
};

Advice advice_for(int error_number) {
  switch (error_number) {
    case ENOSPC:
    case EDQUOT:
      return {
          Code::resource_exhausted,
          "make room on that disk or name a folder on another one; what was complete is intact"};
    case EMFILE:
    case ENFILE:
      return {Code::resource_exhausted, "raise the limit of open files (ulimit -n)"};
    case ENOMEM:
      return {Code::resource_exhausted, "free memory"};
    case EACCES:
    case EPERM:
    case EROFS:
      return {Code::permission_denied,
              "give this user the right to write there, or name another folder"};
    case ENOENT:
      return {Code::not_found, "check the path"};
    case ENOTDIR:
      return {Code::invalid_argument, "a part of the path is a file; name a folder"};
    case ENAMETOOLONG:
      return {Code::invalid_argument, "use a shorter path"};
    default:
      return {Code::io_error, "check the disk (the kernel's log says more) before going on"};
  }
}

}  // namespace

Disk& posix_disk() {
  static PosixDisk disk;
  return disk;
}

Status disk_error(const std::string& action, const std::string& path, int error_number) {
  const auto advice = advice_for(error_number);
  return Status(advice.code, "cannot " + action + " " + path + ": " + std::strerror(error_number),
                advice.hint);
}

Status sync_folder(Disk& disk, const std::string& folder) {
  const int file = disk.open(folder, O_RDONLY | O_DIRECTORY, 0);
  if (file < 0) return disk_error("open folder", folder, errno);
  const int outcome = disk.fsync(file);
  const int error_number = errno;
  disk.close(file);
  // Also a full disk: which entries reached it is unknown, so this is never `try again`.
  if (outcome != 0) {
    return Status(Code::io_error,
                  "cannot make folder " + folder + " durable: " + std::strerror(error_number),
                  "check the disk (the kernel's log says more) before going on");
  }
  return Status();
}

Status make_folders(Disk& disk, const std::string& folder) {
  struct stat found {};
  if (::stat(folder.c_str(), &found) == 0) {
    if (S_ISDIR(found.st_mode)) return Status();
    return Status(Code::invalid_argument, folder + " exists and is not a folder",
                  "name a folder, or move that file away");
  }
  const auto parent = std::filesystem::path(folder).parent_path().string();
  if (!parent.empty() && parent != folder) MILLRACE_TRY(make_folders(disk, parent));
  if (disk.mkdir(folder, 0755) != 0) {
    if (errno == EEXIST) return Status();
    return disk_error("make folder", folder, errno);
  }
  return sync_folder(disk, parent.empty() ? "." : parent);
}

}  // namespace millrace
