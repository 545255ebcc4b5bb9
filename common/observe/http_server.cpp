#include "common/observe/http_server.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <list>
#include <thread>

#include "common/observe/listener.hpp"

namespace millrace {
namespace {

using Clock = std::chrono::steady_clock;

// A client that still sends when it is answered loses the answer if we close; so what it sends is
// read and thrown away, but no longer and no more than this.
constexpr std::chrono::milliseconds kDrainTime{1'000};
constexpr std::size_t kDrainBytesMax = 64u << 10;
// Out of descriptors: the waiting connection stays readable, so the loop would spin.
constexpr std::chrono::milliseconds kAcceptPause{100};

struct Connection {
  enum class Phase : std::uint8_t { reading, answering, draining };
  Descriptor socket;
  Phase phase = Phase::reading;
  Clock::time_point deadline;
  std::string head;    // as far as it has arrived
  std::string answer;  // what of it is left to send
  std::size_t sent = 0;
  std::size_t drained = 0;
  bool is_over = false;
};

bool would_block(ssize_t count) {
  return count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR);
}

int milliseconds_until(Clock::time_point when, Clock::time_point now) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(when - now).count();
  return static_cast<int>(std::clamp<std::int64_t>(left, 0, 60'000));
}

}  // namespace

struct HttpServer::State {
  State(const HttpServerOptions& server_options, std::map<std::string, Route> server_routes)
      : options(server_options), routes(std::move(server_routes)) {}

  void run();
  void wait(std::vector<pollfd>& watched);
  void accept_all();
  void make_room();
  void move(Connection& connection);
  void read_head(Connection& connection);
  void answer(Connection& connection, const HttpHead& head);
  void write_answer(Connection& connection);
  void drain(Connection& connection);
  void close_late_ones();
  static void count(std::atomic<std::uint64_t>& counter) {
    counter.fetch_add(1, std::memory_order_relaxed);
  }

  const HttpServerOptions options;
  const std::map<std::string, Route> routes;
  Listener listener;
  Descriptor waker;  // an eventfd
  std::atomic<bool> is_stopping = false;
  std::atomic<std::uint64_t> answered = 0;
  std::atomic<std::uint64_t> refused = 0;
  std::atomic<std::uint64_t> slow = 0;
  std::atomic<std::uint64_t> evicted = 0;

  // Of the thread alone. In the order in which they came.
  std::list<Connection> connections;
  Clock::time_point accepts_after;

  std::thread thread;
};

void HttpServer::State::run() {
  std::vector<pollfd> watched;
  while (!is_stopping.load(std::memory_order_acquire)) {
    wait(watched);
    // The connections stand behind the two others, in the order of the list.
    std::size_t next = 2;
    for (auto& connection : connections) {
      if (watched[next++].revents != 0) move(connection);
    }
    close_late_ones();
    if (watched[1].revents != 0) accept_all();
    std::erase_if(connections, [](const Connection& one) { return one.is_over; });
  }
}

void HttpServer::State::wait(std::vector<pollfd>& watched) {
  const auto now = Clock::now();
  const bool accepts = now >= accepts_after;
  watched.clear();
  watched.push_back({waker.number(), POLLIN, 0});
  watched.push_back({accepts ? listener.socket.number() : -1, POLLIN, 0});
  int timeout = accepts ? -1 : milliseconds_until(accepts_after, now);
  for (const auto& connection : connections) {
    const bool is_writing = connection.phase == Connection::Phase::answering;
    watched.push_back(
        {connection.socket.number(), static_cast<short>(is_writing ? POLLOUT : POLLIN), 0});
    const int left = milliseconds_until(connection.deadline, now);
    timeout = timeout < 0 ? left : std::min(timeout, left);
  }
  // Interrupted, or no memory: nothing is ready then, and the loop comes round again.
  if (::poll(watched.data(), watched.size(), timeout) < 0) {
    for (auto& one : watched) one.revents = 0;
  }
}

void HttpServer::State::accept_all() {
  // As many as there is room for: others get their turn before the next ones are taken.
  for (std::size_t taken = 0; taken < options.connections_max; ++taken) {
    Descriptor socket(
        ::accept4(listener.socket.number(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (socket.number() < 0) {
      const bool is_out_of_descriptors = errno == EMFILE || errno == ENFILE || errno == ENOMEM;
      if (is_out_of_descriptors) accepts_after = Clock::now() + kAcceptPause;
      return;
    }
    make_room();
    connections.push_back({.socket = std::move(socket),
                           .deadline = Clock::now() + options.request_timeout,
                           .head = {},
                           .answer = {}});
    // Most requests arrive with their connection: who has asked is answered before it could have to
    // make room.
    move(connections.back());
  }
}

// The one that has waited longest with its request goes first, else the oldest.
void HttpServer::State::make_room() {
  std::erase_if(connections, [](const Connection& one) { return one.is_over; });
  if (connections.size() < options.connections_max) return;
  auto oldest = std::find_if(connections.begin(), connections.end(), [](const Connection& one) {
    return one.phase != Connection::Phase::answering;
  });
  if (oldest == connections.end()) oldest = connections.begin();
  connections.erase(oldest);
  count(evicted);
}

void HttpServer::State::move(Connection& connection) {
  switch (connection.phase) {
    case Connection::Phase::reading:
      return read_head(connection);
    case Connection::Phase::answering:
      return write_answer(connection);
    case Connection::Phase::draining:
      return drain(connection);
  }
}

void HttpServer::State::read_head(Connection& connection) {
  std::array<char, 4096> buffer;
  while (connection.phase == Connection::Phase::reading) {
    const ssize_t received = ::recv(connection.socket.number(), buffer.data(), buffer.size(), 0);
    if (would_block(received)) return;
    if (received <= 0) {
      connection.is_over = true;
      return;
    }
    connection.head.append(buffer.data(), static_cast<std::size_t>(received));
    const HttpHead head = read_http_head(connection.head, options.limits);
    if (head.outcome != HttpHead::Outcome::incomplete) answer(connection, head);
  }
}

void HttpServer::State::answer(Connection& connection, const HttpHead& head) {
  HttpAnswer answer = head.refusal;
  if (head.outcome == HttpHead::Outcome::complete) {
    const auto route = routes.find(head.path);
    answer = route != routes.end() ? route->second()
                                   : HttpAnswer{.status = 404, .body = "no such page\n"};
  }
  count(answer.status < 400 || answer.status == 503 ? answered : refused);
  connection.answer = write_http_answer(answer, head.is_head);
  connection.head = {};
  connection.phase = Connection::Phase::answering;
  connection.deadline = Clock::now() + options.answer_timeout;
  write_answer(connection);
}

void HttpServer::State::write_answer(Connection& connection) {
  while (connection.sent < connection.answer.size()) {
    const ssize_t sent =
        ::send(connection.socket.number(), connection.answer.data() + connection.sent,
               connection.answer.size() - connection.sent, MSG_NOSIGNAL);
    if (would_block(sent)) return;
    if (sent <= 0) {
      connection.is_over = true;
      return;
    }
    connection.sent += static_cast<std::size_t>(sent);
  }
  ::shutdown(connection.socket.number(), SHUT_WR);
  connection.answer = {};
  connection.phase = Connection::Phase::draining;
  connection.deadline = std::min(connection.deadline, Clock::now() + kDrainTime);
  drain(connection);
}

void HttpServer::State::drain(Connection& connection) {
  std::array<char, 4096> buffer;
  while (connection.drained <= kDrainBytesMax) {
    const ssize_t received = ::recv(connection.socket.number(), buffer.data(), buffer.size(), 0);
    if (would_block(received)) return;
    if (received <= 0) break;
    connection.drained += static_cast<std::size_t>(received);
  }
  connection.is_over = true;
}

void HttpServer::State::close_late_ones() {
  const auto now = Clock::now();
  for (auto& connection : connections) {
    if (connection.is_over || now < connection.deadline) continue;
    // Who was answered and only forgot to close is not slow.
    if (connection.phase != Connection::Phase::draining) count(slow);
    connection.is_over = true;
  }
}

Result<std::unique_ptr<HttpServer>> HttpServer::start(const HttpServerOptions& options,
                                                      std::map<std::string, Route> routes) {
  MILLRACE_CHECK(options.connections_max > 0);
  auto state = std::make_unique<State>(options, std::move(routes));
  MILLRACE_ASSIGN(state->listener,
                  listen_on({.host = options.host,
                             .port = options.port,
                             .may_be_exposed = options.has_keys || options.is_insecure_accepted}));
  state->waker = Descriptor(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
  if (state->waker.number() < 0) {
    return Status(Code::resource_exhausted, "no descriptor for the port of metrics",
                  "raise the limit of open files (ulimit -n)");
  }
  state->thread = std::thread([serving = state.get()] { serving->run(); });
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(state)));
}

HttpServer::HttpServer(std::unique_ptr<State> state) : state_(std::move(state)) {}

HttpServer::~HttpServer() {
  state_->is_stopping.store(true, std::memory_order_release);
  const std::uint64_t one = 1;
  // Cannot fail: the counter is far from its end.
  MILLRACE_CHECK(::write(state_->waker.number(), &one, sizeof(one)) == sizeof(one));
  state_->thread.join();
}

std::uint16_t HttpServer::port() const {
  return state_->listener.port;
}

std::string HttpServer::url() const {
  return "http://" + state_->listener.host + ":" + std::to_string(state_->listener.port);
}

HttpStats HttpServer::stats() const {
  return {.answered = state_->answered.load(std::memory_order_relaxed),
          .refused = state_->refused.load(std::memory_order_relaxed),
          .slow = state_->slow.load(std::memory_order_relaxed),
          .evicted = state_->evicted.load(std::memory_order_relaxed)};
}

}  // namespace millrace
