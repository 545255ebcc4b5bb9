#include "tests/support/http_stand_in.hpp"

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <stdexcept>

namespace millrace::test {
namespace {

constexpr int kPollMilliseconds = 50;
constexpr std::size_t kMessageBytesMax = 256u << 20;

sockaddr_in loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  return address;
}

bool send_all(int to, std::string_view bytes) {
  while (!bytes.empty()) {
    const auto sent = ::send(to, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

// Appends what comes next; false at the end of the connection.
bool receive(int from, std::string& bytes) {
  std::array<char, 65'536> buffer;
  const auto count = ::recv(from, buffer.data(), buffer.size(), 0);
  if (count <= 0 || bytes.size() > kMessageBytesMax) return false;
  bytes.append(buffer.data(), static_cast<std::size_t>(count));
  return true;
}

std::string lower(std::string text) {
  std::ranges::transform(text, text.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

void parse_head(HttpRequest& request) {
  const auto first = request.head.find("\r\n");
  const auto line = request.head.substr(0, first);
  const auto space = line.find(' ');
  request.method = line.substr(0, space);
  request.target = line.substr(space + 1, line.rfind(' ') - space - 1);
  auto at = first + 2;
  for (;;) {
    const auto end = request.head.find("\r\n", at);
    if (end == at || end == std::string::npos) return;
    const auto field = request.head.substr(at, end - at);
    const auto colon = field.find(':');
    const auto value = field.find_first_not_of(' ', colon + 1);
    request.headers[lower(field.substr(0, colon))] =
        value == std::string::npos ? "" : field.substr(value);
    at = end + 2;
  }
}

// False when the other side left before the request was whole.
bool read_request(int connection, HttpRequest& request) {
  std::string bytes;
  std::size_t end = std::string::npos;
  while ((end = bytes.find("\r\n\r\n")) == std::string::npos) {
    if (!receive(connection, bytes)) return false;
  }
  request.head = bytes.substr(0, end + 4);
  parse_head(request);
  request.body = bytes.substr(end + 4);
  const auto& headers = request.headers;
  const auto length = headers.contains("content-length")
                          ? static_cast<std::size_t>(std::stoull(headers.at("content-length")))
                          : 0;
  if (headers.contains("expect") && !send_all(connection, "HTTP/1.1 100 Continue\r\n\r\n"))
    return false;
  while (request.body.size() < length) {
    if (!receive(connection, request.body)) return false;
  }
  return true;
}

}  // namespace

StandInReply http_reply(int status, const std::string& body,
                        const std::vector<std::string>& headers) {
  auto bytes = "HTTP/1.1 " + std::to_string(status) + " Said\r\nConnection: close\r\n";
  bool has_length = false;
  for (const auto& header : headers) {
    bytes += header + "\r\n";
    has_length = has_length || lower(header).starts_with("content-length");
  }
  if (!has_length) bytes += "Content-Length: " + std::to_string(body.size()) + "\r\n";
  return {.bytes = bytes + "\r\n" + body};
}

StandInReply http_forward(const HttpRequest& request, int port) {
  const int server = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const auto address = loopback(port);
  StandInReply reply;
  if (::connect(server, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) {
    auto head = request.head;
    // Its body comes at once, and one request is all.
    if (const auto expect = lower(head).find("\r\nexpect:"); expect != std::string::npos)
      head.erase(expect, head.find("\r\n", expect + 2) - expect);
    head.insert(head.size() - 2, "Connection: close\r\n");
    if (send_all(server, head + request.body)) {
      while (receive(server, reply.bytes)) {
      }
    }
  }
  ::close(server);
  if (reply.bytes.empty()) reply.end = StandInReply::End::nothing;
  return reply;
}

HttpStandIn::HttpStandIn(Handler handler)
    : handler_(std::move(handler)), listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  auto address = loopback(0);
  socklen_t size = sizeof address;
  auto* any = reinterpret_cast<sockaddr*>(&address);
  const bool is_open = ::bind(listener_, any, size) == 0 && ::listen(listener_, 64) == 0 &&
                       ::getsockname(listener_, any, &size) == 0;
  if (!is_open) throw std::runtime_error("no port on the loopback address");
  port_ = ntohs(address.sin_port);
  acceptor_ = std::jthread([this](const std::stop_token& stop) { accept_all(stop); });
}

HttpStandIn::~HttpStandIn() {
  acceptor_.request_stop();
  acceptor_.join();
  connections_.clear();
  ::close(listener_);
}

void HttpStandIn::accept_all(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    pollfd waiting{listener_, POLLIN, 0};
    if (::poll(&waiting, 1, kPollMilliseconds) <= 0) continue;
    const int connection = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (connection < 0) continue;
    connections_.emplace_back([this, connection](const std::stop_token& ended) {
      serve(ended, connection);
      ::close(connection);
    });
  }
}

void HttpStandIn::serve(const std::stop_token& stop, int connection) {
  HttpRequest request;
  if (!read_request(connection, request)) return;
  {
    const std::lock_guard lock(mutex_);
    seen_.push_back(request.method + " " + request.target);
  }
  const auto reply = handler_(request);
  if (reply.end == StandInReply::End::whole) send_all(connection, reply.bytes);
  if (reply.end == StandInReply::End::half)
    send_all(connection, std::string_view(reply.bytes).substr(0, reply.bytes.size() / 2));
  if (reply.end != StandInReply::End::silence) return;
  std::string ignored;
  while (!stop.stop_requested()) {
    pollfd waiting{connection, POLLIN, 0};
    if (::poll(&waiting, 1, kPollMilliseconds) > 0 && !receive(connection, ignored)) return;
  }
}

std::vector<std::string> HttpStandIn::seen() {
  const std::lock_guard lock(mutex_);
  return seen_;
}

}  // namespace millrace::test
