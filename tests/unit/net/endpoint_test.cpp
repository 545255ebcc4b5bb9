#include "common/net/endpoint.hpp"

#include <boost/test/unit_test.hpp>

namespace millrace::net {
namespace {

Endpoint parsed(const char* text) {
  const auto endpoint = Endpoint::parse(text);
  BOOST_REQUIRE_MESSAGE(endpoint.is_ok(), endpoint.status().message());
  return endpoint.value();
}

BOOST_AUTO_TEST_SUITE(common_net_endpoint)

BOOST_AUTO_TEST_CASE(host_and_port_are_read_in_every_spelling) {
  BOOST_TEST(parsed("tcp://127.0.0.1:4711").text() == "tcp://127.0.0.1:4711");
  BOOST_TEST(parsed("localhost:80").host == "localhost");
  BOOST_TEST(parsed("tcp://[::1]:4711").text() == "tcp://[::1]:4711");
  BOOST_TEST(parsed("127.0.0.1:*").port == 0);
  BOOST_TEST(parsed("127.0.0.1:0").text() == "tcp://127.0.0.1:*");
}

BOOST_AUTO_TEST_CASE(what_is_no_endpoint_is_refused_with_an_example) {
  for (const char* text : {"", "tcp://", "tcp://host", "host:", "host:65536", "host:-1", "host:12x",
                           ":80", "ipc:///tmp/x", "::1:80", "tcp://a b:80", "tcp://[::1:80"}) {
    const auto endpoint = Endpoint::parse(text);
    BOOST_TEST((endpoint.status().code() == Code::invalid_argument), text);
    BOOST_TEST(endpoint.status().hint().find("tcp://127.0.0.1:4711") != std::string::npos);
  }
}

BOOST_AUTO_TEST_CASE(only_this_machines_own_addresses_are_loopback) {
  for (const char* text : {"localhost:1", "127.0.0.1:1", "127.9.9.9:1", "[::1]:1"}) {
    BOOST_TEST(parsed(text).is_loopback(), text);
  }
  for (const char* text : {"*:1", "0.0.0.0:1", "[::]:1", "10.0.0.1:1", "127.example.org:1"}) {
    BOOST_TEST(!parsed(text).is_loopback(), text);
  }
}

// Every address, plane, and pair of flags.
BOOST_AUTO_TEST_CASE(listening_beyond_loopback_needs_keys_or_for_clients_an_accepted_risk) {
  for (const char* text : {"127.0.0.1:1", "[::1]:1", "localhost:1", "0.0.0.0:1", "10.0.0.1:1"}) {
    const auto endpoint = parsed(text);
    for (const auto plane : {Plane::clients, Plane::cluster}) {
      for (const bool has_keys : {false, true}) {
        for (const bool is_insecure : {false, true}) {
          const bool is_allowed =
              endpoint.is_loopback() || has_keys || (is_insecure && plane == Plane::clients);
          const Status status = check_listen_address(
              endpoint,
              {.plane = plane, .has_keys = has_keys, .is_insecure_accepted = is_insecure});
          BOOST_TEST(status.is_ok() == is_allowed, text << has_keys << is_insecure);
          if (is_allowed) continue;
          BOOST_TEST((status.code() == Code::permission_denied));
          BOOST_TEST(status.hint().find("millrace keygen") != std::string::npos);
        }
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(a_refusal_offers_insecure_only_where_it_helps) {
  const auto everywhere = parsed("0.0.0.0:1");
  const Status clients = check_listen_address(everywhere, {.plane = Plane::clients});
  BOOST_TEST(clients.hint().find("--insecure") != std::string::npos);
  const Status cluster = check_listen_address(everywhere, {.plane = Plane::cluster});
  BOOST_TEST(cluster.hint().find("--insecure") == std::string::npos);
  const Status insecure =
      check_listen_address(everywhere, {.plane = Plane::cluster, .is_insecure_accepted = true});
  BOOST_TEST(insecure.message().find("--insecure opens 127.0.0.1 only") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace millrace::net
