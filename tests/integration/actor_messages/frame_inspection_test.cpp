// What CAF is given to write and read, without a network: one block, as long as it says.
#include <boost/test/unit_test.hpp>
#include <caf/binary_deserializer.hpp>
#include <caf/binary_serializer.hpp>
#include <caf/stream_deserializer.hpp>
#include <caf/streambuf.hpp>

#include "common/base/limits.hpp"
#include "tests/compat/actor_messages.hpp"
#include "worker/actors/interfaces.hpp"

namespace millrace {
namespace {

using Buffer = std::vector<char>;

template <typename Message>
Buffer save(Message message) {
  Buffer buffer;
  caf::binary_serializer sink(nullptr, buffer);
  BOOST_REQUIRE(!sink(message));
  return buffer;
}

Frame frame_of(ByteView block) {
  return Frame{Bytes(3, std::byte{1}), {block.first(block.size() - 3)}, {}};
}

}  // namespace

BOOST_AUTO_TEST_SUITE(common_actors_inspect)

BOOST_AUTO_TEST_CASE(a_message_is_one_block_of_its_encoded_bytes) {
  const Entry entry = test::example_entry();
  const Bytes encoded = encode_message(entry).value().join();
  const Buffer buffer = save(entry);
  BOOST_REQUIRE(buffer.size() > encoded.size());
  const std::size_t prefix = buffer.size() - encoded.size();
  BOOST_TEST(prefix <= 5u);  // its length
  BOOST_TEST((std::string_view(buffer.data() + prefix, encoded.size()) == as_text(encoded)));
}

// Both ways of reading: in place, and from a stream, which has to be copied.
BOOST_AUTO_TEST_CASE(a_block_is_read_from_a_buffer_and_from_a_stream) {
  const Bytes encoded = encode_message(test::example_entry()).value().join();
  Buffer buffer = save(test::example_entry());
  Entry from_buffer, from_stream;
  caf::binary_deserializer source(nullptr, buffer);
  BOOST_TEST(!source(from_buffer));
  BOOST_TEST(source.remaining() == 0u);
  caf::stream_deserializer<caf::charbuf> stream(nullptr, buffer.data(), buffer.size());
  BOOST_TEST(!stream(from_stream));
  BOOST_TEST((encode_message(from_buffer).value().join() == encoded));
  BOOST_TEST((encode_message(from_stream).value().join() == encoded));
}

BOOST_AUTO_TEST_CASE(a_truncated_block_gives_an_error) {
  const Buffer whole = save(test::example_entry());
  for (std::size_t size = 0; size < whole.size(); ++size) {
    Buffer cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
    Entry entry;
    caf::binary_deserializer source(nullptr, cut);
    BOOST_TEST_REQUIRE(static_cast<bool>(source(entry)), size);
    caf::stream_deserializer<caf::charbuf> stream(nullptr, cut.data(), cut.size());
    BOOST_TEST_REQUIRE(static_cast<bool>(stream(entry)), size);
  }
}

BOOST_AUTO_TEST_CASE(a_length_beyond_the_limit_is_refused_before_anything_is_made) {
  Buffer lying;
  caf::binary_serializer sink(nullptr, lying);
  std::size_t length = limits::kMessageBytesMax + 1;
  BOOST_REQUIRE(!sink.begin_sequence(length));
  Entry entry;
  const auto before = message_faults().count;
  caf::stream_deserializer<caf::charbuf> stream(nullptr, lying.data(), lying.size());
  BOOST_TEST(static_cast<bool>(stream(entry)));
  caf::binary_deserializer source(nullptr, lying);
  BOOST_TEST(static_cast<bool>(source(entry)));
  BOOST_TEST(message_faults().count == before + 2);
  BOOST_TEST((message_faults().last.code() == Code::resource_exhausted));
}

BOOST_AUTO_TEST_CASE(the_largest_message_is_written_and_one_byte_more_is_not) {
  const Bytes block(limits::kMessageBytesMax + 1);
  Buffer buffer;
  {
    caf::binary_serializer sink(nullptr, buffer);
    BOOST_TEST(!save_frame(sink, frame_of(ByteView(block).first(limits::kMessageBytesMax))));
  }
  BOOST_TEST(buffer.size() > limits::kMessageBytesMax);
  caf::binary_deserializer source(nullptr, buffer);
  std::size_t seen = 0;
  BOOST_TEST(!load_frame(source, [&](ByteView bytes) {
    seen = bytes.size();
    return Status();
  }));
  BOOST_TEST(seen == limits::kMessageBytesMax);
  Buffer nothing;
  caf::binary_serializer sink(nullptr, nothing);
  BOOST_TEST(static_cast<bool>(save_frame(sink, frame_of(block))));
  BOOST_TEST(nothing.empty());
}

BOOST_AUTO_TEST_CASE(a_push_with_too_many_parts_is_refused_by_its_sender) {
  const auto refuses = [](const auto& enlarge) {
    Entry entry = test::example_entry();
    auto push = test::example_push();
    enlarge(*push, 0);
    entry.payload = push;
    BOOST_TEST(encode_message(entry).is_ok());
    enlarge(*push, 1);
    BOOST_TEST((encode_message(entry).status().code() == Code::resource_exhausted));
    const auto before = message_faults().count;
    Buffer buffer;
    caf::binary_serializer sink(nullptr, buffer);
    BOOST_TEST(static_cast<bool>(sink(entry)));
    BOOST_TEST(message_faults().count == before + 1);
  };
  refuses([](ParameterPush& push, std::size_t more) {
    push.vectors.resize(limits::kPushVectorsMax + more);
  });
  refuses([](ParameterPush& push, std::size_t more) {
    push.scalars.resize(limits::kScalarsMax + more);
  });
  refuses([](ParameterPush& push, std::size_t more) {
    push.statistics.resize(limits::kStatisticsMax + more);
  });
  refuses([](ParameterPush& push, std::size_t more) {
    push.proposals[0].text.resize(limits::kLineBytesMax + more);
  });
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace millrace
