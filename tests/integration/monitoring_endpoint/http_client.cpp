#include "tests/integration/monitoring_endpoint/http_client.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <boost/test/unit_test.hpp>
#include <cerrno>
#include <utility>

namespace millrace::test {

HttpClient::HttpClient(std::uint16_t port)
    : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  BOOST_REQUIRE(socket_ >= 0);
  const timeval patience = {.tv_sec = 20, .tv_usec = 0};
  BOOST_REQUIRE(::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) == 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  BOOST_REQUIRE(::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0);
}

HttpClient::~HttpClient() {
  if (socket_ >= 0) ::close(socket_);
}

HttpClient::HttpClient(HttpClient&& other) noexcept : socket_(std::exchange(other.socket_, -1)) {}

bool HttpClient::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

std::string HttpClient::receive_all() {
  std::string all;
  std::array<char, 64 * 1024> buffer{};
  for (;;) {
    const ssize_t received = ::recv(socket_, buffer.data(), buffer.size(), 0);
    BOOST_REQUIRE_MESSAGE(received >= 0 || errno == ECONNRESET, "the server does not close");
    if (received <= 0) return all;
    all.append(buffer.data(), static_cast<std::size_t>(received));
  }
}

HttpReply HttpClient::receive() {
  const std::string all = receive_all();
  HttpReply reply;
  const auto end = all.find("\r\n\r\n");
  if (end == all.npos) return reply;
  BOOST_REQUIRE(all.starts_with("HTTP/1.1 "));
  reply.status = std::stoi(all.substr(9, 3));
  reply.headers = all.substr(0, end + 2);
  reply.body = all.substr(end + 4);
  return reply;
}

bool HttpClient::is_closed_unanswered() {
  return receive_all().empty();
}

HttpReply get(std::uint16_t port, const std::string& path) {
  HttpClient client(port);
  BOOST_REQUIRE(client.send("GET " + path + " HTTP/1.1\r\nHost: localhost\r\n\r\n"));
  return client.receive();
}

}  // namespace millrace::test
