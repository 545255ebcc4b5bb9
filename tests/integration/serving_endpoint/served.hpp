// A prediction server on a free port, and the ways to talk to it.
#pragma once

#include <boost/test/unit_test.hpp>

#include "common/net/socket.hpp"
#include "tests/unit/serving/example_model.hpp"
#include "worker/serving/prediction_client.hpp"
#include "worker/serving/prediction_server.hpp"

namespace millrace::test {

inline std::unique_ptr<PredictionServer> start_server(const PredictionServerOptions& options = {}) {
  auto server = PredictionServer::start(options);
  BOOST_REQUIRE_MESSAGE(server.is_ok(), server.status().message());
  return std::move(server).value();
}

inline net::Endpoint endpoint_of(const PredictionServer& server) {
  return net::Endpoint::parse(server.endpoint()).value();
}

inline std::unique_ptr<PredictionClient> connect(const PredictionServer& server) {
  auto client = PredictionClient::connect({.endpoint = endpoint_of(server)});
  BOOST_REQUIRE_MESSAGE(client.is_ok(), client.status().message());
  return std::move(client).value();
}

// A client that sends whatever it is told to.
class RawClient {
 public:
  RawClient(const PredictionServer& server, net::SocketKind kind = net::SocketKind::dealer)
      : socket_(net::Socket::connect(context_, kind, endpoint_of(server)).value()) {}

  void send(const std::vector<ByteView>& frames) {
    BOOST_REQUIRE(socket_.wait(net::Socket::Event::writable, kWait).value());
    std::vector<net::Message> parts;
    for (const auto frame : frames) parts.emplace_back(frame);
    BOOST_REQUIRE(socket_.try_send(parts).value());
  }
  wire::PredictReply receive() {
    BOOST_REQUIRE_MESSAGE(socket_.wait(net::Socket::Event::readable, kWait).value(), "no answer");
    std::vector<net::Message> parts;
    BOOST_REQUIRE(socket_.try_receive(parts).value() != 0);
    const auto reply = wire::decode_reply(parts.back().bytes());
    BOOST_REQUIRE_MESSAGE(reply.is_ok(), reply.status().message());
    return reply.value();
  }

 private:
  static constexpr std::chrono::seconds kWait{30};
  net::Context context_;
  net::Socket socket_;
};

inline wire::PredictRequest one_row(double x1 = 1.5) {
  wire::PredictRequest request;
  request.add_number("x1", x1);
  request.add_text("city", "oslo");
  request.add_text("x2", "2.5");
  request.add_number("x3", -1.0);
  request.end_row();
  return request;
}

}  // namespace millrace::test
