// A ROUTER socket that listens for clients, with a gate in front of it where there are keys.
//
// Place: each server of clients (control, predictions) has one, in its own Context. Opened by any
// thread, then used by the thread that serves; `stats` from any.
//
// Invariant: with keys nothing listens before the gate stands, so that nobody connects who was not
// asked about, and the gate ends after the socket that it guards.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "common/base/status.hpp"
#include "common/net/client_gate.hpp"
#include "common/net/socket.hpp"

namespace millrace::net {

struct GuardedSocketOptions {
  Endpoint endpoint = {};  // port 0: any free one
  // With the keys of a server, clients must have one that the policy names.
  SocketSecurity security = {};
  std::string policy_file = {};  // with keys: who may ask
  GateOptions gate = {};
  int receive_queue_max = 1'000;  // messages per client; what is beyond waits at the client
};

class GuardedSocket {
 public:
  // `conflict` when the port is taken, `permission_denied` when the endpoint would be open to
  // others without protection; an error when the policy cannot be used.
  static Result<std::unique_ptr<GuardedSocket>> open(
      const GuardedSocketOptions& options, std::size_t frame_bytes_max = limits::kFrameBytesMax);
  GuardedSocket(const GuardedSocket&) = delete;
  GuardedSocket& operator=(const GuardedSocket&) = delete;

  Socket& socket() { return *socket_; }
  // Null without keys: everybody may ask everything.
  ClientGate::Guard* guard() { return guard_ ? &*guard_ : nullptr; }
  // With the port that was chosen: "tcp://127.0.0.1:4711".
  const std::string& endpoint() const { return endpoint_; }
  // All zero without keys.
  GateStats stats() const { return gate_ ? gate_->stats() : GateStats{}; }
  // Nobody connects any more; clients may still take what was sent.
  void close() { socket_.reset(); }

 private:
  GuardedSocket() = default;

  Context context_;
  std::unique_ptr<ClientGate> gate_;
  std::optional<ClientGate::Guard> guard_;
  std::optional<Socket> socket_;
  std::string endpoint_;
};

// A request as a ROUTER socket has it: [identity, (empty,) payload].
struct RoutedMessage {
  std::vector<Message> route;  // leads the answer back: identity, the delimiter of a REQ socket
  Message payload;             // empty where the message had another shape
};
// `count`: of the parts that were sent, of which `parts` has the first. Empties `parts`.
RoutedMessage take_apart(std::vector<Message>& parts, std::size_t count);

}  // namespace millrace::net
