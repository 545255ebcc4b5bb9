#include "common/config/secrets.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstring>

namespace millrace {
namespace {

constexpr std::size_t kSecretBytesMax = 64u << 10;  // a chain of certificates takes a few KiB
constexpr std::size_t kNameBytesMax = 200;

bool is_plain_name(const std::string& name) {
  const auto is_safe = [](unsigned char c) {
    return std::isalnum(c) || c == '.' || c == '_' || c == '-';
  };
  return !name.empty() && name.size() <= kNameBytesMax && name[0] != '.' &&
         std::ranges::all_of(name, is_safe);
}

class OpenSecret {
 public:
  // Does not wait: a FIFO in its place must not stop a start for ever.
  explicit OpenSecret(const std::string& path)
      : file_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {}
  ~OpenSecret() {
    if (file_ >= 0) ::close(file_);
  }
  OpenSecret(const OpenSecret&) = delete;
  OpenSecret& operator=(const OpenSecret&) = delete;
  int descriptor() const { return file_; }

 private:
  int file_;
};

Result<std::string> read_all(int file, const std::string& path) {
  std::string text;
  std::array<char, 4096> buffer;
  for (;;) {
    const auto count = ::read(file, buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0)
      return Status(Code::io_error, "cannot read the secret " + path + ": " + std::strerror(errno));
    if (count == 0) return text;
    text.append(buffer.data(), static_cast<std::size_t>(count));
    if (text.size() > kSecretBytesMax)
      return Status(Code::invalid_argument, "the secret " + path + " is longer than 64 KiB");
  }
}

}  // namespace

Result<std::string> SecretsFolder::read(const std::string& name) const {
  if (!is_plain_name(name))
    return Status(Code::invalid_argument, "'" + name + "' cannot name a secret",
                  "a secret is named like its file: letters, digits, '.', '_' and '-'");
  if (folder_.empty())
    return Status(Code::not_found,
                  "the secret '" + name +
                      "' is asked for, and no secrets folder "
                      "is known",
                  "name the folder with --secrets");
  const auto path = (folder_ / name).string();
  const OpenSecret file(path);
  if (file.descriptor() < 0) {
    const int why = errno;
    return Status(why == ENOENT ? Code::not_found : Code::permission_denied,
                  "cannot open the secret " + path + ": " + std::strerror(why),
                  "write the secret into that file, with mode 0600, or name another folder with "
                  "--secrets");
  }
  struct stat found {};
  if (::fstat(file.descriptor(), &found) != 0 || !S_ISREG(found.st_mode))
    return Status(Code::invalid_argument, path + " is not a file", "a secret is a file of its own");
  // Secrets that Kubernetes mounts for a group are allowed; the rest of the world is not.
  if ((found.st_mode & 0007) != 0)
    return Status(Code::permission_denied, "everybody on this machine may use the secret " + path,
                  "chmod 0600 " + path + ", and renew it when somebody may have looked");
  MILLRACE_ASSIGN(std::string text, read_all(file.descriptor(), path));
  if (text.ends_with('\n')) text.pop_back();
  if (text.ends_with('\r')) text.pop_back();
  if (text.empty()) return Status(Code::invalid_argument, "the secret " + path + " is empty");
  return text;
}

}  // namespace millrace
