#include "worker/sources/record_source.hpp"

#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <fstream>

#include "common/base/limits.hpp"
#include "tests/support/temporary_folder.hpp"
#include "tests/unit/sources/reading.hpp"
#include "worker/sources/byte_stream.hpp"

namespace millrace::test {
namespace {

// Several blocks of 1 MiB, with records that straddle them, broken and blank lines.
std::string large_content() {
  std::string text = "a,b,y\n";
  for (int i = 0; text.size() < (std::size_t{5} << 19); ++i) {
    if (i % 100 == 50) text += "broken\n\n";
    text +=
        std::to_string(i) + ",text" + std::to_string(i % 977) + "," + std::to_string(i) + ".5\n";
  }
  return text;
}

SplitDescription only_split(const SourceSpec& source) {
  auto one = source;
  one.splits = 1;
  auto planned = plan_splits(one, "", 1);
  BOOST_REQUIRE_MESSAGE(planned.is_ok(), planned.status().message());
  return planned.value().at(0);
}

void require_same(const ReadBack& a, const ReadBack& b) {
  BOOST_REQUIRE(a.failure.is_ok());
  BOOST_REQUIRE(b.failure.is_ok());
  BOOST_TEST((a.counters == b.counters));
  BOOST_TEST((a.offsets == b.offsets));
  BOOST_TEST((a.labels == b.labels));
  BOOST_TEST((a.texts == b.texts));
  BOOST_TEST((a.batches == b.batches));
  BOOST_TEST((a.positions == b.positions));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(sources_record_source)

BOOST_AUTO_TEST_CASE(a_gzip_file_reads_as_the_plain_one) {
  const TemporaryFolder folder;
  const std::string content = large_content();
  const auto plain = file_spec(folder.write("data.csv", content));
  const auto expected = read_split(plain, abc_schema(), only_split(plain), Offset(6), 100);
  BOOST_TEST(expected.counters.records > 60'000u);
  BOOST_TEST(expected.counters.quarantined > 600u);
  BOOST_TEST(expected.quarantine.size() == expected.counters.quarantined);
  for (const std::size_t members : {1, 3}) {
    const auto packed = file_spec(folder.write("data.csv.gz", gzip(content, members)));
    require_same(read_split(packed, abc_schema(), only_split(packed), Offset(6), 100), expected);
  }
}

BOOST_AUTO_TEST_CASE(reading_resumes_after_any_batch_as_if_never_stopped) {
  const TemporaryFolder folder;
  const std::string content = large_content();
  for (const bool is_packed : {false, true}) {
    const auto source = file_spec(folder.write("data", is_packed ? gzip(content) : content));
    const auto split = only_split(source);
    const auto whole = read_split(source, abc_schema(), split, split.begin, 1000);
    for (const std::size_t stop : {1, 17, 40}) {
      const auto first = read_split(source, abc_schema(), split, split.begin, 1000, stop);
      BOOST_REQUIRE((first.positions.back() == whole.positions.at(stop - 1)));
      const auto second = read_split(source, abc_schema(), split, first.positions.back(), 1000);
      BOOST_TEST(first.counters.read + second.counters.read == whole.counters.read);
      BOOST_TEST(first.counters.quarantined + second.counters.quarantined ==
                 whole.counters.quarantined);
      auto offsets = first.offsets;
      offsets.insert(offsets.end(), second.offsets.begin(), second.offsets.end());
      BOOST_TEST((offsets == whole.offsets));
      auto batches = first.batches;
      batches.insert(batches.end(), second.batches.begin(), second.batches.end());
      BOOST_TEST((batches == whole.batches));
    }
  }
}

BOOST_AUTO_TEST_CASE(position_and_counters_move_with_delivered_batches_only) {
  const TemporaryFolder folder;
  const auto source = file_spec(folder.write("data.csv", "1,x,1\nbroken\n2,x,1\n3,x,1\n"), false);
  SchemaSpec spec;
  spec.label = "c3";
  spec.classes = {"5", "6"};
  auto schema = infer_schema(spec, source, as_bytes("1,x,5\n"), true).value().schema;
  schema.classes_are_declared = false;
  schema.max_classes = 3;
  const auto split = only_split(source);
  auto opened = open_record_source(source, schema, split, split.begin, 7);
  BOOST_REQUIRE(opened.is_ok());
  RecordSource& records = *opened.value();
  Dictionary dictionary(schema, {3, 4});
  MicroBatch batch(2, 1, 1);
  const auto fill = [&] {
    for (;;) {
      auto outcome = records.fill(batch, dictionary).value();
      if (outcome.state != FillState::again) return outcome;
      if (outcome.is_starved) records.wait(std::chrono::milliseconds(1000));
    }
  };
  BOOST_TEST((fill().state == FillState::pending_class));
  BOOST_TEST((fill().pending_class == "1"));
  BOOST_TEST(records.counters().read == 0u);
  dictionary.append(kLabelField, "1");
  BOOST_TEST((fill().state == FillState::batch_ready));
  BOOST_TEST((records.position() == Offset(19)));
  BOOST_TEST(records.counters().read == 3u);
  BOOST_TEST(records.take_quarantine().size() == 1u);
  BOOST_TEST(records.take_quarantine().empty());
  batch.rows = 0;
  BOOST_TEST((fill().state == FillState::end_of_split));
  BOOST_TEST(batch.rows == 1u);
  batch.rows = 0;
  BOOST_TEST((fill().state == FillState::end_of_split));
  BOOST_TEST(batch.rows == 0u);
  BOOST_TEST(records.counters().records == 3u);
}

BOOST_AUTO_TEST_CASE(records_longer_than_the_head_room_are_read) {
  const TemporaryFolder folder;
  std::string content = "a,b,y\n";
  for (char c = 'a'; c <= 'f'; ++c) content.append("0,").append(700'000, c).append(",1\n");
  content.append(limits::kLineBytesMax * 3, 'z').append("\n7,last,1\n");
  const auto source = file_spec(folder.write("data.csv", content));
  const auto read = read_split(source, abc_schema(), only_split(source), Offset(6), 4);
  BOOST_TEST(read.counters.records == 7u);
  BOOST_TEST(read.counters.quarantined == 1u);
  BOOST_TEST(read.texts.at(5) == std::string(700'000, 'f'));
  BOOST_TEST(read.texts.at(6) == "last");
}

BOOST_AUTO_TEST_CASE(broken_compressed_data_is_an_error_that_names_the_file) {
  const TemporaryFolder folder;
  const std::string packed = gzip(large_content());
  const auto path = folder.write("data.gz", packed.substr(0, packed.size() / 2));
  const auto source = file_spec(path);
  const auto cut = read_split(source, abc_schema(), only_split(source), Offset(6), 100);
  BOOST_TEST((cut.failure.code() == Code::job_failed));
  BOOST_TEST(cut.failure.message().find(path) != std::string::npos);
  std::string damaged = packed;
  damaged[packed.size() / 2] = static_cast<char>(damaged[packed.size() / 2] ^ 0x55);
  folder.write("data.gz", damaged);
  const auto bad = read_split(source, abc_schema(), only_split(source), Offset(6), 100);
  BOOST_TEST((bad.failure.code() == Code::job_failed));
}

BOOST_AUTO_TEST_CASE(padding_behind_gzip_data_is_ignored) {
  const TemporaryFolder folder;
  const auto source =
      file_spec(folder.write("data.gz", gzip("a,b,y\n1,x,2\n") + std::string(512, '\0')));
  const auto read = read_split(source, abc_schema(), only_split(source), Offset(6), 4);
  BOOST_TEST(read.failure.is_ok());
  BOOST_TEST(read.counters.records == 1u);
}

BOOST_AUTO_TEST_CASE(a_file_that_became_shorter_or_went_is_an_error) {
  const TemporaryFolder folder;
  const auto path = folder.write("data.csv", "a,b,y\n1,x,2\n3,y,4\n");
  const auto source = file_spec(path);
  const auto split = only_split(source);
  folder.write("data.csv", "a,b,y\n1,x,2\n");
  BOOST_TEST(
      (read_split(source, abc_schema(), split, split.begin, 4).failure.code() == Code::conflict));
  std::filesystem::remove(path);
  const auto gone = read_split(source, abc_schema(), split, split.begin, 4);
  BOOST_TEST((gone.failure.code() == Code::not_found));
  BOOST_TEST(gone.failure.message() == "cannot open '" + path + "': No such file or directory");
  BOOST_TEST((read_split(source, abc_schema(), split, Offset(999), 4).failure.code() ==
              Code::invalid_argument));
}

BOOST_AUTO_TEST_CASE(a_source_may_be_closed_at_any_moment) {
  const TemporaryFolder folder;
  const auto source = file_spec(folder.write("data.csv", large_content()));
  const auto split = only_split(source);
  for (int i = 0; i < 50; ++i) {
    const auto read =
        read_split(source, abc_schema(), split, split.begin, 10, static_cast<std::size_t>(i % 3));
    BOOST_TEST(read.failure.is_ok());
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace millrace::test
