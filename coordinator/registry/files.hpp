// Durable files of a registry: created once, or replaced as a whole.
//
// Place: inside coordinator/registry. After `ok` the file and its name survive a crash; after an
// error the name leads to what it led to before, or to nothing.
#pragma once

#include <filesystem>

#include "common/base/bytes.hpp"
#include "common/base/status.hpp"
#include "common/store/disk.hpp"

namespace millrace {

// The first bytes of a file, at most `bytes_max`.
Result<Bytes> read_prefix(const std::filesystem::path& path, std::size_t bytes_max);
// The whole file; corrupted when it is larger than `bytes_max`.
Result<Bytes> read_file(const std::filesystem::path& path, std::size_t bytes_max);

// Temporary file, fsync, link under the name, fsync of the folder. conflict when the name exists.
Status create_file(Disk& disk, const std::filesystem::path& path, ByteView bytes);
// Temporary file, fsync, rename over the name, fsync of the folder.
Status replace_file(Disk& disk, const std::filesystem::path& path, ByteView bytes);
// Removes the temporary files that an interrupted write left in the folder.
void remove_temporaries(Disk& disk, const std::filesystem::path& folder);

// Held (flock) while it lives; the kernel releases it however the process ends.
class FolderLock {
 public:
  // Waits for a process that holds it: it does so for one write at a time.
  static Result<FolderLock> take(const std::filesystem::path& folder);
  ~FolderLock();
  FolderLock(FolderLock&& other) noexcept;
  FolderLock& operator=(FolderLock&&) = delete;

 private:
  explicit FolderLock(int file) : file_(file) {}
  int file_;
};

}  // namespace millrace
