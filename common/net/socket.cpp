#include "common/net/socket.hpp"

#include <sys/eventfd.h>
#include <unistd.h>
#include <zmq.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "common/base/check.hpp"

namespace millrace::net {
namespace {

static_assert(sizeof(zmq_msg_t) == 64 && alignof(zmq_msg_t) <= 8);

zmq_msg_t* message_of(void* storage) {
  return static_cast<zmq_msg_t*>(storage);
}

Status socket_error(const char* doing, const Endpoint& endpoint, int error) {
  const std::string what = std::string(doing) + " " + endpoint.text() + ": " + zmq_strerror(error);
  switch (error) {
    case EADDRINUSE:
      return {Code::conflict, what,
              "stop the program that listens on port " + std::to_string(endpoint.port) +
                  ", or choose another port (0: any free one)"};
    case EACCES:
    case EPERM:
      return {Code::permission_denied, what, "choose a port above 1023"};
    case EADDRNOTAVAIL:
    case ENODEV:
    case EINVAL:
      return {Code::invalid_argument, what,
              "name an address of this machine, for instance 127.0.0.1"};
    case EMFILE:
      return {Code::resource_exhausted, what, "raise the limit of open files (ulimit -n)"};
    default:
      return {Code::io_error, what, ""};
  }
}

int zmq_type(SocketKind kind) {
  switch (kind) {
    case SocketKind::router:
      return ZMQ_ROUTER;
    case SocketKind::dealer:
      return ZMQ_DEALER;
    case SocketKind::request:
      return ZMQ_REQ;
  }
  return ZMQ_DEALER;
}

// Option names and values are ours, never input: a refusal is a programmer's error.
template <typename T>
void set(void* socket, int option, T value) {
  MILLRACE_CHECK(zmq_setsockopt(socket, option, &value, sizeof(value)) == 0);
}

void set_options(void* socket, SocketKind kind, const Endpoint& endpoint,
                 const SocketOptions& options) {
  const auto ms = [](std::chrono::milliseconds time) { return static_cast<int>(time.count()); };
  set(socket, ZMQ_MAXMSGSIZE, static_cast<std::int64_t>(options.frame_bytes_max));
  set(socket, ZMQ_SNDHWM, options.send_queue_max);
  set(socket, ZMQ_RCVHWM, options.receive_queue_max);
  set(socket, ZMQ_LINGER, ms(options.linger));
  set(socket, ZMQ_HANDSHAKE_IVL, ms(options.handshake));
  set(socket, ZMQ_HEARTBEAT_IVL, ms(options.heartbeat));
  set(socket, ZMQ_HEARTBEAT_TIMEOUT, ms(options.heartbeat_timeout));
  if (endpoint.host.find(':') != std::string::npos) set(socket, ZMQ_IPV6, 1);
  // A router says when it cannot deliver; a client queues only for a connection that stands.
  if (kind == SocketKind::router) {
    set(socket, ZMQ_ROUTER_MANDATORY, 1);
  } else {
    set(socket, ZMQ_IMMEDIATE, 1);
    set(socket, ZMQ_RECONNECT_IVL, 50);
    set(socket, ZMQ_RECONNECT_IVL_MAX, 1'000);
  }
}

void set_key(void* socket, int option, ByteView key) {
  MILLRACE_CHECK(zmq_setsockopt(socket, option, key.data(), key.size()) == 0);
}

// Only Debian's header counts this option as a draft; the library has it.
constexpr int kZapEnforceDomain = 93;

// Alone, the keys of a server encrypt and let anybody in. A domain that is enforced makes libzmq
// ask the ClientGate, and refuse everybody where there is none.
Status set_server_keys(void* socket, const security::CurveKeyPair& keys) {
  set(socket, ZMQ_CURVE_SERVER, 1);
  set_key(socket, ZMQ_CURVE_SECRETKEY, keys.secret.bytes());
  MILLRACE_CHECK(zmq_setsockopt(socket, ZMQ_ZAP_DOMAIN, kZapDomain, sizeof(kZapDomain) - 1) == 0);
  const int yes = 1;
  if (zmq_setsockopt(socket, kZapEnforceDomain, &yes, sizeof(yes)) == 0) return {};
  return {Code::internal, "this libzmq cannot be made to refuse unknown clients",
          "use libzmq 4.3 or newer"};
}

void set_client_keys(void* socket, const security::CurveClientKeys& keys) {
  set_key(socket, ZMQ_CURVE_SERVERKEY, keys.server.bytes());
  set_key(socket, ZMQ_CURVE_PUBLICKEY, keys.own.public_key.bytes());
  set_key(socket, ZMQ_CURVE_SECRETKEY, keys.own.secret.bytes());
}

Result<void*> open(Context& context, SocketKind kind, const Endpoint& endpoint,
                   const SocketOptions& options) {
  void* socket = zmq_socket(context.handle(), zmq_type(kind));
  if (socket == nullptr) return socket_error("opening a socket for", endpoint, zmq_errno());
  set_options(socket, kind, endpoint, options);
  return socket;
}

}  // namespace

Status check_curve() {
  if (zmq_has("curve") == 1) return {};
  return {Code::internal, "this libzmq was built without CURVE, so keys cannot be used",
          "install a libzmq built with libsodium, as Debian's is"};
}

Context::Context(int io_threads) : handle_(zmq_ctx_new()) {
  MILLRACE_CHECK(handle_ != nullptr);
  MILLRACE_CHECK(zmq_ctx_set(handle_, ZMQ_IO_THREADS, io_threads) == 0);
}

Context::~Context() {
  while (zmq_ctx_term(handle_) != 0 && zmq_errno() == EINTR) {
  }
}

Message::Message() {
  zmq_msg_init(message_of(storage_.data()));
}

Message::Message(ByteView bytes) {
  MILLRACE_CHECK(zmq_msg_init_size(message_of(storage_.data()), bytes.size()) == 0);
  if (!bytes.empty()) {
    std::memcpy(zmq_msg_data(message_of(storage_.data())), bytes.data(), bytes.size());
  }
}

Message::~Message() {
  zmq_msg_close(message_of(storage_.data()));
}

Message::Message(Message&& other) noexcept : Message() {
  *this = std::move(other);
}

Message& Message::operator=(Message&& other) noexcept {
  if (this != &other) zmq_msg_move(message_of(storage_.data()), message_of(other.storage_.data()));
  return *this;
}

ByteView Message::bytes() const {
  zmq_msg_t* message = message_of(storage_.data());
  return {static_cast<const std::byte*>(zmq_msg_data(message)), zmq_msg_size(message)};
}

std::string_view Message::sender() const {
  const char* id = zmq_msg_gets(message_of(storage_.data()), "User-Id");
  return id == nullptr ? std::string_view() : id;
}

Waker::Waker() : descriptor_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  MILLRACE_CHECK(descriptor_ >= 0);
}

Waker::~Waker() {
  ::close(descriptor_);
}

void Waker::wake() {
  // Fails only when the counter is full, and then the waiter is awake already.
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = ::write(descriptor_, &one, sizeof(one));
}

void Waker::clear() {
  std::uint64_t count = 0;
  [[maybe_unused]] const auto read = ::read(descriptor_, &count, sizeof(count));
}

Result<Socket> Socket::bind(Context& context, SocketKind kind, const Endpoint& endpoint,
                            const SocketOptions& options) {
  const SocketSecurity& security = options.security;
  MILLRACE_TRY(
      check_listen_address(endpoint, {.plane = Plane::clients,
                                      .has_keys = security.server != nullptr,
                                      .is_insecure_accepted = security.is_insecure_accepted}));
  if (security.server != nullptr) MILLRACE_TRY(check_curve());
  MILLRACE_ASSIGN(void* handle, open(context, kind, endpoint, options));
  Socket socket(handle, endpoint);
  if (security.server != nullptr) MILLRACE_TRY(set_server_keys(handle, *security.server));
  if (zmq_bind(handle, endpoint.text().c_str()) != 0) {
    return socket_error("listening on", endpoint, zmq_errno());
  }
  char bound[512] = {};
  std::size_t size = sizeof(bound);
  MILLRACE_CHECK(zmq_getsockopt(handle, ZMQ_LAST_ENDPOINT, bound, &size) == 0);
  MILLRACE_ASSIGN(const Endpoint actual, Endpoint::parse(bound));
  socket.endpoint_.port = actual.port;
  return socket;
}

Result<Socket> Socket::connect(Context& context, SocketKind kind, const Endpoint& endpoint,
                               const SocketOptions& options) {
  MILLRACE_ASSIGN(Socket socket, open_to_connect(context, kind, endpoint, options));
  MILLRACE_TRY(socket.start_connecting());
  return socket;
}

Result<Socket> Socket::open_to_connect(Context& context, SocketKind kind, const Endpoint& endpoint,
                                       const SocketOptions& options) {
  if (endpoint.port == 0) {
    return Status(Code::invalid_argument,
                  "cannot connect to " + endpoint.text() + " without a port",
                  "name the port that the server printed");
  }
  const auto& keys = options.security.client;
  if (keys != nullptr) MILLRACE_TRY(check_curve());
  MILLRACE_ASSIGN(void* handle, open(context, kind, endpoint, options));
  if (keys != nullptr) set_client_keys(handle, *keys);
  return Socket(handle, endpoint);
}

Status Socket::start_connecting() {
  if (zmq_connect(handle_, endpoint_.text().c_str()) == 0) return {};
  return socket_error("connecting to", endpoint_, zmq_errno());
}

Socket::~Socket() {
  if (handle_ != nullptr) zmq_close(handle_);
}

Socket::Socket(Socket&& other) noexcept
    : handle_(std::exchange(other.handle_, nullptr)), endpoint_(std::move(other.endpoint_)) {}

Socket& Socket::operator=(Socket&& other) noexcept {
  std::swap(handle_, other.handle_);
  std::swap(endpoint_, other.endpoint_);
  return *this;
}

Result<bool> Socket::wait(Event event, std::chrono::milliseconds timeout, const Waker* waker) {
  const short events = event == Event::readable ? ZMQ_POLLIN : ZMQ_POLLOUT;
  zmq_pollitem_t items[2] = {{handle_, 0, events, 0},
                             {nullptr, waker != nullptr ? waker->descriptor() : -1, ZMQ_POLLIN, 0}};
  const long wait_ms = timeout.count() < 0 ? -1 : static_cast<long>(timeout.count());
  const int ready = zmq_poll(items, waker != nullptr ? 2 : 1, wait_ms);
  if (ready < 0 && zmq_errno() != EINTR) return socket_error("waiting on", endpoint_, zmq_errno());
  return ready > 0 && (items[0].revents & events) != 0;
}

Result<std::size_t> Socket::try_receive(std::vector<Message>& parts) {
  parts.clear();
  std::size_t count = 0;
  for (bool has_more = true; has_more; ++count) {
    Message part;
    zmq_msg_t* message = message_of(part.handle());
    int received = -1;
    do {
      received = zmq_msg_recv(message, handle_, ZMQ_DONTWAIT);
    } while (received < 0 && zmq_errno() == EINTR);
    if (received < 0) {
      // Messages arrive whole: only the first part can be missing.
      if (zmq_errno() == EAGAIN && count == 0) return std::size_t{0};
      return socket_error("receiving on", endpoint_, zmq_errno());
    }
    has_more = zmq_msg_more(message) != 0;
    if (count < limits::kFramePartsMax) parts.push_back(std::move(part));
  }
  return count;
}

Result<bool> Socket::try_send(std::span<Message> parts) {
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const int more = i + 1 < parts.size() ? ZMQ_SNDMORE : 0;
    int sent = -1;
    do {
      sent = zmq_msg_send(message_of(parts[i].handle()), handle_, ZMQ_DONTWAIT | more);
    } while (sent < 0 && zmq_errno() == EINTR);
    if (sent >= 0) continue;
    if (zmq_errno() == EAGAIN || zmq_errno() == EHOSTUNREACH) return false;
    return socket_error("sending on", endpoint_, zmq_errno());
  }
  return true;
}

}  // namespace millrace::net
