#include "tests/integration/curve_endpoint/guarded.hpp"
#include "tests/integration/curve_endpoint/raw_peer.hpp"
#include "tests/support/seed.hpp"

namespace millrace {
namespace {

using namespace millrace::test;

struct Attacked : GuardedServer {
  Attacked() { start(); }

  // The server closes the connection, nobody is admitted, and others are served as before.
  void require_refused(const std::vector<std::string>& said, const std::string& what) {
    RawPeer peer(endpoint_of(*server));
    for (const auto& bytes : said) peer.send(bytes);
    BOOST_TEST(peer.is_closed(), what << " is not refused");
    BOOST_TEST(server->gate_stats().admitted == served, what);
  }
  void require_others_served() {
    require_served();
    ++served;
    BOOST_TEST(server->gate_stats().admitted == served);
    BOOST_TEST(server->gate_stats().unknown_keys == 0u);
  }
  // Up to the server's WELCOME.
  static std::string welcome_of(RawPeer& peer, const RawHandshake& handshake) {
    peer.send(greeting("CURVE") + command_frame(handshake.hello()));
    BOOST_REQUIRE(peer.receive(64).size() == 64);
    const auto frame = peer.receive(2 + 168);
    BOOST_REQUIRE(frame.size() == 2 + 168);
    return frame.substr(2);
  }

  std::uint64_t served = 0;
};

BOOST_FIXTURE_TEST_SUITE(integration_malformed_handshake, Attacked)

BOOST_AUTO_TEST_CASE(greetings_of_others_are_refused) {
  const std::pair<std::string, std::string> greetings[] = {
      {"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n" + zeros(64), "HTTP"},
      {std::string("\x01\0", 2) + message_frame("hello"), "ZMTP 1"},
      {"\xFF" + zeros(7) + "\x01\x7F\x01\x05" + message_frame("hello"), "ZMTP 2"},
      {greeting("NULL") + command_frame("\x05READY"), "NULL"},
      {greeting("PLAIN") + command_frame(std::string("\x05HELLO\x01") + "a\x01"
                                                                        "a"),
       "PLAIN"},
      {greeting("GSSAPI"), "GSSAPI"},
      {greeting("curve"), "a mechanism in small letters"},
      {greeting(std::string(20, 'A')), "a mechanism that nobody knows"},
      {std::string(4'096, '\xFF'), "nothing but ones"},
      {zeros(4'096), "nothing but zeros"},
  };
  for (const auto& [bytes, what] : greetings) require_refused({bytes}, what);
  require_others_served();
  BOOST_TEST(final_stats().requests == 1u);
}

BOOST_AUTO_TEST_CASE(a_hello_that_is_not_as_it_should_be_is_refused) {
  const RawHandshake handshake(server_key());
  const std::string good = handshake.hello();
  const auto with = [&](std::size_t at, char byte) {
    auto changed = good;
    changed[at] = static_cast<char>(changed[at] ^ byte);
    return changed;
  };
  const std::pair<std::string, std::string> hellos[] = {
      {"", "empty"},
      {good.substr(0, 6), "nothing but its name"},
      {good.substr(0, good.size() - 1), "too short"},
      {good + "x", "too long"},
      {with(1, 'x'), "another name"},
      {"\x05READY" + good.substr(6), "another command"},
      {with(6, 3), "another major version"},
      {with(7, 1), "another minor version"},
      {with(90, 1), "another key than the box was sealed with"},
      {with(150, 1), "a box that was changed"},
      {RawHandshake(make_curve_key_pair().public_key).hello(), "for another server"},
  };
  for (const auto& [body, what] : hellos) {
    require_refused({greeting("CURVE"), command_frame(body)}, "a hello: " + what);
  }
  require_others_served();
}

BOOST_AUTO_TEST_CASE(a_message_before_the_handshake_is_done_is_refused) {
  const auto request = wire::encode(one_row()).value();
  const std::string body(as_text(request));
  require_refused({greeting("CURVE"), message_frame(body)}, "a message instead of a hello");
  const RawHandshake handshake(server_key());
  RawPeer peer(endpoint_of(*server));
  welcome_of(peer, handshake);
  peer.send(message_frame(body));
  BOOST_TEST(peer.is_closed());
  require_others_served();
  BOOST_TEST(final_stats().requests == 1u);
}

BOOST_AUTO_TEST_CASE(an_initiate_that_is_not_as_it_should_be_is_refused) {
  const auto say = [&](const std::string& what, const auto& make_body) {
    const RawHandshake handshake(server_key());
    RawPeer peer(endpoint_of(*server));
    const auto cookie = handshake.cookie(welcome_of(peer, handshake));
    peer.send(command_frame(make_body(cookie)));
    BOOST_TEST(peer.is_closed(), "an initiate: " << what);
    BOOST_TEST(server->gate_stats().admitted == served, what);
  };
  say("a box that nobody sealed", [](auto& cookie) { return RawHandshake::initiate(cookie); });
  say("another cookie", [](auto&) { return RawHandshake::initiate(std::string(96, 'c')); });
  say("too short", [](auto& cookie) { return RawHandshake::initiate(cookie).substr(0, 256); });
  say("nothing but its name", [](auto&) { return std::string("\x08INITIATE"); });
  say("another name",
      [](auto& cookie) { return "\x08INITIATX" + RawHandshake::initiate(cookie).substr(9); });
  say("empty", [](auto&) { return std::string(); });
  require_others_served();
}

BOOST_AUTO_TEST_CASE(a_cookie_of_another_connection_is_refused) {
  const RawHandshake handshake(server_key());
  RawPeer first(endpoint_of(*server)), second(endpoint_of(*server));
  const auto cookie = handshake.cookie(welcome_of(first, handshake));
  welcome_of(second, handshake);
  second.send(command_frame(RawHandshake::initiate(cookie)));
  BOOST_TEST(second.is_closed());
  require_others_served();
}

BOOST_AUTO_TEST_CASE(lengths_beyond_every_limit_are_refused_before_anything_is_reserved) {
  const std::string huge = "\x06\x7F" + std::string(7, '\xFF');
  require_refused({greeting("CURVE"), huge, zeros(4'096)}, "a command of 2^63 bytes");
  require_refused({greeting("CURVE"), "\x02\x7F" + std::string(7, '\xFF')},
                  "a message of 2^63 bytes");
  require_others_served();
}

BOOST_AUTO_TEST_CASE(who_says_nothing_or_half_is_sent_away_in_time) {
  RawPeer silent(endpoint_of(*server)), half(endpoint_of(*server)), slow(endpoint_of(*server));
  half.send(greeting("CURVE").substr(0, 40));
  const RawHandshake handshake(server_key());
  welcome_of(slow, handshake);
  require_others_served();
  BOOST_TEST(silent.is_closed());
  BOOST_TEST(half.is_closed());
  BOOST_TEST(slow.is_closed());
}

BOOST_AUTO_TEST_CASE(garbage_after_each_step_never_admits_anybody) {
  RandomStream random(seed());
  const auto garbage = [&] {
    std::string bytes(1 + random.below(600), '\0');
    for (auto& byte : bytes) byte = static_cast<char>(random.below(256));
    return bytes;
  };
  const RawHandshake handshake(server_key());
  for (int i = 0; i < 300; ++i) {
    RawPeer peer(endpoint_of(*server));
    if (random.below(4) != 0) peer.send(greeting("CURVE"));
    if (random.below(2) != 0) peer.send(command_frame(handshake.hello()));
    peer.send(garbage());
  }
  require_others_served();
  BOOST_TEST(final_stats().requests == 1u);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace millrace
