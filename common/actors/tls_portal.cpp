#include "common/actors/tls_portal.hpp"

#include <openssl/err.h>
#include <sys/socket.h>
#include <unistd.h>

#include <caf/io/all.hpp>
#include <caf/io/basp_broker.hpp>
#include <caf/io/middleman_actor_impl.hpp>
#include <caf/io/network/default_multiplexer.hpp>
#include <caf/io/network/doorman_impl.hpp>
#include <caf/io/network/interfaces.hpp>
#include <caf/io/network/stream_impl.hpp>
#include <caf/openssl/session.hpp>
#include <utility>

namespace millrace {
namespace {

namespace io = caf::io;
namespace network = caf::io::network;
using caf::openssl::session_ptr;
using network::native_socket;

// How a stream of CAF reads and writes: through a session, with no error of another one about.
class SessionPolicy {
 public:
  explicit SessionPolicy(session_ptr session) : session_(std::move(session)) {}
  // A handshake that failed leaves its errors too.
  ~SessionPolicy() { ERR_clear_error(); }
  SessionPolicy(const SessionPolicy&) = delete;
  SessionPolicy& operator=(const SessionPolicy&) = delete;

  network::rw_state read_some(std::size_t& count, native_socket fd, void* bytes, std::size_t size) {
    ERR_clear_error();
    return session_->read_some(count, fd, bytes, size);
  }
  network::rw_state write_some(std::size_t& count, native_socket fd, const void* bytes,
                               std::size_t size) {
    ERR_clear_error();
    return session_->write_some(count, fd, bytes, size);
  }
  bool must_read_more(native_socket fd, std::size_t threshold) {
    return session_->must_read_more(fd, threshold);
  }

 private:
  session_ptr session_;
};

// A socket that is closed unless somebody takes it.
class OwnedSocket {
 public:
  explicit OwnedSocket(native_socket fd) : fd_(fd) {}
  ~OwnedSocket() {
    if (fd_ != network::invalid_native_socket) ::close(fd_);
  }
  OwnedSocket(const OwnedSocket&) = delete;
  OwnedSocket& operator=(const OwnedSocket&) = delete;
  native_socket get() const { return fd_; }
  native_socket release() { return std::exchange(fd_, network::invalid_native_socket); }

 private:
  native_socket fd_;
};

// One connection.
class TlsScribe final : public io::scribe {
 public:
  TlsScribe(network::default_multiplexer& loop, native_socket fd, session_ptr session)
      : io::scribe(network::conn_hdl_from_socket(fd)), stream_(loop, fd, std::move(session)) {}

  void configure_read(io::receive_policy::config config) override {
    stream_.configure_read(config);
    if (std::exchange(is_launched_, true)) return;
    stream_.start(this);
    // The handshake may have to be gone on with before anything is there to be written.
    stream_.force_empty_write(this);
  }
  void ack_writes(bool enable) override { stream_.ack_writes(enable); }
  std::vector<char>& wr_buf() override { return stream_.wr_buf(); }
  std::vector<char>& rd_buf() override { return stream_.rd_buf(); }
  void flush() override { stream_.flush(this); }
  void graceful_shutdown() override {
    stream_.graceful_shutdown();
    detach(&stream_.backend(), false);
  }
  std::string addr() const override {
    const auto address = network::remote_addr_of_fd(stream_.fd());
    return address ? *address : std::string();
  }
  std::uint16_t port() const override {
    const auto port = network::remote_port_of_fd(stream_.fd());
    return port ? *port : std::uint16_t{0};
  }
  void add_to_loop() override { stream_.activate(this); }
  void remove_from_loop() override { stream_.passivate(); }

 private:
  bool is_launched_ = false;
  network::stream_impl<SessionPolicy> stream_;
};

// Null when the handshake cannot even begin.
io::scribe_ptr secure(caf::actor_system& system, network::default_multiplexer& loop,
                      OwnedSocket socket_of_peer, bool was_accepted) {
  network::nonblocking(socket_of_peer.get(), true);
  ERR_clear_error();
  auto session = caf::openssl::make_session(system, socket_of_peer.get(), was_accepted);
  ERR_clear_error();
  if (session == nullptr) return nullptr;
  return caf::make_counted<TlsScribe>(loop, socket_of_peer.release(), std::move(session));
}

// Where others connect.
class TlsDoorman final : public network::doorman_impl {
 public:
  using network::doorman_impl::doorman_impl;

  bool new_connection() override {
    if (detached()) return false;  // the loop did not take the socket out yet
    auto& loop = acceptor_.backend();
    auto scribe = secure(parent()->system(), loop, OwnedSocket(acceptor_.accepted_socket()), true);
    if (scribe == nullptr) return false;
    const auto handle = scribe->hdl();
    parent()->add_scribe(std::move(scribe));
    return doorman::new_connection(&loop, handle);
  }
};

class TlsPortal final : public io::middleman_actor_impl {
 public:
  using io::middleman_actor_impl::middleman_actor_impl;
  const char* name() const override { return "tls_portal"; }

 protected:
  caf::expected<io::scribe_ptr> connect(const std::string& host, std::uint16_t port) override {
    const auto fd = network::new_tcp_connection(host, port);
    if (!fd) return fd.error();
    auto scribe = secure(system(), loop(), OwnedSocket(*fd), false);
    if (scribe == nullptr) return caf::sec::cannot_connect_to_node;
    return scribe;
  }
  caf::expected<io::doorman_ptr> open(std::uint16_t port, const char* address,
                                      bool reuse) override {
    const auto fd = network::new_tcp_acceptor_impl(port, address, reuse);
    if (!fd) return fd.error();
    return caf::make_counted<TlsDoorman>(loop(), *fd);
  }

 private:
  network::default_multiplexer& loop() {
    return static_cast<network::default_multiplexer&>(system().middleman().backend());
  }
};

}  // namespace

io::middleman_actor spawn_tls_portal(caf::actor_system& system) {
  auto broker = system.middleman().named_broker<io::basp_broker>(caf::atom("BASP"));
  return system.spawn<TlsPortal, caf::detached + caf::hidden>(std::move(broker));
}

void stop_tls_portal(caf::actor_system& system, const io::middleman_actor& portal) {
  caf::scoped_actor self(system, true);
  self->send_exit(portal, caf::exit_reason::kill);
  self->wait_for(portal);
}

}  // namespace millrace
