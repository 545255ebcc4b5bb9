#include "coordinator/control/control_server.hpp"

#include <array>
#include <atomic>
#include <bit>
#include <map>
#include <mutex>
#include <optional>
#include <thread>

#include "common/observe/log.hpp"
#include "common/wire/control_codec.hpp"
#include "coordinator/control/control_rules.hpp"

namespace millrace {
namespace {

using Clock = std::chrono::steady_clock;

constexpr const char* kAnonymous = "anonymous";
// Taken before those that were answered meanwhile are sent.
constexpr std::size_t kRequestsPerRound = 64;

// Answers of the service on their way to the server's thread. Outlives the server for answers that
// come later still.
struct Mailbox {
  struct Letter {
    std::uint64_t ticket = 0;
    ControlReplyPtr reply;
  };

  void put(std::uint64_t ticket, ControlReplyPtr reply) {
    const std::lock_guard lock(mutex);
    if (is_closed) return;
    letters.push_back({ticket, std::move(reply)});
    waker.wake();
  }
  std::vector<Letter> take() {
    const std::lock_guard lock(mutex);
    waker.clear();
    return std::exchange(letters, {});
  }
  void close() {
    const std::lock_guard lock(mutex);
    is_closed = true;
  }

  net::Waker waker;
  std::mutex mutex;
  std::vector<Letter> letters;
  bool is_closed = false;
};

// A request with the frames that lead its answer back.
struct Pending {
  std::vector<net::Message> route;  // identity, and the empty delimiter of a REQ socket
  std::uint64_t id = 0;
  std::string budget;  // whose it uses
  ControlRequestPtr request;
  control::ServerFacts seen_as;  // client, roles and encryption, for GetVersion
  Clock::time_point arrived_at, expires_at;
};

constexpr std::size_t kCounters = sizeof(ControlStats) / sizeof(std::uint64_t);
using CounterArray = std::array<std::uint64_t, kCounters>;

control::Reply error_reply(const Status& status) {
  return {.what = control::to_error(status)};
}

}  // namespace

struct ControlServer::State {
  State(const ControlServerOptions& server_options, ControlService& asked)
      : options(server_options), service(asked), budget(server_options.budget) {}

  void run();
  void receive();
  void take(std::vector<net::Message>& parts, std::size_t count);
  Status admit(const net::Message& message, Pending& pending, control::Request& request);
  Status identify(const std::vector<net::Message>& parts, Pending& pending,
                  control::Request& request);
  void ask(Pending pending, control::Request request);
  void deliver_answers();
  void expire(Clock::time_point now);
  void finish(std::uint64_t ticket, control::Reply reply);
  void send(Pending& pending, control::Reply reply);
  void audit(const Pending& pending, const control::Request& request, const control::Reply& reply);
  std::chrono::milliseconds patience() const;
  void show_stats();

  const ControlServerOptions options;
  ControlService& service;
  std::unique_ptr<net::GuardedSocket> clients;
  std::shared_ptr<Mailbox> mailbox = std::make_shared<Mailbox>();
  std::atomic<bool> is_stopping = false;
  std::mutex stop_mutex;
  std::array<std::atomic<std::uint64_t>, kCounters> shown_stats{};

  // Of the serving thread alone.
  ClientBudget budget;
  std::map<std::uint64_t, Pending> pending_by_ticket;
  std::uint64_t last_ticket = 0;
  ControlStats stats;

  std::thread thread;
};

void ControlServer::State::run() {
  while (!is_stopping.load(std::memory_order_acquire)) {
    const auto ready =
        clients->socket().wait(net::Socket::Event::readable, patience(), &mailbox->waker);
    // Fails only for a socket that is not one; to go on would be to serve nobody and say nothing.
    MILLRACE_CHECK(ready.is_ok());
    receive();
    deliver_answers();
    expire(Clock::now());
    show_stats();
  }
  deliver_answers();
  expire(Clock::time_point::max());
  show_stats();
}

// Until the next deadline; for ever while nothing is under way.
std::chrono::milliseconds ControlServer::State::patience() const {
  if (pending_by_ticket.empty()) return std::chrono::milliseconds(-1);
  auto next = Clock::time_point::max();
  for (const auto& [ticket, pending] : pending_by_ticket) next = std::min(next, pending.expires_at);
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(next - Clock::now());
  return std::max(left, std::chrono::milliseconds(0));
}

void ControlServer::State::receive() {
  std::vector<net::Message> parts;
  for (std::size_t taken = 0; taken < kRequestsPerRound; ++taken) {
    const auto count = clients->socket().try_receive(parts);
    if (!count.is_ok() || count.value() == 0) return;
    take(parts, count.value());
  }
}

// [identity, (empty,) payload]; a message of any other shape is malformed.
void ControlServer::State::take(std::vector<net::Message>& parts, std::size_t count) {
  ++stats.requests;
  Pending pending;
  control::Request request;
  pending.arrived_at = Clock::now();
  // Every part knows its sender, whatever the message holds.
  auto status = identify(parts, pending, request);
  auto message = net::take_apart(parts, count);
  pending.route = std::move(message.route);
  if (status.is_ok()) status = admit(message.payload, pending, request);
  if (!status.is_ok()) {
    const auto reply = error_reply(status);
    audit(pending, request, reply);
    send(pending, reply);
    return;
  }
  ask(std::move(pending), std::move(request));
}

// The budget counts what is refused for its role or its bytes as well.
Status ControlServer::State::admit(const net::Message& message, Pending& pending,
                                   control::Request& request) {
  if (auto refused = budget.admit(pending.budget, pending.arrived_at); !refused.is_ok()) {
    ++stats.overloaded;
    pending.id = wire::control_request_id(message.bytes());
    return refused;
  }
  auto decoded = wire::decode_control_request(message.bytes(), pending.id);
  Status status = decoded.status();
  if (status.is_ok()) {
    decoded.value().client = request.client;
    request = std::move(decoded).value();
    if (auto* guard = clients->guard())
      status = guard->authorize(message, rule_of(request.what).roles);
    if (!status.is_ok()) ++stats.denied;
  } else {
    ++stats.malformed;
  }
  if (!status.is_ok()) budget.release(pending.budget);
  return status;
}

Status ControlServer::State::identify(const std::vector<net::Message>& parts, Pending& pending,
                                      control::Request& request) {
  request.client = kAnonymous;
  pending.seen_as.client = kAnonymous;
  auto* guard = clients->guard();
  if (guard == nullptr) {
    // Nobody proves who he is: each connection has a budget of its own.
    pending.budget = std::string(as_text(parts.front().bytes()));
    return {};
  }
  pending.seen_as.is_encrypted = true;
  const auto* sender = guard->sender(parts.back());
  if (sender == nullptr) {
    request.client = "unknown";
    ++stats.denied;
    return guard->authorize(parts.back(), {security::ClientRole::admin});
  }
  request.client = sender->id;
  pending.budget = sender->id;
  pending.seen_as.client = sender->id;
  for (const auto role : security::kClientRoles) {
    if (sender->roles.names(role)) pending.seen_as.roles.emplace_back(to_string(role));
  }
  return {};
}

void ControlServer::State::ask(Pending pending, control::Request request) {
  const auto wanted = std::chrono::milliseconds(request.deadline_ms);
  const auto allowed =
      wanted.count() == 0 ? options.deadline : std::min(wanted, options.deadline_max);
  pending.expires_at = pending.arrived_at + allowed;
  request.deadline_ms = static_cast<std::uint32_t>(allowed.count());
  pending.request = std::make_shared<const control::Request>(std::move(request));
  const auto ticket = ++last_ticket;
  const auto asked = pending.request;
  pending_by_ticket.emplace(ticket, std::move(pending));
  service.ask(asked, [box = mailbox, ticket](ControlReplyPtr reply) {
    box->put(ticket, std::move(reply));
  });
}

void ControlServer::State::deliver_answers() {
  for (auto& letter : mailbox->take()) {
    const bool is_answer = letter.reply != nullptr;
    if (!pending_by_ticket.contains(letter.ticket)) {
      ++stats.late;
      continue;
    }
    ++stats.answered;
    finish(letter.ticket, is_answer ? *letter.reply
                                    : error_reply({Code::internal, "the coordinator gave no answer",
                                                   "please report this"}));
  }
}

void ControlServer::State::expire(Clock::time_point now) {
  std::vector<std::uint64_t> expired;
  for (const auto& [ticket, pending] : pending_by_ticket) {
    if (pending.expires_at <= now) expired.push_back(ticket);
  }
  for (const auto ticket : expired) {
    ++stats.timed_out;
    const auto& what = pending_by_ticket.at(ticket).request->what;
    control::Error error = control::to_error(
        {Code::timed_out,
         std::string("the coordinator had no answer to `") + wire::name_of(what) + "` in time",
         "it may go on; ask with `millrace status`"});
    error.may_have_happened = rule_of(what).is_mutating;
    if (!error.may_have_happened) error.hint = "ask again, or see how busy the coordinator is";
    finish(ticket, {.what = std::move(error)});
  }
}

void ControlServer::State::finish(std::uint64_t ticket, control::Reply reply) {
  auto node = pending_by_ticket.extract(ticket);
  auto& pending = node.mapped();
  budget.release(pending.budget);
  if (auto* server = std::get_if<control::ServerFacts>(&reply.what)) {
    server->client = pending.seen_as.client;
    server->roles = pending.seen_as.roles;
    server->is_encrypted = pending.seen_as.is_encrypted;
  }
  audit(pending, *pending.request, reply);
  send(pending, std::move(reply));
}

void ControlServer::State::send(Pending& pending, control::Reply reply) {
  reply.id = pending.id;
  auto frame = wire::encode(reply);
  if (!frame.is_ok()) {
    control::Reply refusal = error_reply(frame.status());
    refusal.id = pending.id;
    frame = wire::encode(refusal);
    MILLRACE_CHECK(frame.is_ok());
  }
  pending.route.emplace_back(frame.value());
  const auto sent = clients->socket().try_send(pending.route);
  if (!sent.is_ok() || !sent.value()) ++stats.undeliverable;
}

void ControlServer::State::audit(const Pending& pending, const control::Request& request,
                                 const control::Reply& reply) {
  if (!rule_of(request.what).is_mutating) return;
  const auto* error = std::get_if<control::Error>(&reply.what);
  const auto* operation = std::get_if<control::Operation>(&reply.what);
  const auto* submitted = std::get_if<control::Submitted>(&reply.what);
  const auto subject = submitted != nullptr ? submitted->job : subject_of(request.what);
  const std::string_view operation_id = operation != nullptr   ? std::string_view(operation->id)
                                        : submitted != nullptr ? submitted->operation
                                                               : std::string_view();
  log(LogLevel::info, "audit",
      {{"client", request.client},
       {"request", wire::name_of(request.what)},
       {"subject", std::string_view(subject).substr(0, limits::kStringBytesMax)},
       {"outcome", error == nullptr ? "ok" : to_string(error->code)},
       {"reason", error == nullptr ? std::string_view() : std::string_view(error->message)},
       {"operation", operation_id},
       {"ms",
        std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - pending.arrived_at)
            .count()}});
}

void ControlServer::State::show_stats() {
  const auto counters = std::bit_cast<CounterArray>(stats);
  for (std::size_t i = 0; i < kCounters; ++i) {
    shown_stats[i].store(counters[i], std::memory_order_relaxed);
  }
}

Result<std::unique_ptr<ControlServer>> ControlServer::start(const ControlServerOptions& options,
                                                            ControlService& service) {
  auto state = std::make_unique<State>(options, service);
  MILLRACE_ASSIGN(state->clients,
                  net::GuardedSocket::open(options, limits::kControlRequestBytesMax));
  state->thread = std::thread([serving = state.get()] { serving->run(); });
  return std::unique_ptr<ControlServer>(new ControlServer(std::move(state)));
}

ControlServer::ControlServer(std::unique_ptr<State> state) : state_(std::move(state)) {}

ControlServer::~ControlServer() {
  stop();
}

void ControlServer::stop() {
  const std::lock_guard lock(state_->stop_mutex);
  if (!state_->thread.joinable()) return;
  state_->is_stopping.store(true, std::memory_order_release);
  state_->mailbox->waker.wake();
  state_->thread.join();
  state_->mailbox->close();
  state_->clients->close();
}

std::string ControlServer::endpoint() const {
  return state_->clients->endpoint();
}

net::GateStats ControlServer::gate_stats() const {
  return state_->clients->stats();
}

ControlStats ControlServer::stats() const {
  CounterArray counters;
  for (std::size_t i = 0; i < kCounters; ++i) {
    counters[i] = state_->shown_stats[i].load(std::memory_order_relaxed);
  }
  return std::bit_cast<ControlStats>(counters);
}

}  // namespace millrace
