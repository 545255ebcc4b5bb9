#include "common/net/zmtp_greeting.hpp"

#include <netdb.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>

namespace millrace::net {
namespace {

// Signature and version of ZMTP 3.1. A server answers these with all of its own greeting and waits
// for the rest of this one: it has no reason yet to cut the connection.
constexpr std::array<unsigned char, 12> kBeginning = {0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f, 3, 1};
constexpr std::size_t kMechanismAt = 12, kMechanismBytes = 20;

// Connected, or -1.
int connect_to(const Endpoint& endpoint, std::chrono::milliseconds patience) {
  addrinfo hints = {};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const auto port = std::to_string(endpoint.port);
  if (::getaddrinfo(endpoint.host.c_str(), port.c_str(), &hints, &found) != 0) return -1;
  int fd = -1;
  for (const auto* address = found; address != nullptr && fd < 0; address = address->ai_next) {
    fd = ::socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) continue;
    timeval wait = {};
    wait.tv_sec = patience.count() / 1000;
    wait.tv_usec = patience.count() % 1000 * 1000;
    ::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait));
    ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
    if (::connect(fd, address->ai_addr, address->ai_addrlen) == 0) break;
    ::close(fd);
    fd = -1;
  }
  ::freeaddrinfo(found);
  return fd;
}

}  // namespace

std::optional<std::string> ask_mechanism(const Endpoint& endpoint,
                                         std::chrono::milliseconds patience) {
  const int fd = connect_to(endpoint, patience);
  if (fd < 0) return {};
  std::array<char, kMechanismAt + kMechanismBytes> greeting = {};
  std::size_t size = 0;
  if (::send(fd, kBeginning.data(), kBeginning.size(), MSG_NOSIGNAL) ==
      static_cast<ssize_t>(kBeginning.size())) {
    while (size < greeting.size()) {
      const auto got = ::recv(fd, greeting.data() + size, greeting.size() - size, 0);
      if (got <= 0) break;
      size += static_cast<std::size_t>(got);
    }
  }
  ::close(fd);
  if (size != greeting.size()) return {};
  const std::string padded(greeting.data() + kMechanismAt, kMechanismBytes);
  return padded.substr(0, padded.find('\0'));
}

}  // namespace millrace::net
