#include "common/daemon/daemon_folder.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

namespace millrace {
namespace {

// No job can have this name, and a coordinator keeps folders named by jobs beside it.
constexpr const char* kLock = ".lock";

Status cannot_write(const std::filesystem::path& path, const std::error_code& error) {
  return {Code::permission_denied, "cannot write in " + path.string() + ": " + error.message(),
          "give this user the right to write there, or name another folder with --state"};
}

}  // namespace

Result<DaemonFolder> DaemonFolder::open(const std::string& state, security::NodeRole role) {
  const std::string program = to_string(role);
  const auto path = std::filesystem::path(state) / program;
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error) return cannot_write(path, error);
  const auto file = (path / kLock).string();
  const int lock = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (lock < 0) return cannot_write(path, {errno, std::system_category()});
  if (::flock(lock, LOCK_EX | LOCK_NB) == 0) return DaemonFolder(path, lock);
  ::close(lock);
  return Status(Code::conflict, path.string() + " is in use by another " + program,
                "stop it, or give every " + program + " on this machine its own --state");
}

Result<std::filesystem::path> DaemonFolder::make_empty(const std::string& name) const {
  const auto folder = path_ / name;
  std::error_code error;
  std::filesystem::remove_all(folder, error);
  if (!error) std::filesystem::create_directories(folder, error);
  if (error) return cannot_write(folder, error);
  return folder;
}

DaemonFolder::DaemonFolder(DaemonFolder&& other) noexcept
    : path_(std::move(other.path_)), lock_(std::exchange(other.lock_, -1)) {}

DaemonFolder::~DaemonFolder() {
  if (lock_ >= 0) ::close(lock_);
}

}  // namespace millrace
