#include "common/security/key_files.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "common/base/limits.hpp"

namespace millrace::security {
namespace {

constexpr std::size_t kSecretBytesMax = 64u << 10;  // a PEM key takes a few hundred

std::string octal(mode_t mode) {
  std::string text = "0000";
  for (std::size_t i = 4; i-- > 1; mode >>= 3) text[i] = static_cast<char>('0' + (mode & 7));
  return text;
}

// The descriptor of a file that is read, closed in the end.
class OpenFile {
 public:
  // Does not wait: a FIFO in the place of a key must not stop a start for ever.
  explicit OpenFile(const std::string& path)
      : file_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {}
  ~OpenFile() {
    if (file_ >= 0) ::close(file_);
  }
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;
  int descriptor() const { return file_; }

 private:
  int file_;
};

Status check_owner_and_mode(const std::string& path, const struct stat& found, mode_t mode_max) {
  if (!S_ISREG(found.st_mode)) {
    return {Code::invalid_argument, path + " is not a file", "name the folder that keygen made"};
  }
  if (found.st_uid != ::geteuid() && found.st_uid != 0) {
    return {Code::permission_denied,
            path + " belongs to user " + std::to_string(found.st_uid) +
                ", who could change it at any time",
            "chown it to the user that runs this process, or to root"};
  }
  const mode_t mode = found.st_mode & 07777;
  if ((mode & ~mode_max) == 0) return {};
  return {Code::permission_denied,
          path + " has mode " + octal(mode) + ", wider than " + octal(mode_max) +
              ((mode_max & 0044) == 0 ? ": others may have read it" : ": others can change it"),
          "chmod " + octal(mode & mode_max) + " " + path +
              ((mode_max & 0044) == 0 ? ", and renew it when somebody may have looked" : "")};
}

Result<Secret> read_checked(const std::string& path, mode_t mode_max, std::size_t bytes_max) {
  const OpenFile file(path);
  if (file.descriptor() < 0) return disk_error("read", path, errno);
  struct stat found {};
  if (::fstat(file.descriptor(), &found) != 0) return disk_error("read", path, errno);
  MILLRACE_TRY(check_owner_and_mode(path, found, mode_max));
  const auto size = static_cast<std::size_t>(found.st_size);
  if (size > bytes_max) {
    return Status(
        Code::resource_exhausted,
        path + " has " + std::to_string(size) + " bytes, more than " + std::to_string(bytes_max),
        "that is not a file of keygen: name the right folder");
  }
  Secret content(size);
  std::size_t done = 0;
  while (done < size) {
    const auto count = ::read(file.descriptor(), content.writable().data() + done, size - done);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return disk_error("read", path, errno);
    if (count == 0) {
      return Status(Code::io_error, path + " became shorter while it was read", "read it again");
    }
    done += static_cast<std::size_t>(count);
  }
  return content;
}

Status write_and_sync(Disk& disk, int file, const std::string& path, ByteView bytes) {
  while (!bytes.empty()) {
    const auto written = disk.write(file, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return disk_error("write", path, errno);
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
  if (disk.fsync(file) != 0) return disk_error("fsync", path, errno);
  return {};
}

}  // namespace

Result<Secret> read_secret_file(const std::string& path) {
  return read_checked(path, 0600, kSecretBytesMax);
}

Result<std::string> read_trusted_file(const std::string& path) {
  MILLRACE_ASSIGN(const Secret content, read_checked(path, 0644, limits::kPolicyBytesMax));
  return std::string(content.text());
}

Status make_private_folder(Disk& disk, const std::string& folder) {
  struct stat found {};
  if (::stat(folder.c_str(), &found) == 0) {
    if (!S_ISDIR(found.st_mode)) {
      return {Code::invalid_argument, folder + " exists and is not a folder",
              "name a folder, or move that file away"};
    }
    if ((found.st_mode & 0077) == 0) return {};
    return {Code::permission_denied,
            folder + " has mode " + octal(found.st_mode & 07777) + ": others can enter it",
            "chmod 0700 " + folder + ", or name another folder"};
  }
  const auto parent = std::filesystem::path(folder).parent_path().string();
  if (!parent.empty()) MILLRACE_TRY(make_folders(disk, parent));
  if (disk.mkdir(folder, 0700) != 0) {
    // Somebody else was faster: it is judged like any that exists.
    if (errno == EEXIST && ::stat(folder.c_str(), &found) == 0) {
      return make_private_folder(disk, folder);
    }
    return disk_error("make folder", folder, errno);
  }
  return sync_folder(disk, parent.empty() ? "." : parent);
}

Status write_private_file(Disk& disk, const std::string& path, ByteView bytes) {
  const std::string temporary = path + std::string(kTemporarySuffix);
  const int file = disk.open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
  if (file < 0) return disk_error("create", temporary, errno);
  Status status = write_and_sync(disk, file, temporary, bytes);
  if (disk.close(file) != 0 && status.is_ok()) status = disk_error("close", temporary, errno);
  if (status.is_ok() && disk.rename(temporary, path) != 0) {
    status = disk_error("rename to", path, errno);
  }
  if (!status.is_ok()) {
    disk.unlink(temporary);
    return status;
  }
  return sync_folder(disk, std::filesystem::path(path).parent_path().string());
}

}  // namespace millrace::security
