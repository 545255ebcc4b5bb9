#include "common/data/csv_decoder.hpp"

#include <boost/test/unit_test.hpp>

#include "common/base/limits.hpp"
#include "tests/unit/data/decoding.hpp"

namespace millrace::test {
namespace {

const Schema kRegression = make_schema("nl", Task::regression);
const std::string kPadding = std::string(64, '\n');  // far enough from the end for the fast path

std::string only_reason(const std::string& line, const Schema& schema, const CsvSpec& spec = {}) {
  const auto careful = decode_all(line + "\n", schema, spec);
  const auto fast = decode_all(line + "\n" + kPadding, schema, spec);
  BOOST_REQUIRE(careful.quarantine.size() == 1);
  BOOST_REQUIRE(fast.quarantine.size() == 1);
  BOOST_TEST(careful.quarantine[0].reason == fast.quarantine[0].reason);
  return careful.quarantine[0].column + ": " + careful.quarantine[0].reason;
}

Feeding in_blocks_of(std::size_t bytes) {
  Feeding feeding;
  feeding.block_bytes = [bytes] { return bytes; };
  return feeding;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(data_csv_decoder)

BOOST_AUTO_TEST_CASE(a_quarantined_record_says_where_and_why) {
  const auto decoded =
      decode_all("1,2\n\n1,2,3\nabc,2\n" + std::string(100, 'x') + ",2\n", kRegression);
  BOOST_TEST(decoded.counters.read == 5u);
  BOOST_TEST(decoded.counters.records == 1u);
  BOOST_TEST(decoded.counters.skipped == 1u);
  BOOST_REQUIRE(decoded.quarantine.size() == 3u);
  BOOST_TEST(decoded.quarantine[0].offset.value == 5u);
  BOOST_TEST(decoded.quarantine[0].reason == "record has 3 columns, expected 2");
  BOOST_TEST(decoded.quarantine[0].record == "1,2,3");
  BOOST_TEST(decoded.quarantine[1].column == "f0");
  BOOST_TEST(decoded.quarantine[1].reason == "'abc' is not a number");
  BOOST_TEST(decoded.quarantine[2].record == std::string(64, 'x'));
}

BOOST_AUTO_TEST_CASE(every_reason_is_named) {
  const Schema classes = make_schema("nl", Task::binary, {"a", "b"});
  const Schema weighted = make_schema("wl", Task::regression);
  BOOST_TEST(only_reason("inf,2", kRegression) == "f0: 'inf' is infinite or too large for float32");
  BOOST_TEST(only_reason("1e39,2", kRegression) ==
             "f0: '1e39' is infinite or too large for float32");
  BOOST_TEST(only_reason("nan,2", kRegression) == "f0: 'nan' is not a number");
  BOOST_TEST(only_reason("1,", kRegression) == "f1: label is missing");
  BOOST_TEST(only_reason("1,?", classes) == "f1: label is missing");
  BOOST_TEST(only_reason("1,c", classes) == "f1: class 'c' is not in schema.classes");
  BOOST_TEST(only_reason("-1,2", weighted) == "f0: weight '-1' is negative");
  BOOST_TEST(only_reason("NA,2", weighted) == "f0: weight is missing");
  BOOST_TEST(only_reason("\"1,2", kRegression) == ": quote is not closed");
  BOOST_TEST(only_reason("\"1\"0,2", kRegression) == ": text follows a closing quote");
}

BOOST_AUTO_TEST_CASE(an_unbalanced_quote_costs_its_own_line_only) {
  const auto decoded = decode_all("1,2\n\"3,4\n5,6\n", kRegression);
  BOOST_TEST(decoded.counters.records == 2u);
  BOOST_TEST(decoded.counters.quarantined == 1u);
}

BOOST_AUTO_TEST_CASE(a_line_may_be_as_long_as_the_limit_and_no_longer) {
  const Schema schema = make_schema("xl", Task::regression);
  for (const std::string ending : {"\n", "\r\n", ""}) {
    std::string fits(limits::kLineBytesMax - 2, 'x');
    fits.append(",1").append(ending);
    std::string is_over("x");
    is_over.append(fits);
    for (const std::size_t block :
         {std::size_t{0}, std::size_t{1} << 16, (std::size_t{1} << 20) + 1}) {
      const auto good = decode_all("1,1\n" + fits, schema, {}, in_blocks_of(block));
      BOOST_TEST(good.counters.records == 2u);
      const auto bad = decode_all("1,1\n" + is_over + (ending.empty() ? "" : "2,2\n" + kPadding),
                                  schema, {}, in_blocks_of(block));
      BOOST_TEST(bad.counters.records == (ending.empty() ? 1u : 2u));
      BOOST_TEST(bad.counters.quarantined == 1u);
      BOOST_TEST(bad.quarantine.at(0).offset.value == 4u);
      BOOST_TEST(bad.quarantine.at(0).record == std::string(64, 'x'));
    }
  }
}

BOOST_AUTO_TEST_CASE(an_overlong_line_is_counted_once_and_resumes_at_its_start) {
  CsvDecoder decoder(kRegression, {});
  Dictionary dictionary;
  MicroBatch batch(8, 1, 0);
  DecodeCounters counters;
  std::vector<QuarantineEntry> quarantine;
  const std::string text(limits::kLineBytesMax + 100, '7');
  auto outcome =
      decoder.decode(as_bytes(text), Offset(50), false, dictionary, batch, counters, quarantine);
  BOOST_TEST(outcome.consumed_bytes == text.size());
  BOOST_TEST(counters.read == 0u);
  BOOST_TEST(decoder.resume_offset(Offset(50 + text.size())).value == 50u);
  outcome = decoder.decode(as_bytes("77\n1,2\n"), Offset(50 + text.size()), true, dictionary, batch,
                           counters, quarantine);
  BOOST_TEST(counters.read == 2u);
  BOOST_TEST(counters.quarantined == 1u);
  BOOST_TEST(quarantine.at(0).offset.value == 50u);
  BOOST_TEST(batch.offsets[0].value == 50 + text.size() + 3);
  BOOST_TEST(decoder.resume_offset(Offset(7)).value == 7u);
}

BOOST_AUTO_TEST_CASE(a_new_class_stops_before_its_record) {
  Schema schema = make_schema("nl", Task::multiclass);
  schema.max_classes = 3;
  Dictionary dictionary(schema, {3});
  CsvDecoder decoder(schema, {});
  MicroBatch batch(8, 1, 0);
  DecodeCounters counters;
  std::vector<QuarantineEntry> quarantine;
  const std::string text = "1,a\n2,b\n3,a\n4,c\n5,d\n6,b\n" + kPadding;
  std::size_t at = 0;
  for (const std::string expected : {"a", "b", "c"}) {
    auto outcome = decoder.decode(as_bytes(text).subspan(at), Offset(at), true, dictionary, batch,
                                  counters, quarantine);
    BOOST_REQUIRE((outcome.stop == CsvDecoder::Stop::pending_class));
    BOOST_TEST(outcome.pending_class == expected);
    BOOST_TEST(counters.read == batch.rows);
    at += outcome.consumed_bytes;
    dictionary.append(kLabelField, outcome.pending_class);
  }
  decoder.decode(as_bytes(text).subspan(at), Offset(at), true, dictionary, batch, counters,
                 quarantine);
  BOOST_TEST(batch.rows == 5u);
  BOOST_TEST(batch.labels[3] == 2.0f);
  BOOST_TEST(quarantine.size() == 1u);
  BOOST_TEST(quarantine[0].reason ==
             "class 'd' has no place: all 3 are taken; declare schema.classes or raise "
             "schema.max_classes");
}

BOOST_AUTO_TEST_CASE(a_record_that_is_broken_elsewhere_brings_no_class) {
  const Schema schema = make_schema("ln", Task::multiclass);
  const auto decoded = decode_all("a,x\n", schema);
  BOOST_TEST(decoded.counters.quarantined == 1u);
}

BOOST_AUTO_TEST_CASE(integer_classes_match_however_they_are_spelt) {
  const Schema schema = make_schema("nl", Task::binary, {"0", "1"});
  const auto decoded =
      decode_all("1,1\n1,1.0\n1,01\n1,+1\n1,0.0\n1,-0\n1,1e0\n" + kPadding, schema);
  BOOST_REQUIRE(decoded.counters.records == 7u);
  const std::vector<float> expected = {1, 1, 1, 1, 0, 0, 1};
  for (std::size_t i = 0; i < expected.size(); ++i)
    BOOST_TEST(decoded.records[i].label == expected[i]);
}

BOOST_AUTO_TEST_CASE(a_text_among_integer_classes_is_broken_and_no_class) {
  Schema schema = make_schema("nl", Task::multiclass, {"0", "1"});
  schema.classes_are_declared = false;
  schema.max_classes = 8;
  const auto decoded = decode_all("1,#!\n1,2\n", schema);
  BOOST_TEST(decoded.quarantine.at(0).reason ==
             "'#!' is not a class: the label's classes are integers");
  BOOST_TEST(decoded.records.at(0).label == 2.0f);
}

BOOST_AUTO_TEST_CASE(positive_is_one_class_against_the_rest) {
  Schema schema = make_schema("nl", Task::binary, {"not 2", "2"});
  schema.positive = "2";
  const auto decoded = decode_all("1,2\n1,7\n1,2.0\n1,x\n" + kPadding, schema);
  const std::vector<float> expected = {1, 0, 1, 0};
  for (std::size_t i = 0; i < expected.size(); ++i)
    BOOST_TEST(decoded.records.at(i).label == expected[i]);
}

BOOST_AUTO_TEST_CASE(quotes_and_blanks_are_not_part_of_a_value) {
  const Schema schema = make_schema("cl", Task::regression);
  const auto decoded =
      decode_all("\"a,\"\"b\"\"\",1\n  x y ,2\n\" z \" ,3\n\"\",4\n5\" pipe,5\n", schema);
  const std::vector<std::string> expected = {"a,\"b\"", "x y", " z ", "\x01", "5\" pipe"};
  for (std::size_t i = 0; i < expected.size(); ++i)
    BOOST_TEST(decoded.records.at(i).texts[0] == expected[i]);
}

BOOST_AUTO_TEST_CASE(multiline_records_may_hold_newlines) {
  CsvSpec spec;
  spec.multiline = true;
  const Schema schema = make_schema("cl", Task::regression);
  const std::string text = "\"one\ntwo\",1\r\n\"\"\"q\"\"\n\n\",2\nplain,3\n\"last\nline\",4";
  for (std::size_t block = 0; block <= text.size(); ++block) {
    const auto decoded = decode_all(text, schema, spec, in_blocks_of(block));
    BOOST_REQUIRE(decoded.counters.records == 4u);
    BOOST_TEST(decoded.records[0].texts[0] == "one\ntwo");
    BOOST_TEST(decoded.records[1].texts[0] == "\"q\"\n\n");
    BOOST_TEST(decoded.records[3].texts[0] == "last\nline");
  }
}

BOOST_AUTO_TEST_CASE(a_multiline_quote_that_never_closes_costs_one_line) {
  CsvSpec spec;
  spec.multiline = true;
  const Schema schema = make_schema("cl", Task::regression);
  std::string text = "\"open,1\n";
  while (text.size() < limits::kLineBytesMax + 100) text += "plain,2\n";
  const auto whole = decode_all(text, schema, spec);
  BOOST_TEST(whole.counters.quarantined == 1u);
  BOOST_TEST(whole.counters.records == whole.counters.read - 1);
  const auto blocks = decode_all(text, schema, spec, in_blocks_of(1 << 16));
  BOOST_TEST((blocks.counters == whole.counters));
  BOOST_TEST(decode_all("\"open,1\nplain,2\n", schema, spec).counters.records == 1u);
}

BOOST_AUTO_TEST_CASE(other_delimiters_work) {
  const Schema schema = make_schema("nncl", Task::regression);
  for (const char delimiter : {';', '\t', '|', ' '}) {
    CsvSpec spec;
    spec.delimiter = delimiter;
    std::string line = "1;2.5;x;4\n";
    std::ranges::replace(line, ';', delimiter);
    const auto decoded = decode_all(line + line + kPadding, schema, spec);
    BOOST_REQUIRE(decoded.counters.records == 2u);
    BOOST_TEST(decoded.records[0].numbers == (std::vector<float>{1, 2.5}));
    BOOST_TEST(decoded.records[0].texts[0] == "x");
  }
}

BOOST_AUTO_TEST_CASE(entries_beyond_the_limit_are_only_counted) {
  std::string text;
  for (std::size_t i = 0; i <= limits::kQuarantineEntriesKept; ++i) text += "x\n";
  const auto decoded = decode_all(text, kRegression);
  BOOST_TEST(decoded.counters.quarantined == limits::kQuarantineEntriesKept + 1);
  BOOST_TEST(decoded.quarantine.size() == limits::kQuarantineEntriesKept);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace millrace::test
