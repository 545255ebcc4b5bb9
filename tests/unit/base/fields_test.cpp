#include "common/base/fields.hpp"

#include <boost/test/unit_test.hpp>

#include "common/base/frame.hpp"
#include "common/base/record_ledger.hpp"

namespace millrace {

namespace {

enum class Colour : std::uint8_t { red, green, blue };

struct Small {
  std::uint16_t number = 0;
};
struct Everything {
  bool flag = false;
  double number = 0.0;
  Offset offset;
  Colour colour = Colour::red;
  std::string name;
  std::string line;
  std::vector<Small> list;
  std::optional<CutId> cut;
  std::variant<Small, std::string> either;
  std::shared_ptr<const Bytes> blob;
  Bytes bytes;
  Fingerprint fingerprint;
  Status status{Code::internal, "unset"};
};

}  // namespace

template <typename F>
static void fields(F& f, Small& small) {
  f(small.number);
}
template <typename F>
static void fields(F& f, Everything& all) {
  f(all.flag, all.number, all.offset, EnumField{all.colour, Colour::blue, "a colour"}, all.name,
    TextField{all.line, 10, "bytes of a line"}, ListField{all.list, 3, "things"}, all.cut,
    all.either, SharedBlobField{all.blob, 4, "bytes"}, BlobField{all.bytes, 4, "bytes"},
    all.fingerprint, all.status);
}

namespace {

Everything example() {
  Everything all;
  all.flag = true;
  all.number = 0.1;
  all.offset = Offset(7);
  all.colour = Colour::blue;
  all.name = "name";
  all.line = "0123456789";
  all.list = {{1}, {2}, {3}};
  all.cut = CutId(9);
  all.either = std::string("text");
  all.blob = std::make_shared<const Bytes>(Bytes(4, std::byte{1}));
  all.bytes = Bytes(3, std::byte{2});
  RecordSums sums;
  sums.add(SplitId(3), Offset(4));
  all.fingerprint.add(SplitId(3), sums);
  sums.add(SplitId(5), Offset(4));
  all.fingerprint.add(SplitId(5), sums);
  all.status = Status(Code::not_found, "what", "why");
  return all;
}

Result<Bytes> encode(Everything all) {
  ByteWriter bytes;
  FieldWriter writer(bytes);
  writer(all);
  if (!writer.status().is_ok()) return writer.status();
  return std::move(bytes).take();
}

Result<Everything> decode(ByteView bytes) {
  ByteReader reader(bytes);
  FieldReader visitor(reader);
  Everything all;
  visitor(all);
  MILLRACE_TRY(reader.finish());
  return all;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(base_fields)

BOOST_AUTO_TEST_CASE(what_was_written_is_read) {
  const Everything all = example();
  const auto read = decode(encode(all).value());
  BOOST_REQUIRE_MESSAGE(read.is_ok(), read.status().message());
  const Everything& same = read.value();
  BOOST_TEST(same.flag);
  BOOST_TEST(same.number == 0.1);
  BOOST_TEST((same.offset == all.offset && same.colour == all.colour && same.cut == all.cut));
  BOOST_TEST(same.name == all.name);
  BOOST_TEST(same.line == all.line);
  BOOST_TEST(same.list.size() == 3u);
  BOOST_TEST(same.list[2].number == 3);
  BOOST_TEST(std::get<std::string>(same.either) == "text");
  BOOST_TEST((*same.blob == *all.blob && same.bytes == all.bytes));
  BOOST_TEST((same.fingerprint == all.fingerprint));
  BOOST_TEST((same.status.code() == Code::not_found));
  BOOST_TEST(same.status.message() == "what");
  BOOST_TEST(same.status.hint() == "why");
}

BOOST_AUTO_TEST_CASE(one_beyond_a_limit_is_refused_by_writer_and_reader_alike) {
  const auto writer_refuses = [](const auto& enlarge) {
    Everything all = example();
    enlarge(all);
    BOOST_TEST((encode(all).status().code() == Code::resource_exhausted));
  };
  writer_refuses([](Everything& all) { all.line += "x"; });
  writer_refuses([](Everything& all) { all.list.push_back({4}); });
  writer_refuses([](Everything& all) { all.bytes.resize(5); });
  writer_refuses([](Everything& all) { all.blob = std::make_shared<const Bytes>(Bytes(5)); });
  writer_refuses([](Everything& all) { all.name.resize(limits::kStringBytesMax + 1); });
  writer_refuses([](Everything& all) {
    for (std::uint32_t i = 0; i <= limits::kSplitsMax; ++i) all.fingerprint.splits[SplitId(i)] = {};
  });
  ByteWriter lying;
  std::string text(11, 'x');
  FieldWriter{lying}(TextField{text, 11, "bytes of a line"});
  ByteReader reader(lying.view());
  FieldReader{reader}(TextField{text, 10, "bytes of a line"});
  BOOST_TEST((reader.status().code() == Code::corrupted));
}

BOOST_AUTO_TEST_CASE(the_text_of_an_error_is_cut_off_and_not_refused) {
  Everything all = example();
  all.status = Status(Code::io_error, std::string(limits::kStatusTextBytesMax + 1, 'x'));
  const auto read = decode(encode(all).value());
  BOOST_REQUIRE(read.is_ok());
  BOOST_TEST(read.value().status.message().size() == limits::kStatusTextBytesMax);
}

BOOST_AUTO_TEST_CASE(every_truncation_and_every_changed_byte_is_refused_or_reads_as_something) {
  const Bytes bytes = encode(example()).value();
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    BOOST_TEST(!decode(ByteView(bytes).first(at)).is_ok());
    for (int value = 0; value < 256; ++value) {
      Bytes damaged = bytes;
      damaged[at] = static_cast<std::byte>(value);
      const auto read = decode(damaged);
      // One encoding for each value: what reads well is written the same.
      if (read.is_ok()) BOOST_TEST_REQUIRE((encode(read.value()).value() == damaged));
    }
  }
}

BOOST_AUTO_TEST_CASE(the_keys_of_a_map_come_in_order_and_once) {
  for (const auto& ids : {std::pair{5u, 3u}, std::pair{3u, 3u}}) {
    ByteWriter bytes;
    RecordSums sums;
    std::uint32_t count = 2, first = ids.first, second = ids.second;
    FieldWriter{bytes}(count, first, sums, second, sums);
    ByteReader reader(bytes.view());
    Fingerprint fingerprint;
    FieldReader{reader}(fingerprint);
    BOOST_TEST((reader.status().code() == Code::corrupted));
  }
}

BOOST_AUTO_TEST_CASE(a_frame_gives_any_stretch_of_its_pieces) {
  const Bytes whole = [] {
    Bytes bytes;
    for (int i = 0; i < 40; ++i) bytes.push_back(static_cast<std::byte>(i));
    return bytes;
  }();
  const ByteView view(whole);
  Frame frame{Bytes(whole.begin(), whole.begin() + 10),
              {view.subspan(10, 0), view.subspan(10, 5), view.subspan(15, 25)},
              {}};
  BOOST_TEST(frame.size() == whole.size());
  BOOST_TEST((frame.join() == whole));
  for (std::size_t begin = 0; begin <= whole.size(); ++begin) {
    for (std::size_t count = 0; begin + count <= whole.size(); ++count) {
      Bytes got;
      frame.for_each_piece(begin, count, [&](ByteView piece) {
        BOOST_TEST_REQUIRE(!piece.empty());
        got.insert(got.end(), piece.begin(), piece.end());
      });
      BOOST_TEST_REQUIRE((as_text(got) == as_text(view.subspan(begin, count))));
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace millrace
