#include "common/net/reachability.hpp"

#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <string>

namespace millrace::net {
namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

Status unreachable(const std::string& why) {
  return {Code::unreachable, why};
}

class Socket {
 public:
  explicit Socket(const addrinfo& address)
      : descriptor_(::socket(address.ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) {}
  ~Socket() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  int descriptor() const { return descriptor_; }

 private:
  int descriptor_;
};

Status connect_once(const addrinfo& address, milliseconds timeout) {
  const Socket socket(address);
  if (::connect(socket.descriptor(), address.ai_addr, address.ai_addrlen) == 0) return {};
  if (errno != EINPROGRESS) return unreachable(std::strerror(errno));
  pollfd wait{socket.descriptor(), POLLOUT, 0};
  const auto ends_at = Clock::now() + timeout;
  int ready = 0;
  do {
    const auto left = std::chrono::duration_cast<milliseconds>(ends_at - Clock::now()).count();
    ready = ::poll(&wait, 1, static_cast<int>(std::max<long>(left, 0)));
  } while (ready < 0 && errno == EINTR);
  if (ready == 0) return unreachable("nobody answers");
  int error = 0;
  socklen_t size = sizeof error;
  ::getsockopt(socket.descriptor(), SOL_SOCKET, SO_ERROR, &error, &size);
  return error == 0 ? Status() : unreachable(std::strerror(error));
}

struct FreeAddresses {
  void operator()(addrinfo* list) const { ::freeaddrinfo(list); }
};

}  // namespace

Status check_reachable(const Endpoint& endpoint, milliseconds timeout) {
  addrinfo wanted{};
  wanted.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int failure =
      ::getaddrinfo(endpoint.host.c_str(), std::to_string(endpoint.port).c_str(), &wanted, &found);
  if (failure != 0)
    return unreachable(std::string("the name is not known: ") + gai_strerror(failure));
  const std::unique_ptr<addrinfo, FreeAddresses> addresses(found);
  const auto ends_at = Clock::now() + timeout;
  Status last = unreachable("it has no address");
  for (const addrinfo* address = found; address != nullptr; address = address->ai_next) {
    const auto left = std::chrono::duration_cast<milliseconds>(ends_at - Clock::now());
    last = connect_once(*address, left);
    if (last.is_ok() || left.count() <= 0) return last;
  }
  return last;
}

}  // namespace millrace::net
