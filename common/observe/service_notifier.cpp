#include "common/observe/service_notifier.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <system_error>

namespace millrace {
namespace {

constexpr std::size_t kTextBytesMax = 256;
constexpr char kHint[] = "leave NOTIFY_SOCKET and WATCHDOG_USEC to systemd, or unset them";

std::string variable(const char* name) {
  const char* text = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): before any thread
  return text == nullptr ? std::string() : std::string(text);
}

std::string reason(int error_number) {
  return std::system_category().message(error_number);
}

struct Address {
  sockaddr_un address = {};
  socklen_t length = 0;
};

Result<Address> address_of(const std::string& path) {
  Address result;
  const bool is_abstract = path.front() == '@';
  if (!is_abstract && path.front() != '/') {
    return Status(Code::invalid_argument,
                  "NOTIFY_SOCKET is '" + path.substr(0, kTextBytesMax) +
                      "', which is neither a path nor an abstract socket (@name)",
                  kHint);
  }
  // A path needs its final zero; an abstract name has none and begins with one.
  if (path.size() + (is_abstract ? 0 : 1) > sizeof(result.address.sun_path)) {
    return Status(Code::invalid_argument, "NOTIFY_SOCKET is longer than a socket's path may be",
                  kHint);
  }
  result.address.sun_family = AF_UNIX;
  std::memcpy(result.address.sun_path, path.data(), path.size());
  if (is_abstract) result.address.sun_path[0] = '\0';
  result.length =
      static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size() + (is_abstract ? 0 : 1));
  return result;
}

// One `STATUS=` line: whatever could end it becomes a blank.
std::string status_line(std::string_view text) {
  std::string line = "STATUS=";
  for (const char c : text.substr(0, kTextBytesMax)) {
    line += static_cast<unsigned char>(c) < ' ' ? ' ' : c;
  }
  return line;
}

Result<std::optional<std::chrono::microseconds>> read_watchdog(const ServiceEnvironment& from) {
  const std::string& text = from.watchdog_usec;
  if (text.empty()) return std::optional<std::chrono::microseconds>();
  if (!from.watchdog_pid.empty() && from.watchdog_pid != std::to_string(::getpid())) {
    return std::optional<std::chrono::microseconds>();  // it watches another process
  }
  std::int64_t usec = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), usec);
  if (error != std::errc{} || end != text.data() + text.size() || usec < 2) {
    return Status(Code::invalid_argument,
                  "WATCHDOG_USEC is '" + text.substr(0, kTextBytesMax) +
                      "', which is no number of microseconds",
                  kHint);
  }
  return std::optional(std::chrono::microseconds(usec / 2));
}

}  // namespace

ServiceEnvironment read_service_environment() {
  return {.notify_socket = variable("NOTIFY_SOCKET"),
          .watchdog_usec = variable("WATCHDOG_USEC"),
          .watchdog_pid = variable("WATCHDOG_PID")};
}

Result<ServiceNotifier> ServiceNotifier::open(const ServiceEnvironment& environment) {
  if (environment.notify_socket.empty()) return ServiceNotifier(-1);
  MILLRACE_ASSIGN(const Address to, address_of(environment.notify_socket));
  MILLRACE_ASSIGN(const auto watchdog, read_watchdog(environment));
  ServiceNotifier notifier(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (notifier.descriptor_ < 0) {
    return Status(Code::io_error, "no socket to the service manager: " + reason(errno),
                  "raise the limit of open files (ulimit -n)");
  }
  // sockaddr_un is what a sockaddr stands for here: the C interface has no other way.
  const auto* address = reinterpret_cast<const sockaddr*>(&to.address);
  if (::connect(notifier.descriptor_, address, to.length) != 0) {
    return Status(
        Code::unreachable,
        "nobody listens at NOTIFY_SOCKET=" + environment.notify_socket + ": " + reason(errno),
        kHint);
  }
  notifier.watchdog_interval_ = watchdog;
  return notifier;
}

ServiceNotifier::ServiceNotifier(ServiceNotifier&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)),
      watchdog_interval_(other.watchdog_interval_) {}

ServiceNotifier& ServiceNotifier::operator=(ServiceNotifier&& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  watchdog_interval_ = other.watchdog_interval_;
  return *this;
}

ServiceNotifier::~ServiceNotifier() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

Status ServiceNotifier::ready(std::string_view text) const {
  return send("READY=1\n" + status_line(text));
}

Status ServiceNotifier::stopping(std::string_view text) const {
  return send("STOPPING=1\n" + status_line(text));
}

Status ServiceNotifier::alive() const {
  return send("WATCHDOG=1");
}

Status ServiceNotifier::say(std::string_view text) const {
  return send(status_line(text));
}

Status ServiceNotifier::send(const std::string& lines) const {
  if (descriptor_ < 0) return {};
  // A full queue means a service manager that does not read: waiting for it would stop us too.
  if (::send(descriptor_, lines.data(), lines.size(), MSG_NOSIGNAL | MSG_DONTWAIT) < 0) {
    return {Code::unreachable, "the service manager does not take messages: " + reason(errno),
            "restart this service if systemd was restarted without it"};
  }
  return {};
}

}  // namespace millrace
