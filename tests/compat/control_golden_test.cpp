#include <boost/test/unit_test.hpp>

#include "common/wire/control_codec.hpp"
#include "tests/compat/golden.hpp"
#include "tests/support/control_messages.hpp"

namespace millrace {
namespace {

std::string request_file(std::size_t kind) {
  return std::string("v1/control_request_") + wire::kRequestNames.at(kind) + ".bin";
}
std::string reply_file(std::size_t kind) {
  return std::string("v1/control_reply_") + wire::kReplyNames.at(kind) + ".bin";
}

BOOST_AUTO_TEST_SUITE(common_wire_control_golden)

// Run once when a message gains a format version: `compat --run_test=*/write_golden_control`.
BOOST_AUTO_TEST_CASE(write_golden_control, *boost::unit_test::disabled()) {
  for (const auto& request : test::example_requests())
    test::write_golden(request_file(request.what.index()), wire::encode(request).value());
  for (const auto& reply : test::example_replies())
    test::write_golden(reply_file(reply.what.index()), wire::encode(reply).value());
}

BOOST_AUTO_TEST_CASE(control_requests_of_version_1_are_understood) {
  for (const auto& expected : test::example_requests()) {
    const Bytes frame = test::read_golden(request_file(expected.what.index()));
    std::uint64_t id = 0;
    const auto request = wire::decode_control_request(frame, id);
    BOOST_REQUIRE_MESSAGE(request.is_ok(), request.status().message());
    BOOST_TEST(id == expected.id);
    BOOST_TEST((wire::encode(request.value()).value() == wire::encode(expected).value()));
  }
}

BOOST_AUTO_TEST_CASE(control_replies_of_version_1_are_understood) {
  for (const auto& expected : test::example_replies()) {
    const Bytes frame = test::read_golden(reply_file(expected.what.index()));
    const auto reply = wire::decode_control_reply(frame);
    BOOST_REQUIRE_MESSAGE(reply.is_ok(), reply.status().message());
    BOOST_TEST((wire::encode(reply.value()).value() == wire::encode(expected).value()));
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace millrace
