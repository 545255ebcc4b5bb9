#include "worker/serving/prediction_client.hpp"

#include <vector>

#include "common/base/limits.hpp"
#include "common/net/handshake_probe.hpp"
#include "common/net/socket.hpp"

namespace millrace {

namespace {
using Clock = std::chrono::steady_clock;

// Finding out why nobody answers takes so long at most.
constexpr std::chrono::milliseconds kProbePatience{2'000};

std::chrono::milliseconds remaining(Clock::time_point until) {
  const auto left =
      std::chrono::duration_cast<std::chrono::milliseconds>(until - Clock::now()).count();
  return std::chrono::milliseconds(std::max<std::int64_t>(0, left));
}

std::string ms_text(std::chrono::milliseconds time) {
  return std::to_string(time.count()) + " ms";
}
}  // namespace

struct PredictionClient::State {
  explicit State(const PredictionClientOptions& client_options) : options(client_options) {}

  Result<wire::PredictReply> receive_until(Clock::time_point until);

  PredictionClientOptions options;
  net::SocketOptions socket_options;
  net::Context context;
  std::optional<net::Socket> socket;
  std::vector<net::Message> parts;
  std::uint64_t last_id = 0;
};

Result<wire::PredictReply> PredictionClient::State::receive_until(Clock::time_point until) {
  while (true) {
    MILLRACE_ASSIGN(const std::size_t count, socket->try_receive(parts));
    if (count != 0) return wire::decode_reply(parts.back().bytes());
    const auto left = remaining(until);
    if (left.count() == 0) break;
    MILLRACE_TRY(socket->wait(net::Socket::Event::readable, left).status());
  }
  return Status(Code::timed_out,
                socket->endpoint().text() + " did not answer within " + ms_text(options.timeout),
                "allow more time, or see whether the server is overloaded");
}

Result<std::unique_ptr<PredictionClient>> PredictionClient::connect(
    const PredictionClientOptions& options) {
  auto state = std::make_unique<State>(options);
  state->socket_options.security.client = options.keys;
  MILLRACE_ASSIGN(state->socket, net::Socket::connect(state->context, net::SocketKind::dealer,
                                                      options.endpoint, state->socket_options));
  return std::unique_ptr<PredictionClient>(new PredictionClient(std::move(state)));
}

PredictionClient::PredictionClient(std::unique_ptr<State> state) : state_(std::move(state)) {}
PredictionClient::~PredictionClient() = default;

Result<std::uint64_t> PredictionClient::send(wire::PredictRequest& request) {
  if (request.rows() > limits::kPredictRowsMax) {
    return Status(Code::resource_exhausted,
                  "the request has " + std::to_string(request.rows()) + " rows, more than " +
                      std::to_string(limits::kPredictRowsMax),
                  "ask for fewer rows at a time");
  }
  request.id = ++state_->last_id;
  MILLRACE_ASSIGN(const Bytes frame, wire::encode(request));
  const auto until = Clock::now() + state_->options.connect_timeout;
  while (true) {
    net::Message message(frame);
    MILLRACE_ASSIGN(const bool is_sent, state_->socket->try_send(std::span(&message, 1)));
    if (is_sent) return request.id;
    const auto left = remaining(until);
    if (left.count() == 0) break;
    MILLRACE_TRY(state_->socket->wait(net::Socket::Event::writable, left).status());
  }
  return net::explain_unreachable(state_->context, state_->socket->endpoint(),
                                  state_->socket_options, kProbePatience);
}

Result<wire::PredictReply> PredictionClient::receive() {
  return state_->receive_until(Clock::now() + state_->options.timeout);
}

Result<wire::PredictReply> PredictionClient::predict(wire::PredictRequest& request) {
  MILLRACE_ASSIGN(const std::uint64_t id, send(request));
  const auto until = Clock::now() + state_->options.timeout;
  while (true) {
    MILLRACE_ASSIGN(wire::PredictReply reply, state_->receive_until(until));
    if (reply.id != id && reply.id != 0) continue;  // late answer to a request that timed out
    if (reply.error) return wire::to_status(*reply.error);
    return reply;
  }
}

}  // namespace millrace
