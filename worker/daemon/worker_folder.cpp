#include "worker/daemon/worker_folder.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace millrace {

Result<WorkerFolder> WorkerFolder::open(const std::string& state) {
  const auto path = std::filesystem::path(state) / "worker";
  std::error_code error;
  std::filesystem::create_directories(path / "scratch", error);
  const auto file = (path / "lock").string();
  const int lock =
      error ? -1 : ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (lock < 0) {
    return Status(Code::permission_denied,
                  "cannot write in " + path.string() + ": " +
                      (error ? error.message() : std::strerror(errno)),
                  "give this user the right to write there, or name another folder with --state");
  }
  if (::flock(lock, LOCK_EX | LOCK_NB) == 0) {
    // What a life that was killed has left.
    std::filesystem::remove_all(path / "scratch", error);
    std::filesystem::create_directories(path / "scratch", error);
    return WorkerFolder(path, lock);
  }
  ::close(lock);
  return Status(Code::conflict, path.string() + " is in use by another worker",
                "give every worker on this machine its own --state");
}

WorkerFolder::WorkerFolder(WorkerFolder&& other) noexcept
    : path_(std::move(other.path_)), lock_(std::exchange(other.lock_, -1)) {}

WorkerFolder::~WorkerFolder() {
  if (lock_ >= 0) ::close(lock_);
}

}  // namespace millrace
