#include "common/observe/listener.hpp"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <memory>
#include <system_error>
#include <utility>

namespace millrace {
namespace {

// Connections that the kernel holds while the loop is busy.
constexpr int kBacklog = 128;

using AddressList = std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)>;

std::string shown(const ListenAddress& address) {
  return address.host + ":" + std::to_string(address.port);
}

Result<AddressList> resolve(const ListenAddress& address) {
  addrinfo hints = {};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  if (address.host == "*") hints.ai_family = AF_INET;
  const char* host = address.host == "*" ? nullptr : address.host.c_str();
  addrinfo* list = nullptr;
  const int error = ::getaddrinfo(host, std::to_string(address.port).c_str(), &hints, &list);
  if (error != 0) {
    return Status(Code::invalid_argument,
                  "cannot listen on " + shown(address) + ": " + ::gai_strerror(error),
                  "name an address of this machine, for instance 127.0.0.1");
  }
  return AddressList(list, &::freeaddrinfo);
}

bool is_loopback(const sockaddr& address) {
  if (address.sa_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(address);
    return (ntohl(v4.sin_addr.s_addr) >> 24) == 127;
  }
  if (address.sa_family == AF_INET6) {
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address);
    return IN6_IS_ADDR_LOOPBACK(&v6.sin6_addr) != 0;
  }
  return false;
}

Status cannot_listen(const ListenAddress& address, int error_number) {
  const std::string message =
      "cannot listen on " + shown(address) + ": " + std::system_category().message(error_number);
  if (error_number == EADDRINUSE) {
    return {Code::conflict, message, "choose another port, or stop who listens there"};
  }
  if (error_number == EACCES || error_number == EPERM) {
    return {Code::permission_denied, message, "choose a port above 1023"};
  }
  return {Code::invalid_argument, message, "name an address of this machine"};
}

// Where it listens, with the port that was chosen.
Status read_address(Listener& listener) {
  sockaddr_storage storage = {};
  socklen_t length = sizeof(storage);
  auto* address = reinterpret_cast<sockaddr*>(&storage);
  std::array<char, NI_MAXHOST> host{};
  std::array<char, NI_MAXSERV> port{};
  if (::getsockname(listener.socket.number(), address, &length) != 0 ||
      ::getnameinfo(address, length, host.data(), host.size(), port.data(), port.size(),
                    NI_NUMERICHOST | NI_NUMERICSERV) != 0) {
    return {Code::io_error, "cannot read the address of a listening socket"};
  }
  listener.host = host.data();
  if (storage.ss_family == AF_INET6) listener.host = "[" + listener.host + "]";
  listener.port = static_cast<std::uint16_t>(std::stoul(port.data()));
  return {};
}

}  // namespace

Descriptor::~Descriptor() {
  if (number_ >= 0) ::close(number_);
}

Descriptor::Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
  std::swap(number_, other.number_);
  return *this;
}

Result<Listener> listen_on(const ListenAddress& address) {
  MILLRACE_ASSIGN(const AddressList list, resolve(address));
  if (!is_loopback(*list->ai_addr) && !address.may_be_exposed) {
    return Status(Code::permission_denied,
                  "refusing to show metrics on " + shown(address) +
                      ": whoever reaches this machine could read the names and figures of its jobs",
                  "listen on 127.0.0.1, make keys with `millrace keygen`, or say --insecure where "
                  "the network itself is trusted");
  }
  Listener listener;
  listener.socket = Descriptor(
      ::socket(list->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, list->ai_protocol));
  const int socket = listener.socket.number();
  if (socket < 0) return cannot_listen(address, errno);
  const int yes = 1;
  // A restarted daemon listens again at once, where connections of the last one still fade.
  if (::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) != 0 ||
      ::bind(socket, list->ai_addr, list->ai_addrlen) != 0 || ::listen(socket, kBacklog) != 0) {
    return cannot_listen(address, errno);
  }
  MILLRACE_TRY(read_address(listener));
  return listener;
}

}  // namespace millrace
