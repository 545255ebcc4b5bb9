#include "coordinator/registry/files.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <utility>

namespace millrace {
namespace {

constexpr std::string_view kTemporary = ".tmp";

Status write_all(Disk& disk, int file, const std::string& path, ByteView bytes) {
  while (!bytes.empty()) {
    const auto written = disk.write(file, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return disk_error("write", path, errno);
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
  if (disk.fsync(file) != 0) return disk_error("fsync", path, errno);
  return {};
}

// Writes `<path>.<pid>.tmp` and makes its bytes durable.
Result<std::string> write_temporary(Disk& disk, const std::filesystem::path& path, ByteView bytes) {
  const std::string temporary =
      path.string() + "." + std::to_string(::getpid()) + std::string(kTemporary);
  const int file = disk.open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (file < 0) return disk_error("create", temporary, errno);
  Status status = write_all(disk, file, temporary, bytes);
  if (disk.close(file) != 0 && status.is_ok()) status = disk_error("close", temporary, errno);
  if (status.is_ok()) return temporary;
  disk.unlink(temporary);
  return status;
}

}  // namespace

Result<Bytes> read_prefix(const std::filesystem::path& path, std::size_t bytes_max) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return disk_error("read", path.string(), errno);
  std::error_code error;
  const auto size = std::filesystem::file_size(path, error);
  Bytes bytes(error ? 0 : std::min<std::uintmax_t>(size, bytes_max));
  std::size_t done = 0;
  Status status;
  while (done < bytes.size()) {
    const auto count = ::read(file, bytes.data() + done, bytes.size() - done);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) status = disk_error("read", path.string(), errno);
    if (count <= 0) break;
    done += static_cast<std::size_t>(count);
  }
  ::close(file);
  MILLRACE_TRY(status);
  bytes.resize(done);
  return bytes;
}

Result<Bytes> read_file(const std::filesystem::path& path, std::size_t bytes_max) {
  MILLRACE_ASSIGN(Bytes bytes, read_prefix(path, bytes_max + 1));
  if (bytes.size() <= bytes_max) return bytes;
  return Status(Code::corrupted,
                path.string() + " is larger than " + std::to_string(bytes_max) + " bytes");
}

Status create_file(Disk& disk, const std::filesystem::path& path, ByteView bytes) {
  MILLRACE_ASSIGN(const std::string temporary, write_temporary(disk, path, bytes));
  const int linked = disk.link(temporary, path.string());
  const int error = errno;
  disk.unlink(temporary);
  if (linked != 0 && error == EEXIST) {
    return {Code::conflict, path.string() + " exists", "a version is never rewritten"};
  }
  if (linked != 0) return disk_error("create", path.string(), error);
  return sync_folder(disk, path.parent_path().string());
}

Status replace_file(Disk& disk, const std::filesystem::path& path, ByteView bytes) {
  MILLRACE_ASSIGN(const std::string temporary, write_temporary(disk, path, bytes));
  if (disk.rename(temporary, path.string()) != 0) {
    const int error = errno;
    disk.unlink(temporary);
    return disk_error("replace", path.string(), error);
  }
  return sync_folder(disk, path.parent_path().string());
}

void remove_temporaries(Disk& disk, const std::filesystem::path& folder) {
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(folder, ignored)) {
    const std::string path = entry.path().string();
    if (path.ends_with(kTemporary)) disk.unlink(path);
  }
}

Result<FolderLock> FolderLock::take(const std::filesystem::path& folder) {
  const std::string path = (folder / ".lock").string();
  const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (file < 0) return disk_error("lock", path, errno);
  while (::flock(file, LOCK_EX) != 0) {
    if (errno == EINTR) continue;
    const Status status = disk_error("lock", path, errno);
    ::close(file);
    return status;
  }
  return FolderLock(file);
}

FolderLock::~FolderLock() {
  if (file_ >= 0) ::close(file_);
}

FolderLock::FolderLock(FolderLock&& other) noexcept : file_(std::exchange(other.file_, -1)) {}

}  // namespace millrace
