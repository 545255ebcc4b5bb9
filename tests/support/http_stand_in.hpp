// An HTTP server on the loopback address whose every answer a test decides, or passes on to a real
// one: a store that misbehaves, and a network that does.
//
// One request a connection. The handler is called from a thread for each connection.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace millrace::test {

struct HttpRequest {
  std::string method;
  std::string target;                          // path and query, as sent
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;
  std::string head;  // as sent, with the line of the request and the empty line
};

struct StandInReply {
  enum class End {
    whole,    // answered
    nothing,  // the connection is cut instead
    half,     // it is cut in the middle of the answer
    silence   // nothing comes until the other side gives up
  };
  std::string bytes;  // the whole answer as it goes out
  End end = End::whole;
};

StandInReply http_reply(int status, const std::string& body = {},
                        const std::vector<std::string>& headers = {});
// What the server at the port answers to the request.
StandInReply http_forward(const HttpRequest& request, int port);

class HttpStandIn {
 public:
  using Handler = std::function<StandInReply(const HttpRequest&)>;
  explicit HttpStandIn(Handler handler);
  ~HttpStandIn();
  HttpStandIn(const HttpStandIn&) = delete;
  HttpStandIn& operator=(const HttpStandIn&) = delete;

  int port() const { return port_; }
  // "PUT /bucket/key?query" of every request so far, in order of their arrival.
  std::vector<std::string> seen();

 private:
  void accept_all(const std::stop_token& stop);
  void serve(const std::stop_token& stop, int connection);

  Handler handler_;
  int listener_;
  int port_ = 0;
  std::mutex mutex_;
  std::vector<std::string> seen_;
  std::vector<std::jthread> connections_;
  std::jthread acceptor_;
};

}  // namespace millrace::test
