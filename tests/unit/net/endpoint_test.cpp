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

BOOST_AUTO_TEST_CASE(listening_beyond_loopback_needs_to_be_accepted) {
  BOOST_TEST(check_exposure(parsed("127.0.0.1:1"), {}).is_ok());
  const Status refused = check_exposure(parsed("0.0.0.0:1"), {});
  BOOST_TEST((refused.code() == Code::permission_denied));
  BOOST_TEST(refused.hint().find("--insecure") != std::string::npos);
  BOOST_TEST(check_exposure(parsed("0.0.0.0:1"), {.is_insecure_accepted = true}).is_ok());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace millrace::net
