#include "common/security/key_folder.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <set>

#include "common/security/certificate.hpp"
#include "common/security/client_keys.hpp"
#include "common/security/key_layout.hpp"
#include "common/security/node_keys.hpp"
#include "common/security/shared_keys.hpp"

namespace millrace::security {
namespace {

// Two runs at once would each keep half of what the other makes.
class FolderHold {
 public:
  static Result<FolderHold> take(const std::string& folder) {
    FolderHold hold(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (hold.file_ < 0) return disk_error("open folder", folder, errno);
    while (::flock(hold.file_, LOCK_EX) != 0) {
      if (errno != EINTR) return disk_error("lock", folder, errno);
    }
    return hold;
  }
  ~FolderHold() {
    if (file_ >= 0) ::close(file_);
  }
  FolderHold(FolderHold&& other) noexcept : file_(std::exchange(other.file_, -1)) {}
  FolderHold& operator=(FolderHold&&) = delete;

 private:
  explicit FolderHold(int file) : file_(file) {}
  int file_;
};

Status check_options(const KeyFolderOptions& options) {
  if (options.folder.empty()) {
    return {Code::invalid_argument, "no folder is named", "name one: `millrace keygen keys`"};
  }
  if (options.days < kNodeDaysMin || options.days > kNodeDaysMax) {
    return {Code::invalid_argument,
            std::to_string(options.days.count()) + " days are not from " +
                std::to_string(kNodeDaysMin.count()) + " to " +
                std::to_string(kNodeDaysMax.count()),
            "a year is usual; a certificate that ends within a day is refused at start"};
  }
  std::set<std::string> named;
  const auto check = [&](const char* what, const std::string& name) -> Status {
    MILLRACE_TRY(check_name(what, name));
    if (named.insert(std::string(what) + " " + name).second) return {};
    return {Code::invalid_argument, std::string(what) + " " + name + " is named twice",
            "name it once"};
  };
  for (const auto& node : options.nodes) MILLRACE_TRY(check("node", node.name));
  for (const auto& client : options.clients) MILLRACE_TRY(check("client", client.id));
  return {};
}

// Absolute, and without the slash at the end that makes a folder its own parent.
std::filesystem::path plain_path(const std::string& folder) {
  std::error_code error;
  auto path = std::filesystem::absolute(folder, error).lexically_normal();
  return path.has_filename() ? path : path.parent_path();
}

}  // namespace

std::string server_public_file(NodeRole role) {
  return std::string(to_string(role)) + ".public";
}

const char* to_string(KeyFileState state) {
  switch (state) {
    case KeyFileState::made:
      return "made";
    case KeyFileState::renewed:
      return "renewed";
    case KeyFileState::kept:
      break;
  }
  return "kept";
}

Result<std::vector<KeyFile>> make_key_folder(Disk& disk, const KeyFolderOptions& options,
                                             std::chrono::sys_seconds now) {
  MILLRACE_TRY(check_options(options));
  const KeyLayout layout(plain_path(options.folder));
  KeyWriter writer(disk);
  MILLRACE_TRY(writer.make_folder(layout.root()));
  MILLRACE_ASSIGN(const FolderHold hold, FolderHold::take(layout.root()));
  for (const char* kind : {"ca", "servers", "nodes", "clients"}) {
    MILLRACE_TRY(writer.make_folder(layout.folder(kind)));
  }
  MILLRACE_TRY(writer.remove_temporaries(layout));
  const bool renews_all = options.renew && options.nodes.empty() && options.clients.empty();
  NodeKeys nodes(layout, options, now);
  ClientKeys clients(layout, options);
  MILLRACE_TRY(nodes.find(renews_all));
  MILLRACE_TRY(clients.find(renews_all));
  MILLRACE_TRY(nodes.check());
  MILLRACE_TRY(clients.check());
  SharedKeys shared(layout, writer, now, renews_all, nodes.has_certificates());
  MILLRACE_TRY(shared.complete());
  MILLRACE_TRY(nodes.make(writer, shared));
  MILLRACE_TRY(clients.make(writer, shared));
  return writer.listing(layout);
}

}  // namespace millrace::security
