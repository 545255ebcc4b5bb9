// Answers GET and HEAD for a few fixed paths: the port of metrics and health.
//
// Place: a daemon owns one (monitoring.hpp gives it its routes). Not a general web server: it takes
// nothing, changes nothing, has no sessions and no keys. One thread moves all connections and runs
// the routes, which must not wait for anything.
//
// Why not a library: whoever probes must be answered while a thousand idle connections are open and
// slow ones trickle. A pool of threads gives each of them a thread, and an unbounded queue to the
// rest; here a connection costs a descriptor and at most `head_bytes_max` bytes, and the one that
// has waited longest makes room for the newest.
//
// Invariant: at most `connections_max` connections are open; each is over, answered or not, after
// `request_timeout` and `answer_timeout`.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "common/base/status.hpp"
#include "common/observe/http_request.hpp"

namespace millrace {

struct HttpServerOptions {
  std::string host = "127.0.0.1";  // a name or an address; * for every interface
  std::uint16_t port = 0;          // 0: any free one
  // Listening beyond this machine is refused without one of these. Whoever reaches the port reads
  // names and figures of jobs; who may reach it is for the network to say.
  bool has_keys = false;              // a cluster that was set up to be reached from elsewhere
  bool is_insecure_accepted = false;  // --insecure

  std::size_t connections_max = limits::kHttpConnectionsMax;
  HttpLimits limits = {};
  std::chrono::milliseconds request_timeout{5'000};  // from the connection to a whole head
  std::chrono::milliseconds answer_timeout{10'000};  // from there until the client has taken it
};

// Counters that only grow.
struct HttpStats {
  std::uint64_t answered = 0;  // by a route
  std::uint64_t refused = 0;   // by an error of 4xx or 505
  std::uint64_t slow = 0;      // closed: out of time
  std::uint64_t evicted = 0;   // closed to make room for a newer one
};

class HttpServer {
 public:
  using Route = std::function<HttpAnswer()>;

  // Listens and starts its thread. `conflict` when the port is taken, `permission_denied` when the
  // address would be open to others.
  static Result<std::unique_ptr<HttpServer>> start(const HttpServerOptions& options,
                                                   std::map<std::string, Route> routes);
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  std::uint16_t port() const;
  // "http://127.0.0.1:4703"
  std::string url() const;
  HttpStats stats() const;

 private:
  struct State;
  explicit HttpServer(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace millrace
