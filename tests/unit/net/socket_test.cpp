#include "common/net/socket.hpp"

#include <boost/test/unit_test.hpp>
#include <string>

namespace millrace::net {
namespace {

constexpr std::chrono::seconds kWait{20};

struct Pair {
  Pair() {
    auto bound = Socket::bind(context, SocketKind::router, Endpoint{});
    BOOST_REQUIRE_MESSAGE(bound.is_ok(), bound.status().message());
    server.emplace(std::move(bound).value());
    auto connected = Socket::connect(context, SocketKind::dealer, server->endpoint());
    BOOST_REQUIRE_MESSAGE(connected.is_ok(), connected.status().message());
    client.emplace(std::move(connected).value());
  }

  void send(std::vector<std::string> texts) {
    BOOST_REQUIRE(client->wait(Socket::Event::writable, kWait).value());
    std::vector<Message> parts;
    for (const auto& text : texts) parts.emplace_back(as_bytes(text));
    BOOST_REQUIRE(client->try_send(parts).value());
  }

  Context context;
  std::optional<Socket> server, client;
};

BOOST_AUTO_TEST_SUITE(common_net_socket)

BOOST_FIXTURE_TEST_CASE(a_message_goes_there_and_back, Pair) {
  BOOST_TEST(server->endpoint().port != 0);
  send({"ping"});
  BOOST_REQUIRE(server->wait(Socket::Event::readable, kWait).value());
  std::vector<Message> parts;
  BOOST_TEST(server->try_receive(parts).value() == 2u);
  BOOST_TEST(as_text(parts[1].bytes()) == "ping");
  parts[1] = Message(as_bytes("pong"));
  BOOST_TEST(server->try_send(parts).value());
  BOOST_REQUIRE(client->wait(Socket::Event::readable, kWait).value());
  BOOST_TEST(client->try_receive(parts).value() == 1u);
  BOOST_TEST(as_text(parts[0].bytes()) == "pong");
  BOOST_TEST(client->try_receive(parts).value() == 0u);
}

BOOST_FIXTURE_TEST_CASE(parts_beyond_the_limit_are_counted_and_dropped, Pair) {
  send({"1", "2", "3", "4", "5", "6"});
  send({"next"});
  BOOST_REQUIRE(server->wait(Socket::Event::readable, kWait).value());
  std::vector<Message> parts;
  BOOST_TEST(server->try_receive(parts).value() == 7u);
  BOOST_TEST(parts.size() == limits::kFramePartsMax);
  BOOST_REQUIRE(server->wait(Socket::Event::readable, kWait).value());
  BOOST_TEST(server->try_receive(parts).value() == 2u);
  BOOST_TEST(as_text(parts[1].bytes()) == "next");
}

BOOST_FIXTURE_TEST_CASE(a_port_in_use_is_a_conflict_that_names_it, Pair) {
  const auto second = Socket::bind(context, SocketKind::router, server->endpoint());
  BOOST_REQUIRE((second.status().code() == Code::conflict));
  const std::string port = std::to_string(server->endpoint().port);
  BOOST_TEST(second.status().message().find(port) != std::string::npos);
  BOOST_TEST(second.status().hint().find("another port") != std::string::npos);
}

BOOST_FIXTURE_TEST_CASE(an_answer_to_nobody_is_told, Pair) {
  std::vector<Message> parts;
  parts.emplace_back(as_bytes("no such identity"));
  parts.emplace_back(as_bytes("answer"));
  BOOST_TEST(!server->try_send(parts).value());
}

BOOST_FIXTURE_TEST_CASE(a_waker_ends_a_wait, Pair) {
  Waker waker;
  waker.wake();
  BOOST_TEST(!server->wait(Socket::Event::readable, std::chrono::milliseconds(-1), &waker).value());
  waker.clear();
  BOOST_TEST(!server->wait(Socket::Event::readable, std::chrono::milliseconds(0), &waker).value());
}

BOOST_AUTO_TEST_CASE(addresses_that_cannot_be_listened_on_are_refused) {
  Context context;
  const Endpoint elsewhere{.host = "192.0.2.1", .port = 0};
  BOOST_TEST((Socket::bind(context, SocketKind::router, elsewhere).status().code() ==
              Code::permission_denied));
  SocketOptions options;
  options.security.is_insecure_accepted = true;
  BOOST_TEST((Socket::bind(context, SocketKind::router, elsewhere, options).status().code() ==
              Code::invalid_argument));
  BOOST_TEST((Socket::connect(context, SocketKind::dealer, Endpoint{}).status().code() ==
              Code::invalid_argument));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace millrace::net
