#include <boost/test/unit_test.hpp>
#include <functional>

#include "tests/compat/golden.hpp"

namespace millrace {
namespace {

const char* const kRequests[] = {"v1/request_named.bin", "v1/request_ordered.bin",
                                 "v1/request_numeric.bin"};
// With minRevision.
const char* const kRequests2[] = {"v2/request_named.bin", "v2/request_ordered.bin",
                                  "v2/request_numeric.bin"};
const char* const kReplies[] = {"v1/reply_predictions.bin", "v1/reply_numeric.bin",
                                "v1/reply_error.bin"};

// Every byte set to 0x00, to 0xFF and flipped, and every truncation.
void for_each_damage(const Bytes& golden, const std::function<void(ByteView)>& check) {
  for (std::size_t at = 0; at < golden.size(); ++at) {
    for (const auto value : {std::byte{0x00}, std::byte{0xFF}, ~golden[at]}) {
      Bytes damaged = golden;
      damaged[at] = value;
      check(damaged);
    }
    check(Bytes(golden.begin(), golden.begin() + static_cast<std::ptrdiff_t>(at)));
  }
}

void check_equal(const wire::PredictRequest& a, const wire::PredictRequest& b) {
  BOOST_TEST(a.id == b.id);
  BOOST_TEST(a.model == b.model);
  BOOST_TEST(a.version == b.version);
  BOOST_TEST(a.alias == b.alias);
  BOOST_TEST((a.form == b.form));
  BOOST_TEST(a.row_ends == b.row_ends);
  BOOST_TEST(a.numeric_columns == b.numeric_columns);
  BOOST_TEST((as_text(a.numeric_values) == as_text(b.numeric_values)));
  BOOST_TEST(a.deadline_ms == b.deadline_ms);
  BOOST_TEST(a.sent_at_ms == b.sent_at_ms);
  BOOST_TEST(a.probabilities == b.probabilities);
  BOOST_TEST(a.min_revision == b.min_revision);
  BOOST_REQUIRE(a.cells.size() == b.cells.size());
  for (std::size_t i = 0; i < a.cells.size(); ++i) {
    BOOST_TEST(a.cells[i].name == b.cells[i].name);
    BOOST_TEST((a.cells[i].kind == b.cells[i].kind));
    BOOST_TEST(a.cells[i].number == b.cells[i].number);
    BOOST_TEST(a.cells[i].text == b.cells[i].text);
  }
}

BOOST_AUTO_TEST_SUITE(common_wire_prediction)

// Run once when a message gains a format version: `compat --run_test=*/write_golden_messages`.
BOOST_AUTO_TEST_CASE(write_golden_messages, *boost::unit_test::disabled()) {
  auto messages = test::golden_messages();
  messages.named.min_revision = 3;
  test::write_golden(kRequests2[0], wire::encode(messages.named).value());
  test::write_golden(kRequests2[1], wire::encode(messages.ordered).value());
  test::write_golden(kRequests2[2], wire::encode(messages.numeric).value());
  test::write_golden(kReplies[0], wire::encode(messages.predictions).value());
  test::write_golden(kReplies[1], wire::encode(messages.numeric_predictions).value());
  test::write_golden(kReplies[2], wire::encode(messages.error).value());
}

BOOST_AUTO_TEST_CASE(requests_of_versions_1_and_2_are_understood) {
  auto messages = test::golden_messages();
  wire::PredictRequest* const expected[] = {&messages.named, &messages.ordered, &messages.numeric};
  for (std::size_t i = 0; i < std::size(kRequests); ++i) {
    const Bytes first = test::read_golden(kRequests[i]);
    const Bytes second = test::read_golden(kRequests2[i]);
    wire::PredictRequest request;
    const Status status = wire::decode_request(first, request);
    BOOST_REQUIRE_MESSAGE(status.is_ok(), status.message());
    check_equal(request, *expected[i]);
    BOOST_TEST(wire::request_id(first) == expected[i]->id);
    expected[i]->min_revision = i == 0 ? 3 : 0;
    wire::PredictRequest newer;
    BOOST_REQUIRE(wire::decode_request(second, newer).is_ok());
    check_equal(newer, *expected[i]);
    BOOST_TEST(wire::encode(newer).value() == second);
    BOOST_TEST(wire::request_id(second) == expected[i]->id);
  }
}

BOOST_AUTO_TEST_CASE(replies_of_version_1_are_understood) {
  const auto predictions = wire::decode_reply(test::read_golden(kReplies[0]));
  BOOST_REQUIRE(predictions.is_ok());
  const auto& reply = predictions.value();
  BOOST_TEST(reply.alias_revision == 2u);
  BOOST_TEST(reply.cut == 11u);
  BOOST_TEST(reply.records == 45'312u);
  BOOST_TEST(reply.classes == (std::vector<std::string>{"DOWN", "UP"}));
  BOOST_TEST(reply.predictions.at(0).label == "UP");
  BOOST_TEST(reply.predictions.at(0).missing == std::vector<std::string>{"demand"});
  BOOST_TEST(reply.predictions.at(1).probabilities == (std::vector<double>{0.5, 0.5}));
  const auto numeric = wire::decode_reply(test::read_golden(kReplies[1]));
  BOOST_REQUIRE(numeric.is_ok());
  BOOST_TEST(numeric.value().numeric->values == (std::vector<float>{0.25f, 0.75f}));
  const auto error = wire::decode_reply(test::read_golden(kReplies[2]));
  BOOST_REQUIRE(error.is_ok());
  BOOST_TEST(error.value().error->hint == "served versions: 4");
  for (const auto* name : kReplies) {
    const Bytes frame = test::read_golden(name);
    BOOST_TEST(wire::encode(wire::decode_reply(frame).value()).value() == frame);
  }
}

BOOST_AUTO_TEST_CASE(no_damaged_request_crashes_or_takes_more_memory_than_its_bytes_allow) {
  wire::PredictRequest request;
  for (const auto* name : kRequests) {
    const Bytes golden = test::read_golden(name);
    for_each_damage(golden, [&](ByteView damaged) {
      const Status status = wire::decode_request(damaged, request);
      if (!status.is_ok()) return;
      BOOST_TEST_REQUIRE(request.cells.size() <= damaged.size() / 8);
      BOOST_TEST_REQUIRE(wire::encode(request).is_ok());
    });
  }
}

BOOST_AUTO_TEST_CASE(no_damaged_reply_crashes) {
  for (const auto* name : kReplies) {
    for_each_damage(test::read_golden(name), [](ByteView damaged) {
      const auto reply = wire::decode_reply(damaged);
      if (reply.is_ok()) BOOST_TEST_REQUIRE(wire::encode(reply.value()).is_ok());
    });
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace millrace
