#include "common/base/bytes.hpp"

#include <boost/test/unit_test.hpp>

#include "common/base/aligned.hpp"
#include "common/base/ids.hpp"

namespace millrace {
namespace {

Bytes sample() {
  ByteWriter writer;
  writer.envelope(3, 2);
  writer.put<std::uint32_t>(7);
  writer.put(1.5);
  writer.put_string("text");
  writer.put_array<float>(std::vector<float>{1, 2, 3});
  writer.put_bytes(as_bytes("raw"));
  return std::move(writer).take();
}

void read_sample(ByteReader& reader) {
  reader.envelope(3, "sample");
  reader.get<std::uint32_t>();
  reader.get<double>();
  reader.get_string();
  reader.get_array<float>();
  reader.get_bytes();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(base_bytes)

BOOST_AUTO_TEST_CASE(what_was_written_is_read) {
  const Bytes bytes = sample();
  ByteReader reader(bytes);
  BOOST_TEST(reader.envelope(2, "sample") == 3);
  BOOST_TEST(reader.get<std::uint32_t>() == 7u);
  BOOST_TEST(reader.get<double>() == 1.5);
  BOOST_TEST(reader.get_string() == "text");
  BOOST_TEST(reader.get_array<float>() == (std::vector<float>{1, 2, 3}));
  BOOST_TEST(as_text(reader.get_bytes()) == "raw");
  BOOST_TEST(reader.finish().is_ok());
}

BOOST_AUTO_TEST_CASE(every_cut_is_noticed) {
  const Bytes bytes = sample();
  for (std::size_t cut = 0; cut < bytes.size(); ++cut) {
    ByteReader reader(ByteView(bytes).first(cut));
    read_sample(reader);
    BOOST_TEST((reader.finish().code() == Code::corrupted));
  }
}

BOOST_AUTO_TEST_CASE(bytes_left_over_are_noticed) {
  Bytes bytes = sample();
  bytes.push_back(std::byte{0});
  ByteReader reader(bytes);
  read_sample(reader);
  BOOST_TEST(reader.is_ok());
  BOOST_TEST((reader.finish().code() == Code::corrupted));
}

BOOST_AUTO_TEST_CASE(a_lying_length_allocates_nothing) {
  ByteWriter writer;
  writer.put<std::uint64_t>(~std::uint64_t{0} / 4);
  ByteReader array(writer.view()), text(writer.view());
  BOOST_TEST(array.get_array<double>().empty());
  BOOST_TEST(!array.is_ok());
  BOOST_TEST(text.get_string().empty());
  BOOST_TEST(!text.is_ok());
}

BOOST_AUTO_TEST_CASE(reads_after_a_failure_give_zeros_and_keep_its_reason) {
  ByteReader reader({});
  BOOST_TEST(reader.get<int>() == 0);
  const std::string first = reader.status().message();
  reader.fail("another reason");
  BOOST_TEST(reader.get<double>() == 0.0);
  BOOST_TEST(reader.status().message() == first);
}

BOOST_AUTO_TEST_CASE(a_view_shows_bytes_where_they_lie_and_none_beyond_them) {
  ByteWriter writer;
  writer.put_raw(as_bytes("abcdef"));
  ByteReader reader(writer.view());
  const ByteView view = reader.get_view(4);
  BOOST_TEST(as_text(view) == "abcd");
  BOOST_TEST((view.data() == writer.view().data()));
  BOOST_TEST(reader.remaining() == 2u);
  BOOST_TEST(reader.get_view(3).empty());
  BOOST_TEST((reader.status().code() == Code::corrupted));
}

BOOST_AUTO_TEST_CASE(a_failure_of_another_decoder_keeps_its_code) {
  ByteReader reader({});
  reader.fail(Status(Code::unsupported_format, "too new"));
  reader.fail("another reason");
  BOOST_TEST((reader.status().code() == Code::unsupported_format));
  BOOST_TEST(reader.status().message() == "too new");
}

BOOST_AUTO_TEST_CASE(a_newer_format_is_refused_by_name) {
  const Bytes bytes = sample();
  ByteReader reader(bytes);
  reader.envelope(1, "sample");
  BOOST_TEST((reader.status().code() == Code::unsupported_format));
  BOOST_TEST(reader.status().message().find("sample has format 3") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(ids_order_hash_and_count) {
  BOOST_TEST((SplitId(1) < SplitId(2)));
  BOOST_TEST((Offset(5).next() == Offset(6)));
  BOOST_TEST(std::hash<CutId>{}(CutId(3)) == std::hash<std::uint64_t>{}(3));
  static_assert(!std::is_convertible_v<std::uint64_t, Offset>);
  static_assert(!std::is_same_v<Attempt, Term>);
}

BOOST_AUTO_TEST_CASE(aligned_vectors_begin_at_a_cache_line) {
  for (std::size_t size = 1; size < 100; size += 7) {
    const AlignedVector<float> values(size);
    BOOST_TEST(reinterpret_cast<std::uintptr_t>(values.data()) % kCacheLine == 0u);
  }
  BOOST_TEST(round_up(0, 16) == 0u);
  BOOST_TEST(round_up(1, 16) == 16u);
  BOOST_TEST(round_up(16, 16) == 16u);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace millrace
