#include <capnp/message.h>
#include <capnp/serialize.h>

#include <boost/test/unit_test.hpp>
#include <cstring>

#include "common/base/limits.hpp"
#include "common/wire/prediction.hpp"

namespace millrace::wire {
namespace {

std::vector<std::uint64_t> words_of(const PredictRequest& request) {
  const Bytes frame = encode(request).value();
  std::vector<std::uint64_t> words(frame.size() / 8);
  std::memcpy(words.data(), frame.data(), frame.size());
  return words;
}

Status decode(std::span<const std::uint64_t> words, PredictRequest& request) {
  return decode_request(std::as_bytes(words), request);
}

// The word before a list of structs: how many, their data words and their pointers.
constexpr std::uint64_t struct_tag(std::uint64_t count, std::uint64_t data,
                                   std::uint64_t pointers) {
  return (count << 2) | (data << 32) | (pointers << 48);
}

PredictRequest rows(std::size_t count) {
  PredictRequest request;
  request.id = 77;
  for (std::size_t row = 0; row < count; ++row) request.end_row();
  return request;
}

BOOST_AUTO_TEST_SUITE(common_wire_bounds)

BOOST_AUTO_TEST_CASE(a_frame_at_any_address_is_read) {
  PredictRequest request = rows(2);
  request.add_text("x", "1");
  request.end_row();
  const Bytes frame = encode(request).value();
  Bytes shifted(frame.size() + 8);
  for (std::size_t shift = 0; shift < 8; ++shift) {
    std::memcpy(shifted.data() + shift, frame.data(), frame.size());
    PredictRequest decoded;
    BOOST_TEST(decode_request(ByteView(shifted).subspan(shift, frame.size()), decoded).is_ok());
    BOOST_TEST(decoded.cells.at(0).text == "1");
  }
}

BOOST_AUTO_TEST_CASE(a_list_of_elements_without_bytes_is_refused) {
  auto words = words_of(rows(1));
  const auto tag = std::ranges::find(words, struct_tag(1, 0, 1));
  BOOST_REQUIRE(tag != words.end());
  // Half a billion rows of no words each.
  *tag = struct_tag((1u << 29) - 1, 0, 0);
  for (auto& word : words) {
    const bool is_row_list = (word & 3) == 1 && ((word >> 32) & 7) == 7 && (word >> 35) == 1;
    if (is_row_list) word &= 0x7FFFFFFFFull;
  }
  PredictRequest request;
  const Status status = decode(words, request);
  BOOST_TEST(!status.is_ok());
  BOOST_TEST(request.row_ends.size() <= words.size());
}

BOOST_AUTO_TEST_CASE(many_pointers_to_one_list_are_refused) {
  constexpr std::size_t kRows = 1'000;
  PredictRequest request;
  request.form = RowForm::ordered;
  for (std::size_t i = 0; i < 1'000; ++i) request.add_number("", 1.0);
  for (std::size_t row = 0; row < kRows; ++row) request.end_row();
  auto words = words_of(request);
  const auto tag = std::ranges::find(words, struct_tag(kRows, 0, 1));
  BOOST_REQUIRE(tag != words.end());
  const std::uint64_t first = *(tag + 1);
  for (std::uint64_t row = 1; row < kRows; ++row) {
    *(tag + 1 + static_cast<std::ptrdiff_t>(row)) = first - (row << 2);
  }
  PredictRequest decoded;
  const Status status = decode(words, decoded);
  BOOST_TEST((status.code() == Code::invalid_argument));
  BOOST_TEST(decoded.cells.size() <= words.size());
  BOOST_TEST(decoded.id == request.id);
}

BOOST_AUTO_TEST_CASE(rows_are_accepted_up_to_the_limit) {
  PredictRequest decoded;
  BOOST_TEST(decode(words_of(rows(limits::kPredictRowsMax)), decoded).is_ok());
  BOOST_TEST(decoded.rows() == limits::kPredictRowsMax);
  const Status status = decode(words_of(rows(limits::kPredictRowsMax + 1)), decoded);
  BOOST_TEST((status.code() == Code::resource_exhausted));
  BOOST_TEST(decoded.id == 77u);
}

BOOST_AUTO_TEST_CASE(fields_of_a_row_are_accepted_up_to_the_limit) {
  PredictRequest request;
  for (std::size_t i = 0; i < limits::kColumnsMax; ++i) request.add_missing("x");
  request.end_row();
  PredictRequest decoded;
  BOOST_TEST(decode(words_of(request), decoded).is_ok());
  request.add_missing("x");
  ++request.row_ends.back();
  BOOST_TEST((decode(words_of(request), decoded).code() == Code::resource_exhausted));
}

BOOST_AUTO_TEST_CASE(a_frame_beyond_the_limit_is_refused_by_both_sides) {
  const std::string text(limits::kFrameBytesMax, 'x');
  PredictRequest request;
  request.add_text("x", text);
  request.end_row();
  BOOST_TEST((encode(request).status().code() == Code::resource_exhausted));
  const Bytes frame(limits::kFrameBytesMax + 8);
  BOOST_TEST((decode_request(frame, request).code() == Code::resource_exhausted));
}

BOOST_AUTO_TEST_CASE(bytes_after_the_message_are_refused) {
  auto words = words_of(rows(1));
  words.push_back(0);
  PredictRequest request;
  BOOST_TEST((decode(words, request).code() == Code::invalid_argument));
}

BOOST_AUTO_TEST_CASE(too_many_segments_are_refused) {
  PredictRequest request;
  const std::vector<std::uint64_t> words(600, 0x00000000FFFFFFFFull);
  BOOST_TEST((decode(words, request).code() == Code::invalid_argument));
}

BOOST_AUTO_TEST_CASE(a_deep_chain_of_pointers_is_not_followed) {
  // Each word points to a struct of one pointer that begins at the next word: 10,000 deep.
  std::vector<std::uint64_t> words(10'002, struct_tag(0, 0, 1));
  words[0] = std::uint64_t{10'001} << 32;
  words.back() = 0;
  PredictRequest request;
  (void)decode(words, request).is_ok();
  BOOST_TEST(request.cells.empty());
}

BOOST_AUTO_TEST_CASE(errors_keep_their_meaning_across_the_wire) {
  for (const Code code : {Code::invalid_argument, Code::not_found, Code::resource_exhausted,
                          Code::timed_out, Code::internal}) {
    const Status status(code, "what", "hint");
    const Status back = to_status(to_error(status));
    BOOST_TEST((back.code() == code));
    BOOST_TEST(back.message() == "what");
    BOOST_TEST(back.hint() == "hint");
  }
  BOOST_TEST(to_error(Status(Code::timed_out, "late")).code == "expired");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace millrace::wire
