// The system calls that durable storage is made of, passed in so that tests can fail any one of
// them.
//
// Place: FileStore and JobFolder write through a Disk; production uses posix_disk(). Calls behave
// like the system calls they are named after: -1 and errno on failure. Threads: as the kernel's,
// any.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <string>

#include "common/base/status.hpp"

namespace millrace {

class Disk {
 public:
  virtual ~Disk() = default;
  virtual int open(const std::string& path, int flags, mode_t mode) = 0;
  virtual ssize_t write(int file, const void* bytes, std::size_t count) = 0;
  // Never repeated after a failure: the kernel forgets which pages it could not write.
  virtual int fsync(int file) = 0;
  virtual int close(int file) = 0;
  virtual int link(const std::string& from, const std::string& to) = 0;
  virtual int rename(const std::string& from, const std::string& to) = 0;
  virtual int unlink(const std::string& path) = 0;
  virtual int mkdir(const std::string& path, mode_t mode) = 0;
};

Disk& posix_disk();

// "cannot <action> <path>: <errno text>" with the code and hint that the error number calls for.
Status disk_error(const std::string& action, const std::string& path, int error_number);

// Makes the entries of a folder durable (fsync of the folder itself).
Status sync_folder(Disk& disk, const std::string& folder);
// mkdir -p in which every folder that was made is durable.
Status make_folders(Disk& disk, const std::string& folder);

}  // namespace millrace
