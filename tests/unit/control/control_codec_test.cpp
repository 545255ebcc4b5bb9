#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstring>
#include <random>

#include "common/base/limits.hpp"
#include "common/wire/control_codec.hpp"
#include "tests/support/control_messages.hpp"
#include "tests/support/seed.hpp"

namespace millrace {
namespace {

using namespace control;

Bytes frame_of(const Request& request) {
  const auto frame = wire::encode(request);
  BOOST_REQUIRE_MESSAGE(frame.is_ok(), frame.status().message());
  return frame.value();
}
Bytes frame_of(const Reply& reply) {
  const auto frame = wire::encode(reply);
  BOOST_REQUIRE_MESSAGE(frame.is_ok(), frame.status().message());
  return frame.value();
}

Request decoded_request(ByteView frame) {
  std::uint64_t id = 0;
  auto request = wire::decode_control_request(frame, id);
  BOOST_REQUIRE_MESSAGE(request.is_ok(), request.status().message());
  return std::move(request).value();
}

BOOST_AUTO_TEST_SUITE(common_wire_control)

BOOST_AUTO_TEST_CASE(every_kind_of_request_comes_out_as_it_went_in) {
  const auto requests = test::example_requests();
  BOOST_REQUIRE(requests.size() == std::variant_size_v<RequestKind>);
  for (std::size_t kind = 0; kind < requests.size(); ++kind) {
    BOOST_TEST_REQUIRE(requests[kind].what.index() == kind);
    const auto frame = frame_of(requests[kind]);
    const auto request = decoded_request(frame);
    BOOST_TEST(request.id == requests[kind].id);
    BOOST_TEST(wire::control_request_id(frame) == requests[kind].id);
    BOOST_TEST(request.deadline_ms == requests[kind].deadline_ms);
    BOOST_TEST(request.what.index() == kind);
    // The same bytes again, so that no field is lost on the way.
    BOOST_TEST((frame_of(request) == frame));
  }
  const auto submit = std::get<Submit>(decoded_request(frame_of(requests.front())).what);
  BOOST_TEST(submit.file_name == "job.yaml");
  BOOST_TEST(submit.yaml == "version: 1\n");
  BOOST_TEST(submit.overrides == (std::vector<std::string>{"seed=7", "parallelism=2"}));
  BOOST_TEST(submit.update);
  BOOST_TEST(submit.from == "nightly");
}

BOOST_AUTO_TEST_CASE(every_kind_of_reply_comes_out_as_it_went_in) {
  const auto replies = test::example_replies();
  BOOST_REQUIRE(replies.size() == std::variant_size_v<ReplyKind>);
  for (std::size_t kind = 0; kind < replies.size(); ++kind) {
    BOOST_TEST_REQUIRE(replies[kind].what.index() == kind);
    const auto frame = frame_of(replies[kind]);
    const auto reply = wire::decode_control_reply(frame);
    BOOST_REQUIRE_MESSAGE(reply.is_ok(), reply.status().message());
    BOOST_TEST(reply.value().id == replies[kind].id);
    BOOST_TEST(reply.value().what.index() == kind);
    BOOST_TEST((frame_of(reply.value()) == frame));
  }
}

BOOST_AUTO_TEST_CASE(the_status_of_a_job_keeps_every_figure) {
  const auto reply = wire::decode_control_reply(frame_of(test::example_replies().at(3)));
  BOOST_REQUIRE(reply.is_ok());
  const auto& status = std::get<JobStatus>(reply.value().what);
  BOOST_TEST((status.state == JobState::recovering));
  BOOST_TEST((status.task == Task::multiclass));
  BOOST_TEST(status.workers.at(0).replicas == (std::vector<std::uint32_t>{0, 2}));
  BOOST_TEST(status.evaluation.prequential.confusion_matrix.at(1).at(0) == 3u);
  BOOST_TEST(*status.evaluation.prequential.auc == 0.875);
  BOOST_TEST(!status.evaluation.window.auc.has_value());
  BOOST_TEST(status.evaluation.window.records == 3u);
  BOOST_TEST((status.last_error->code == Code::io_error));
  BOOST_TEST(status.last_error->may_have_happened);
  BOOST_TEST(status.recovery.from_cut == 9u);
  BOOST_TEST(status.splits.at(0).lag == 77u);
  BOOST_TEST(status.quarantine.at(0).column == "price");
}

BOOST_AUTO_TEST_CASE(who_asks_is_never_read_from_the_bytes) {
  auto request = test::example_requests().front();
  request.client = "admin";
  BOOST_TEST(decoded_request(frame_of(request)).client.empty());
}

BOOST_AUTO_TEST_CASE(a_text_at_its_limit_travels_and_one_byte_more_does_not) {
  Request request{.id = 1,
                  .what = GetStatus{.job = std::string(limits::kControlTextBytesMax, 'x')}};
  BOOST_TEST(std::get<GetStatus>(decoded_request(frame_of(request)).what).job.size() ==
             limits::kControlTextBytesMax);
  std::get<GetStatus>(request.what).job += 'x';
  BOOST_TEST((wire::encode(request).status().code() == Code::resource_exhausted));
  Submit submit;
  submit.yaml = std::string(limits::kControlDocumentBytesMax, '#');
  request.what = submit;
  BOOST_TEST(wire::encode(request).is_ok());
  submit.yaml += '#';
  request.what = submit;
  BOOST_TEST((wire::encode(request).status().code() == Code::resource_exhausted));
}

BOOST_AUTO_TEST_CASE(a_list_at_its_limit_travels_and_one_more_does_not) {
  EventList list;
  list.events.resize(limits::kControlListMax);
  BOOST_TEST(wire::decode_control_reply(frame_of(Reply{.what = list})).is_ok());
  list.events.emplace_back();
  BOOST_TEST((wire::encode(Reply{.what = list}).status().code() == Code::resource_exhausted));
}

// The word before a list of structs says how many there are, and of how many words: half a billion
// of no words at all fit into any frame.
BOOST_AUTO_TEST_CASE(a_list_of_elements_without_bytes_is_refused) {
  EventList list;
  list.events.resize(3);
  const auto frame = frame_of(Reply{.what = list});
  std::vector<std::uint64_t> words(frame.size() / 8);
  std::memcpy(words.data(), frame.data(), frame.size());
  bool is_found = false;
  for (auto& word : words) {
    const bool is_tag = (word & 0xFFFFFFFFu) == (3u << 2) && (word >> 32) != 0;
    const bool is_list = (word & 3) == 1 && ((word >> 32) & 7) == 7;
    if (is_tag) {
      word = std::uint64_t{(1u << 29) - 1} << 2;
      is_found = true;
    } else if (is_list) {
      word &= (std::uint64_t{1} << 35) - 1;  // of no words
    }
  }
  BOOST_REQUIRE(is_found);
  const auto reply = wire::decode_control_reply(std::as_bytes(std::span(words)));
  BOOST_TEST(!reply.is_ok());
}

BOOST_AUTO_TEST_CASE(no_truncated_or_flipped_message_crashes) {
  std::vector<Bytes> frames;
  for (const auto& request : test::example_requests()) frames.push_back(frame_of(request));
  for (const auto& reply : test::example_replies()) frames.push_back(frame_of(reply));
  const auto check = [](ByteView damaged) {
    std::uint64_t id = 0;
    const auto request = wire::decode_control_request(damaged, id);
    if (request.is_ok()) BOOST_TEST_REQUIRE(wire::encode(request.value()).is_ok());
    const auto reply = wire::decode_control_reply(damaged);
    if (reply.is_ok()) BOOST_TEST_REQUIRE(wire::encode(reply.value()).is_ok());
  };
  for (const auto& frame : frames) {
    for (std::size_t at = 0; at < frame.size(); ++at) {
      check(ByteView(frame).first(at));
      for (const auto value : {std::byte{0x00}, std::byte{0xFF}, ~frame[at]}) {
        Bytes damaged = frame;
        damaged[at] = value;
        check(damaged);
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(random_damage_of_several_bytes_never_crashes) {
  std::mt19937_64 random(test::seed());
  const auto frame = frame_of(test::example_replies().at(3));
  for (int round = 0; round < 20'000; ++round) {
    Bytes damaged = frame;
    for (int flips = 0; flips < 4; ++flips)
      damaged[random() % damaged.size()] = static_cast<std::byte>(random());
    const auto reply = wire::decode_control_reply(damaged);
    if (reply.is_ok()) BOOST_TEST_REQUIRE(wire::encode(reply.value()).is_ok());
  }
}

BOOST_AUTO_TEST_CASE(an_unknown_kind_of_request_is_told_by_its_number) {
  auto frame = frame_of(Request{.id = 77, .what = GetVersion{}});
  // The union's discriminant: the only 16 bits that hold the kind's number.
  const auto kind = static_cast<std::uint16_t>(std::variant_size_v<RequestKind> - 1);
  bool is_found = false;
  for (std::size_t at = 8; at + 1 < frame.size(); at += 2) {
    std::uint16_t value = 0;
    std::memcpy(&value, frame.data() + at, sizeof value);
    if (value != kind) continue;
    value = 999;
    std::memcpy(frame.data() + at, &value, sizeof value);
    is_found = true;
    break;
  }
  BOOST_REQUIRE(is_found);
  std::uint64_t id = 0;
  const auto request = wire::decode_control_request(frame, id);
  BOOST_TEST((request.status().code() == Code::invalid_argument));
  BOOST_TEST(id == 77u);
  BOOST_TEST(request.status().message().find("does not know") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_code_of_a_newer_program_is_an_internal_error) {
  BOOST_TEST((to_error(Status(Code::timed_out, "late")).may_have_happened));
  BOOST_TEST((to_status({.code = Code::ok, .message = "odd"}).code() == Code::internal));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace millrace
