#include "common/net/guarded_socket.hpp"

#include <boost/test/unit_test.hpp>

namespace millrace::net {
namespace {

// As a ROUTER socket gives them.
RoutedMessage taken(const std::vector<std::string>& sent) {
  std::vector<Message> parts;
  for (const auto& part : sent) parts.emplace_back(as_bytes(part));
  auto message = take_apart(parts, sent.size());
  BOOST_TEST(parts.empty());
  return message;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(common_net_guarded_socket)

BOOST_AUTO_TEST_CASE(a_message_is_route_and_payload_with_and_without_a_delimiter) {
  const auto plain = taken({"identity", "payload"});
  BOOST_TEST(plain.route.size() == 1u);
  BOOST_TEST(as_text(plain.payload.bytes()) == "payload");
  const auto delimited = taken({"identity", "", "payload"});
  BOOST_TEST(delimited.route.size() == 2u);
  BOOST_TEST(as_text(delimited.route.front().bytes()) == "identity");
  BOOST_TEST(as_text(delimited.payload.bytes()) == "payload");
}

BOOST_AUTO_TEST_CASE(a_message_of_another_shape_has_a_way_back_and_no_payload) {
  const std::vector<std::vector<std::string>> shapes = {
      {"identity"}, {"identity", "a", "b"}, {"identity", "", "a", "b"}};
  for (const auto& shape : shapes) {
    const auto message = taken(shape);
    BOOST_TEST(as_text(message.route.front().bytes()) == "identity");
    BOOST_TEST(message.payload.bytes().empty());
  }
}

BOOST_AUTO_TEST_CASE(with_keys_and_without_a_policy_nothing_listens) {
  GuardedSocketOptions options;
  options.security.server =
      std::make_shared<const security::CurveKeyPair>(security::make_curve_key_pair());
  options.policy_file = "no-such-policy.json";
  BOOST_TEST(!GuardedSocket::open(options).is_ok());
}

BOOST_AUTO_TEST_CASE(without_keys_there_is_no_guard) {
  const auto opened = GuardedSocket::open({});
  BOOST_REQUIRE_MESSAGE(opened.is_ok(), opened.status().message());
  BOOST_TEST((opened.value()->guard() == nullptr));
  BOOST_TEST(opened.value()->endpoint().starts_with("tcp://127.0.0.1:"));
  BOOST_TEST(opened.value()->stats().admitted == 0u);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace millrace::net
