// A client of HTTP that can also behave badly: it sends what it is told, when it is told.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace millrace::test {

struct HttpReply {
  int status = 0;  // 0: the connection ended without one
  std::string headers;
  std::string body;
};

class HttpClient {
 public:
  explicit HttpClient(std::uint16_t port);
  ~HttpClient();
  HttpClient(HttpClient&& other) noexcept;
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;
  HttpClient& operator=(HttpClient&&) = delete;

  // False when the other end has closed.
  bool send(std::string_view bytes);
  // Everything until the other end closes; waits 20 s at most, then fails the test.
  HttpReply receive();
  // True when the other end has closed and sent nothing; waits as `receive` does.
  bool is_closed_unanswered();

 private:
  std::string receive_all();
  int socket_;
};

HttpReply get(std::uint16_t port, const std::string& path);

}  // namespace millrace::test
