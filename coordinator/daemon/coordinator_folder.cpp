#include "coordinator/daemon/coordinator_folder.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace millrace {

Result<CoordinatorFolder> CoordinatorFolder::open(const std::string& state) {
  const auto path = std::filesystem::path(state) / "coordinator";
  std::error_code error;
  std::filesystem::create_directories(path, error);
  const auto file = (path / "lock").string();
  const int lock =
      error ? -1 : ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (lock < 0) {
    return Status(Code::permission_denied,
                  "cannot write in " + path.string() + ": " +
                      (error ? error.message() : std::strerror(errno)),
                  "give this user the right to write there, or name another folder with --state");
  }
  if (::flock(lock, LOCK_EX | LOCK_NB) == 0) return CoordinatorFolder(path, lock);
  ::close(lock);
  return Status(Code::conflict, path.string() + " is in use by another coordinator",
                "stop it, or give this one its own --state");
}

CoordinatorFolder::CoordinatorFolder(CoordinatorFolder&& other) noexcept
    : path_(std::move(other.path_)), lock_(std::exchange(other.lock_, -1)) {}

CoordinatorFolder::~CoordinatorFolder() {
  if (lock_ >= 0) ::close(lock_);
}

}  // namespace millrace
