#include "coordinator/control/control_client.hpp"

#include <optional>

#include "common/net/handshake_probe.hpp"
#include "common/net/socket.hpp"
#include "common/wire/control_codec.hpp"
#include "coordinator/control/control_rules.hpp"

namespace millrace {
namespace {

using Clock = std::chrono::steady_clock;

// Finding out why nobody answers takes so long at most.
constexpr std::chrono::milliseconds kProbePatience{2'000};

std::chrono::milliseconds remaining(Clock::time_point until) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now());
  return std::max(left, std::chrono::milliseconds(0));
}

// A little sooner than the client gives up, so that the coordinator's own word still arrives.
std::uint32_t deadline_for(std::chrono::milliseconds timeout) {
  return static_cast<std::uint32_t>(std::max<std::int64_t>(1, timeout.count() * 9 / 10));
}

}  // namespace

struct ControlClient::State {
  explicit State(const ControlClientOptions& client_options) : options(client_options) {}

  Status send(const control::Request& request);
  Result<control::Reply> receive(const control::Request& request,
                                 std::chrono::milliseconds timeout);
  Status timed_out(const control::Request& request, std::chrono::milliseconds timeout) const;

  ControlClientOptions options;
  net::SocketOptions socket_options;
  net::Context context;
  std::optional<net::Socket> socket;
  std::uint64_t last_id = 0;
};

Status ControlClient::State::send(const control::Request& request) {
  MILLRACE_ASSIGN(const Bytes frame, wire::encode(request));
  if (frame.size() > limits::kControlRequestBytesMax) {
    return {Code::resource_exhausted,
            "the request has " + std::to_string(frame.size()) + " bytes, more than " +
                std::to_string(limits::kControlRequestBytesMax),
            "shorten the job file"};
  }
  const auto until = Clock::now() + options.connect_timeout;
  while (true) {
    net::Message message(frame);
    MILLRACE_ASSIGN(const bool is_sent, socket->try_send(std::span(&message, 1)));
    if (is_sent) return {};
    const auto left = remaining(until);
    if (left.count() == 0) break;
    MILLRACE_TRY(socket->wait(net::Socket::Event::writable, left).status());
  }
  return net::explain_unreachable(context, socket->endpoint(), socket_options, kProbePatience);
}

Result<control::Reply> ControlClient::State::receive(const control::Request& request,
                                                     std::chrono::milliseconds timeout) {
  const auto until = Clock::now() + timeout;
  std::vector<net::Message> parts;
  while (true) {
    MILLRACE_ASSIGN(const std::size_t count, socket->try_receive(parts));
    if (count != 0) {
      MILLRACE_ASSIGN(control::Reply reply, wire::decode_control_reply(parts.back().bytes()));
      // Other ids are late answers to requests that timed out.
      if (reply.id == request.id || reply.id == 0) return reply;
      continue;
    }
    const auto left = remaining(until);
    if (left.count() == 0) return timed_out(request, timeout);
    MILLRACE_TRY(socket->wait(net::Socket::Event::readable, left).status());
  }
}

Status ControlClient::State::timed_out(const control::Request& request,
                                       std::chrono::milliseconds timeout) const {
  const bool may_go_on = rule_of(request.what).is_mutating;
  return {
      Code::timed_out,
      socket->endpoint().text() + " did not answer `" + wire::name_of(request.what) + "` within " +
          std::to_string(timeout.count()) + " ms" + (may_go_on ? "; it may go on" : ""),
      may_go_on ? "ask how it went with `millrace jobs`, or ask for the same again: that is safe"
                : "allow more time with --request-timeout, or see whether the coordinator is "
                  "overloaded"};
}

Result<std::unique_ptr<ControlClient>> ControlClient::connect(const ControlClientOptions& options) {
  auto state = std::make_unique<State>(options);
  state->socket_options.security.client = options.keys;
  MILLRACE_ASSIGN(state->socket, net::Socket::connect(state->context, net::SocketKind::dealer,
                                                      options.endpoint, state->socket_options));
  return std::unique_ptr<ControlClient>(new ControlClient(std::move(state)));
}

ControlClient::ControlClient(std::unique_ptr<State> state) : state_(std::move(state)) {}
ControlClient::~ControlClient() = default;

Result<control::Reply> ControlClient::ask(control::RequestKind what,
                                          std::optional<std::chrono::milliseconds> timeout) {
  const auto patience = timeout.value_or(state_->options.timeout);
  control::Request request;
  request.id = ++state_->last_id;
  request.deadline_ms = deadline_for(patience);
  request.what = std::move(what);
  MILLRACE_TRY(state_->send(request));
  return state_->receive(request, patience);
}

const net::Endpoint& ControlClient::endpoint() const {
  return state_->socket->endpoint();
}

Status ControlClient::failure_of(const control::Reply& reply) {
  if (const auto* error = std::get_if<control::Error>(&reply.what))
    return control::to_status(*error);
  return {Code::internal, "the coordinator gave an answer to another question",
          "use a client and a coordinator of the same version"};
}

}  // namespace millrace
