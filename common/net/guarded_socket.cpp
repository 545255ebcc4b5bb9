#include "common/net/guarded_socket.hpp"

namespace millrace::net {
namespace {

// Closing waits so long for clients to take their last answers.
constexpr std::chrono::milliseconds kLinger{1'000};

}  // namespace

Result<std::unique_ptr<GuardedSocket>> GuardedSocket::open(const GuardedSocketOptions& options,
                                                           std::size_t frame_bytes_max) {
  std::unique_ptr<GuardedSocket> opened(new GuardedSocket);
  if (options.security.server != nullptr) {
    MILLRACE_ASSIGN(auto policy, security::WatchedPolicy::open(options.policy_file));
    MILLRACE_ASSIGN(opened->gate_,
                    ClientGate::start(opened->context_, std::move(policy), options.gate));
    opened->guard_.emplace(*opened->gate_);
  }
  SocketOptions socket_options;
  socket_options.frame_bytes_max = frame_bytes_max;
  socket_options.security = options.security;
  socket_options.linger = kLinger;
  socket_options.receive_queue_max = options.receive_queue_max;
  MILLRACE_ASSIGN(opened->socket_, Socket::bind(opened->context_, SocketKind::router,
                                                options.endpoint, socket_options));
  opened->endpoint_ = opened->socket_->endpoint().text();
  return opened;
}

RoutedMessage take_apart(std::vector<Message>& parts, std::size_t count) {
  RoutedMessage message;
  const bool is_delimited = count >= 3 && parts[1].bytes().empty();
  const std::size_t route = is_delimited ? 2 : 1;
  if (count == route + 1) message.payload = std::move(parts[route]);
  parts.resize(route);
  message.route = std::exchange(parts, {});
  return message;
}

}  // namespace millrace::net
