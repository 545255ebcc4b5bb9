// A control server over a fake service, with keys made as keygen makes them or without, and ways to
// ask it.
#pragma once

#include <boost/test/unit_test.hpp>
#include <thread>

#include "common/net/socket.hpp"
#include "common/security/cluster_keys.hpp"
#include "coordinator/control/control_client.hpp"
#include "coordinator/control/control_server.hpp"
#include "tests/integration/control_endpoint/fake_service.hpp"
#include "tests/unit/security/key_tree.hpp"

namespace millrace::test {

// Clients: `ops` may operate and read, `starter` operate, `viewer` read, `app` predict, `root`
// everything.
struct Controlled {
  void protect() {
    tree.emplace();
    tree->name_node("coordinator-1", NodeRole::coordinator);
    tree->name_client("ops", {ClientRole::operate, ClientRole::read_metrics});
    tree->name_client("starter", {ClientRole::operate});
    tree->name_client("viewer", {ClientRole::read_metrics});
    tree->name_client("app", {ClientRole::predict});
    tree->name_client("root", {ClientRole::admin});
    tree->make();
    tree->name_nobody();
    const auto keys = load_cluster_keys({.folder = tree->path("nodes/coordinator-1").string(),
                                         .role = NodeRole::coordinator,
                                         .policy = {}},
                                        kNow);
    BOOST_REQUIRE_MESSAGE(keys.is_ok(), keys.status().message());
    options.security.server = keys.value().curve;
    options.policy_file = keys.value().policy_file;
    options.gate.refresh = std::chrono::milliseconds(20);
  }
  void start() {
    auto started = ControlServer::start(options, service);
    BOOST_REQUIRE_MESSAGE(started.is_ok(), started.status().message());
    server = std::move(started).value();
  }

  net::Endpoint endpoint() const { return net::Endpoint::parse(server->endpoint()).value(); }
  std::string key_folder(const std::string& id) const {
    return tree->path("clients/" + id).string();
  }
  std::unique_ptr<ControlClient> client(
      const std::string& id = {},
      std::chrono::milliseconds timeout = std::chrono::seconds(20)) const {
    ControlClientOptions asked{.endpoint = endpoint(), .keys = {}, .timeout = timeout};
    asked.connect_timeout = std::chrono::seconds(20);
    if (!id.empty()) asked.keys = load_client_keys(key_folder(id), NodeRole::coordinator).value();
    auto connected = ControlClient::connect(asked);
    BOOST_REQUIRE_MESSAGE(connected.is_ok(), connected.status().message());
    return std::move(connected).value();
  }
  // The server's thread shows its counters after each round; a stop shows the last ones.
  ControlStats final_stats() const {
    server->stop();
    return server->stats();
  }
  // Until the service was asked so many things.
  void await_asked(std::size_t count) const {
    for (int i = 0; i < 3'000 && service.asked().size() < count; ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    BOOST_REQUIRE(service.asked().size() >= count);
  }

  FakeService service;
  std::optional<KeyTree> tree;
  ControlServerOptions options;
  std::unique_ptr<ControlServer> server;
};

// A client that sends whatever it is told to.
class RawAsker {
 public:
  explicit RawAsker(const Controlled& controlled, net::SocketKind kind = net::SocketKind::dealer)
      : socket_(net::Socket::connect(context_, kind, controlled.endpoint()).value()) {}

  void send(ByteView frame) {
    BOOST_REQUIRE(socket_.wait(net::Socket::Event::writable, kWait).value());
    net::Message message(frame);
    BOOST_REQUIRE(socket_.try_send(std::span(&message, 1)).value());
  }
  void ask(std::uint64_t id, control::RequestKind what, std::uint32_t deadline_ms = 0) {
    const control::Request request{
        .id = id, .deadline_ms = deadline_ms, .client = "", .what = std::move(what)};
    send(wire::encode(request).value());
  }
  control::Reply receive() {
    BOOST_REQUIRE_MESSAGE(socket_.wait(net::Socket::Event::readable, kWait).value(), "no answer");
    std::vector<net::Message> parts;
    BOOST_REQUIRE(socket_.try_receive(parts).value() != 0);
    auto reply = wire::decode_control_reply(parts.back().bytes());
    BOOST_REQUIRE_MESSAGE(reply.is_ok(), reply.status().message());
    return std::move(reply).value();
  }
  control::Error receive_error(std::uint64_t id) {
    const auto reply = receive();
    BOOST_TEST(reply.id == id);
    BOOST_REQUIRE(std::holds_alternative<control::Error>(reply.what));
    return std::get<control::Error>(reply.what);
  }

 private:
  static constexpr std::chrono::seconds kWait{30};
  net::Context context_;
  net::Socket socket_;
};

}  // namespace millrace::test
