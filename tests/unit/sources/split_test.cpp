#include "worker/sources/split.hpp"

#include <boost/test/unit_test.hpp>

#include "common/base/random.hpp"
#include "tests/support/seed.hpp"
#include "tests/support/temporary_folder.hpp"
#include "tests/unit/sources/reading.hpp"

namespace millrace::test {
namespace {

std::vector<SplitDescription> plan(const SourceSpec& source, std::uint32_t parallelism = 1) {
  auto planned = plan_splits(source, "", parallelism);
  BOOST_REQUIRE_MESSAGE(planned.is_ok(), planned.status().message());
  return planned.value();
}

// Lines of every kind: records, blank ones, broken ones, with either line end, perhaps without the
// last.
std::string random_content(RandomStream& random, std::size_t lines) {
  std::string text;
  const std::string ending = random.below(3) == 0 ? "\r\n" : "\n";
  for (std::size_t i = 0; i < lines; ++i) {
    switch (random.below(12)) {
      case 0:
        break;
      case 1:
        text += "broken";
        break;
      case 2:
        text += std::to_string(i) + "," + std::string(random.below(3000), 'w') + ",1";
        break;
      default:
        text += std::to_string(i) + ",t" + std::to_string(random.below(50)) + ",0.5";
    }
    if (i + 1 < lines || random.below(2) == 0) text += ending;
  }
  return text;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(sources_split)

BOOST_AUTO_TEST_CASE(splits_cover_every_record_exactly_once_in_order) {
  RandomStream random(seed(), 0x5B);
  const Schema schema = abc_schema();
  const TemporaryFolder folder;
  for (int round = 0; round < 60; ++round) {
    const bool header = random.below(2) == 0;
    const auto content =
        std::string(header ? "a,b,y\n" : "") + random_content(random, random.below(300));
    auto source = file_spec(folder.write("data.csv", content), header);
    source.splits = 1;
    const auto whole = read_splits(source, schema, plan(source), 7);
    source.splits = 1 + static_cast<std::uint32_t>(random.below(400));
    const auto splits = plan(source);
    const auto cut = read_splits(source, schema, splits, 1 + random.below(20));
    BOOST_REQUIRE(whole.failure.is_ok());
    BOOST_TEST((cut.counters == whole.counters));
    BOOST_TEST(cut.offsets == whole.offsets);
    BOOST_TEST(cut.labels == whole.labels);
    BOOST_TEST((cut.texts == whole.texts));
    for (std::size_t i = 0; i < splits.size(); ++i) {
      BOOST_TEST(splits[i].id.value == i);
      BOOST_TEST((splits[i].begin < splits[i].end));
      if (i != 0) BOOST_TEST((splits[i].begin == splits[i - 1].end));
    }
  }
}

BOOST_AUTO_TEST_CASE(the_number_of_splits_follows_the_data_and_the_parallelism) {
  const TemporaryFolder folder;
  std::string content;
  while (content.size() < (std::size_t{3} << 20)) content += "12345678,abc,0.5\n";
  const auto source = file_spec(folder.write("data.csv", content), false);
  BOOST_TEST(plan(source).size() == 16u);
  BOOST_TEST(plan(source, 40).size() == 40u);
  BOOST_TEST(plan(file_spec(folder.write("small.csv", "1,2,3\n"), false)).size() == 1u);
}

BOOST_AUTO_TEST_CASE(compressed_and_multiline_files_are_one_split_each) {
  const TemporaryFolder folder;
  const std::string content = "a,b,y\n1,x,2\n3,y,4\n";
  folder.write("1.csv.gz", gzip(content));
  folder.write("2.csv", content);
  auto source = file_spec(folder.path().string() + "/*.csv*");
  source.csv.multiline = true;
  source.splits = 10;
  const auto splits = plan(source);
  BOOST_REQUIRE(splits.size() == 2u);
  BOOST_TEST((splits[0].compression == Compression::gzip));
  BOOST_TEST((splits[0].end == kUnknownEnd));
  BOOST_TEST((splits[0].begin == Offset(6)));
  const auto read = read_splits(source, abc_schema(), splits, 8);
  BOOST_TEST(read.numbers == (std::vector<float>{1, 3, 1, 3}));
}

BOOST_AUTO_TEST_CASE(globs_are_sorted_and_paths_start_at_the_base_folder) {
  const TemporaryFolder folder;
  for (const char* name : {"b.csv", "a.csv", "B.csv", "sub/c.csv"}) folder.write(name, "1,x,2\n");
  const auto base = folder.path().string();
  const auto files = find_files("*.csv", base);
  BOOST_REQUIRE(files.is_ok());
  BOOST_TEST((files.value() ==
              std::vector<std::string>{base + "/B.csv", base + "/a.csv", base + "/b.csv"}));
  BOOST_TEST(find_files("sub/../a.csv", base).value().at(0) == base + "/a.csv");
  folder.write("odd[1].csv", "");
  BOOST_TEST(find_files("odd[1].csv", base).value().size() == 1u);
}

BOOST_AUTO_TEST_CASE(missing_and_unfit_files_are_named) {
  const TemporaryFolder folder;
  const auto base = folder.path().string();
  const auto missing = plan_splits(file_spec("no.csv"), base, 1);
  BOOST_TEST((missing.status().code() == Code::not_found));
  BOOST_TEST(missing.status().message() == "there is no file '" + base + "/no.csv'");
  BOOST_TEST((find_files("no*.csv", base).status().code() == Code::not_found));
  BOOST_TEST((plan_splits(file_spec("."), base, 1).status().code() == Code::invalid_argument));
  folder.write("fake.gz", "plain text");
  BOOST_TEST(plan_splits(file_spec("fake.gz"), base, 1).status().message().find("not gzip data") !=
             std::string::npos);
  folder.write("x/1.csv", "a,b,y\n1,2,3\n");
  folder.write("x/2.csv", "a,c,y\n1,2,3\n");
  BOOST_TEST(plan_splits(file_spec("x/*.csv"), base, 1).status().message().find("other columns") !=
             std::string::npos);
}

BOOST_AUTO_TEST_CASE(the_head_of_a_stream_is_decompressed_and_bounded) {
  const TemporaryFolder folder;
  const std::string content = "a,b,y\n1,x,2\n";
  const auto head = read_stream_head(file_spec(folder.write("a.gz", gzip(content))), "");
  BOOST_TEST(as_text(head.value().bytes) == content);
  BOOST_TEST(head.value().is_whole);
  const auto large =
      read_stream_head(file_spec(folder.write("large.csv", std::string(20 << 20, 'x'))), "");
  BOOST_TEST(large.value().bytes.size() == std::size_t{16} << 20);
  BOOST_TEST(!large.value().is_whole);
}

BOOST_AUTO_TEST_CASE(a_changed_file_is_refused) {
  const TemporaryFolder folder;
  const std::string content = "1,x,2\n3,y,4\n";
  const auto path = folder.write("data.csv", content);
  const auto split = plan(file_spec(path, false)).at(0);
  BOOST_TEST(verify_identity(split).is_ok());
  const auto consumed = digest_prefix(path, 6).value();
  folder.write("data.csv", content + "5,z,6\n");
  BOOST_TEST(verify_identity(split).is_ok());
  BOOST_TEST(digest_prefix(path, 6).value() == consumed);
  folder.write("data.csv", "1,X,2\n3,y,4\n");
  BOOST_TEST((verify_identity(split).code() == Code::conflict));
  BOOST_TEST(digest_prefix(path, 6).value() != consumed);
  folder.write("data.csv", "1,x");
  BOOST_TEST((verify_identity(split).code() == Code::conflict));
  BOOST_TEST((digest_prefix(path, 6).status().code() == Code::conflict));
}

BOOST_AUTO_TEST_CASE(the_digest_covers_size_first_and_last_part) {
  const TemporaryFolder folder;
  const std::string content(300'000, 'x');
  const auto path = folder.write("data", content);
  const auto whole = digest_prefix(path, content.size()).value();
  BOOST_TEST(digest_prefix(path, content.size() - 1).value() != whole);
  for (const std::size_t at : {std::size_t{0}, content.size() - 1}) {
    std::string changed = content;
    changed[at] = 'y';
    folder.write("data", changed);
    BOOST_TEST(digest_prefix(path, content.size()).value() != whole);
  }
  BOOST_TEST(digest_prefix(path, 0).is_ok());
}

BOOST_AUTO_TEST_CASE(splits_are_encoded_and_decoded) {
  const TemporaryFolder folder;
  auto source = file_spec(folder.write("data.csv", "1,x,2\n3,y,4\n"), false);
  source.splits = 2;
  const auto splits = plan(source);
  ByteWriter writer;
  encode_splits(splits, writer);
  ByteReader reader(writer.view());
  BOOST_TEST((decode_splits(reader).value() == splits));
  BOOST_TEST(reader.finish().is_ok());
  ByteReader part(writer.view().first(writer.view().size() - 1));
  BOOST_TEST((decode_splits(part).status().code() == Code::corrupted));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace millrace::test
