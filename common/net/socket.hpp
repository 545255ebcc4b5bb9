// ZeroMQ sockets with every bound set: frame size, queue lengths, handshake and heartbeat times, no
// linger.
//
// Place: the only folder that includes zmq; servers and clients are written against this. A Context
// may be shared by threads and must outlive its sockets; a Socket and its Messages belong to one
// thread at a time. Errors of libzmq become Status here: an address in use is `conflict`, a bad one
// `invalid_argument`.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/bytes.hpp"
#include "common/base/limits.hpp"
#include "common/base/status.hpp"
#include "common/net/endpoint.hpp"
#include "common/security/curve_keys.hpp"

namespace millrace::net {

// The name under which libzmq asks the ClientGate about connections to our servers.
inline constexpr char kZapDomain[] = "millrace";

// internal when the libzmq at hand cannot encrypt.
Status check_curve();

class Context {
 public:
  // `io_threads` move bytes between kernel and queues; one serves about a gigabyte per second.
  explicit Context(int io_threads = 1);
  ~Context();
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;
  void* handle() const { return handle_; }

 private:
  void* handle_;
};

// One frame. Moving is cheap; the bytes stay where they are only while the Message is not moved.
class Message {
 public:
  Message();
  explicit Message(ByteView bytes);
  ~Message();
  Message(Message&& other) noexcept;
  Message& operator=(Message&& other) noexcept;
  ByteView bytes() const;
  // Who sent it, as the ClientGate knows the sender: the public key, 40 characters. Empty when the
  // connection was not made through one.
  std::string_view sender() const;
  void* handle() { return storage_.data(); }

 private:
  alignas(8) mutable std::array<std::byte, 64> storage_;
};

enum class SocketKind { router, dealer, request };

// How a socket is protected. With keys every connection is encrypted and both ends prove who they
// are (CURVE).
struct SocketSecurity {
  bool is_insecure_accepted = false;  // listen beyond this machine although anybody may then ask
  // To listen. A ClientGate of the same Context says who may connect; without one nobody may.
  std::shared_ptr<const security::CurveKeyPair> server = {};
  // To connect.
  std::shared_ptr<const security::CurveClientKeys> client = {};
};

struct SocketOptions {
  std::size_t frame_bytes_max =
      limits::kFrameBytesMax;                  // a peer that sends a larger one is disconnected
  int send_queue_max = 1'000;                  // messages per peer
  int receive_queue_max = 1'000;               // messages per peer
  std::chrono::milliseconds handshake{3'000};  // a connection that says nothing is closed
  std::chrono::milliseconds heartbeat{5'000};  // silence that asks whether the peer is alive
  std::chrono::milliseconds heartbeat_timeout{15'000};  // and silence that ends the connection
  std::chrono::milliseconds linger{0};                  // closing waits so long for what is unsent
  SocketSecurity security = {};
};

// Lets one thread wake another that waits in Socket::wait. `wake` may be called from any thread.
class Waker {
 public:
  Waker();
  ~Waker();
  Waker(const Waker&) = delete;
  Waker& operator=(const Waker&) = delete;
  void wake();
  void clear();
  int descriptor() const { return descriptor_; }

 private:
  int descriptor_;
};

class Socket {
 public:
  // Checks the rule of listening (endpoint.hpp), then listens. `conflict` when the port is taken.
  static Result<Socket> bind(Context& context, SocketKind kind, const Endpoint& endpoint,
                             const SocketOptions& options = {});
  // Returns at once; the connection is made, and made again, in the background.
  static Result<Socket> connect(Context& context, SocketKind kind, const Endpoint& endpoint,
                                const SocketOptions& options = {});
  ~Socket();
  Socket(Socket&& other) noexcept;
  Socket& operator=(Socket&& other) noexcept;

  // Where it listens, with the port that was chosen; or where it connects.
  const Endpoint& endpoint() const { return endpoint_; }

  enum class Event { readable, writable };
  // True when the socket is ready; false after `timeout` (negative: none) or when `waker` was
  // woken.
  Result<bool> wait(Event event, std::chrono::milliseconds timeout, const Waker* waker = nullptr);

  // Takes one whole message of at most `limits::kFramePartsMax` parts; parts beyond are counted and
  // dropped. Returns the number of parts it had, 0 when none is waiting.
  Result<std::size_t> try_receive(std::vector<Message>& parts);
  // Sends one message without waiting. False when the peer's queue is full or the peer is gone.
  Result<bool> try_send(std::span<Message> parts);

 private:
  // Watches a connection being made.
  friend Status explain_unreachable(Context& context, const Endpoint& endpoint,
                                    const SocketOptions& options,
                                    std::chrono::milliseconds patience);

  Socket(void* handle, Endpoint endpoint) : handle_(handle), endpoint_(std::move(endpoint)) {}
  // `connect` in two steps.
  static Result<Socket> open_to_connect(Context& context, SocketKind kind, const Endpoint& endpoint,
                                        const SocketOptions& options);
  Status start_connecting();

  void* handle_ = nullptr;
  Endpoint endpoint_;
};

}  // namespace millrace::net
