#include "worker/sources/kafka_source.hpp"

#include <boost/test/unit_test.hpp>

#include "common/base/limits.hpp"
#include "common/data/schema_inference.hpp"
#include "tests/unit/kafka/mock_kafka.hpp"
#include "worker/sources/kafka_splits.hpp"

namespace millrace::test {
namespace {

using std::chrono::milliseconds;

// a numeric, b text, y regression label; with what else the source's messages bring.
Schema schema_of(const SourceSpec& source, const std::string& head, Task task = Task::regression) {
  SchemaSpec spec;
  spec.label = "y";
  spec.task = task;
  auto inferred = infer_schema(spec, source, as_bytes(head), true);
  BOOST_REQUIRE_MESSAGE(inferred.is_ok(), inferred.status().message());
  return inferred.value().schema;
}

struct Read {
  std::vector<std::uint64_t> offsets;
  std::vector<float> numbers, labels;
  std::vector<std::string> texts;
  std::vector<std::size_t> batches;
  std::vector<Offset> positions;
  std::vector<QuarantineEntry> quarantine;
  DecodeCounters counters;
  Status failure;
  bool is_at_end = false;
};

struct Reading {
  std::size_t capacity = 100;
  std::size_t stop_after = ~std::size_t{0};           // batches
  std::optional<milliseconds> linger = std::nullopt;  // absent: only full batches
  int starved_max = 3'000;                            // waits of 10 ms before the test gives up
};

void collect(const MicroBatch& batch, Read& read) {
  for (std::size_t row = 0; row < batch.rows; ++row) {
    read.offsets.push_back(batch.offsets[row].value);
    if (batch.numeric_columns != 0) read.numbers.push_back(batch.numeric_row(row)[0]);
    read.labels.push_back(batch.labels[row]);
    if (batch.categorical_columns != 0) read.texts.emplace_back(batch.category_row(row)[0].text);
  }
  read.batches.push_back(batch.rows);
}

Read read_split(const SourceSpec& source, const Schema& schema, const SplitDescription& split,
                Offset from, const Reading& how = {}) {
  Read read;
  SlotSources slot;
  slot.linger = how.linger;
  auto opened = open_record_source(source, schema, split, from, 1, slot);
  BOOST_REQUIRE_MESSAGE(opened.is_ok(), opened.status().message());
  RecordSource& records = *opened.value();
  BOOST_TEST((records.position() == from));
  Dictionary dictionary(schema, std::vector<std::uint32_t>(schema.categorical_count() + 1, 64));
  MicroBatch batch(how.capacity, schema.numeric_count(), schema.categorical_count());
  for (int starved = 0; starved < how.starved_max && read.batches.size() < how.stop_after;) {
    auto filled = records.fill(batch, dictionary);
    if (!filled.is_ok()) {
      read.failure = filled.status();
      break;
    }
    const auto& outcome = filled.value();
    if (outcome.state == FillState::pending_class)
      dictionary.append(kLabelField, outcome.pending_class);
    if (outcome.is_starved && !records.wait(milliseconds{10})) ++starved;
    if (outcome.state != FillState::batch_ready && outcome.state != FillState::end_of_split)
      continue;
    collect(batch, read);
    read.positions.push_back(records.position());
    batch.rows = 0;
    read.is_at_end = outcome.state == FillState::end_of_split;
    if (read.is_at_end) break;
  }
  read.counters = records.counters();
  read.quarantine = records.take_quarantine();
  const auto& c = read.counters;
  BOOST_TEST(c.read == c.records + c.quarantined + c.skipped);
  return read;
}

SplitDescription only_split(const SourceSpec& source) {
  auto splits = plan_kafka_splits(source.kafka, {});
  BOOST_REQUIRE_MESSAGE(splits.is_ok(), splits.status().message());
  BOOST_REQUIRE(splits.value().size() == 1u);
  return splits.value()[0];
}

constexpr const char* kHead = "1,x,0.5\n";

// Records, and now and then what is none: 30 values make 24 records.
std::vector<Produced> mixed_messages(int count) {
  std::vector<Produced> messages;
  for (int i = 0; i < count; ++i) {
    if (i % 10 == 3) {
      messages.push_back({.value = std::nullopt, .key = "k"});
    } else if (i % 10 == 7) {
      messages.push_back({.value = std::to_string(i) + ",broken"});
    } else {
      const auto number = std::to_string(i);
      messages.push_back({.value = number + ",text" + std::to_string(i % 7) + "," + number + ".5"});
    }
  }
  return messages;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(sources_kafka_source)

BOOST_AUTO_TEST_CASE(records_come_in_order_with_their_offsets_until_the_end_found_at_submit) {
  MockKafka kafka;
  kafka.create_topic("t", 1);
  kafka.produce_values("t", 0, {"1,x,0.5", "2,y,1.5\n", "3,z,2.5\r\n"});
  const auto source = kafka.source("t");
  const auto split = only_split(source);
  kafka.produce_values("t", 0, {"4,later,3.5"});
  const auto read = read_split(source, schema_of(source, kHead), split, split.begin);
  BOOST_TEST(read.failure.is_ok(), read.failure.message());
  BOOST_TEST(read.is_at_end);
  BOOST_TEST((read.offsets == std::vector<std::uint64_t>{0, 1, 2}));
  BOOST_TEST((read.numbers == std::vector<float>{1, 2, 3}));
  BOOST_TEST((read.labels == std::vector<float>{0.5f, 1.5f, 2.5f}));
  BOOST_TEST((read.texts == std::vector<std::string>{"x", "y", "z"}));
  BOOST_TEST((read.positions.back() == Offset(3)));
}

BOOST_AUTO_TEST_CASE(an_empty_split_ends_without_asking_a_broker) {
  auto source = MockKafka().source("t");  // the cluster is gone by now
  SplitDescription split;
  split.begin = split.end = Offset(7);
  const auto read = read_split(source, schema_of(source, kHead), split, split.begin);
  BOOST_TEST(read.is_at_end);
  BOOST_TEST((read.positions.back() == Offset(7)));
}

BOOST_AUTO_TEST_CASE(reading_resumes_after_any_batch_as_if_never_stopped) {
  MockKafka kafka;
  kafka.create_topic("t", 1);
  kafka.produce("t", 0, mixed_messages(5'000));
  const auto source = kafka.source("t");
  const auto schema = schema_of(source, kHead);
  const auto split = only_split(source);
  const auto whole = read_split(source, schema, split, split.begin);
  BOOST_TEST(whole.counters.read == 5'000u);
  BOOST_TEST(whole.counters.records == 4'000u);
  BOOST_TEST(whole.batches.size() == 41u);  // the last holds what follows the last full one
  for (const std::size_t stop : {1, 13, 39}) {
    const auto first = read_split(source, schema, split, split.begin, {.stop_after = stop});
    BOOST_REQUIRE((first.positions.back() == whole.positions.at(stop - 1)));
    const auto second = read_split(source, schema, split, first.positions.back());
    BOOST_TEST(first.counters.read + second.counters.read == 5'000u);
    BOOST_TEST(first.counters.quarantined + second.counters.quarantined == 1'000u);
    auto offsets = first.offsets;
    offsets.insert(offsets.end(), second.offsets.begin(), second.offsets.end());
    BOOST_TEST((offsets == whole.offsets));
    auto texts = first.texts;
    texts.insert(texts.end(), second.texts.begin(), second.texts.end());
    BOOST_TEST((texts == whole.texts));
    auto batches = first.batches;
    batches.insert(batches.end(), second.batches.begin(), second.batches.end());
    BOOST_TEST((batches == whole.batches));
  }
}

BOOST_AUTO_TEST_CASE(what_is_no_record_is_quarantined_with_offset_column_and_reason) {
  MockKafka kafka;
  kafka.create_topic("t", 1);
  kafka.produce("t", 0,
                {{.value = "1,x,0.5"},
                 {.value = std::nullopt, .key = "gone"},
                 {.value = "abc,x,0.5"},
                 {.value = "1,x"},
                 {.value = "1,x,0.5\n2,y,0.5"},
                 {.value = ""},
                 {.value = std::string(limits::kLineBytesMax + 1, 'x')},
                 {.value = "1,\"x,0.5"},
                 {.value = "2,x,1.5"}});
  const auto source = kafka.source("t");
  const auto split = only_split(source);
  const auto read = read_split(source, schema_of(source, kHead), split, split.begin);
  BOOST_TEST((read.offsets == std::vector<std::uint64_t>{0, 8}));
  BOOST_TEST(read.counters.skipped == 1u);  // the empty value, like a blank line
  BOOST_TEST(read.counters.quarantined == 6u);
  BOOST_REQUIRE(read.quarantine.size() == 6u);
  const auto expect = [&](std::size_t i, std::uint64_t offset, const char* column,
                          const char* reason, const char* record) {
    const auto& entry = read.quarantine[i];
    BOOST_TEST((entry.offset == Offset(offset)), "entry " << i << " is of " << entry.offset.value);
    BOOST_TEST((entry.split == split.id));
    BOOST_TEST(entry.column == column);
    BOOST_TEST(entry.reason.find(reason) != std::string::npos, entry.reason);
    BOOST_TEST(entry.record.starts_with(record), entry.record);
  };
  expect(0, 1, "", "null (a tombstone)", "gone");
  expect(1, 2, "a", "'abc' is not a number", "abc,x");
  expect(2, 3, "", "2 columns, expected 3", "1,x");
  expect(3, 4, "", "line break", "1,x,0.5");
  expect(4, 6, "", "longer than 1 MiB", "xxx");
  expect(5, 7, "", "quote is not closed", "1,");
  BOOST_TEST(read.quarantine[4].record.size() == limits::kRetainedRecordBytes);
}

BOOST_AUTO_TEST_CASE(the_label_comes_from_the_key_on_request) {
  MockKafka kafka;
  kafka.create_topic("t", 1);
  kafka.produce("t", 0,
                {{.value = "1,x", .key = "0.5"},
                 {.value = "2,y"},
                 {.value = "3,z,9", .key = "0.25"},
                 {.value = "4,w", .key = "two\nlines"},
                 {.value = "5,v", .key = "2.5"}});
  auto source = kafka.source("t");
  source.kafka.columns = {"a", "b"};
  source.kafka.label_from = KafkaPart::key;
  const auto split = only_split(source);
  const auto read = read_split(source, schema_of(source, "1,x,0.5\n"), split, split.begin);
  BOOST_TEST((read.labels == std::vector<float>{0.5f, 2.5f}));
  BOOST_REQUIRE(read.quarantine.size() == 3u);
  BOOST_TEST(read.quarantine[0].column == "y");
  BOOST_TEST(read.quarantine[0].reason.find("is null") != std::string::npos);
  // A value with a column too many does not push the key out of its place.
  BOOST_TEST(read.quarantine[1].reason.find("4 columns, expected 3") != std::string::npos);
  BOOST_TEST(read.quarantine[2].column == "y");
  BOOST_TEST(read.quarantine[2].reason.find("line break") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(key_timestamp_and_headers_are_fields_on_request) {
  MockKafka kafka;
  kafka.create_topic("t", 1);
  kafka.produce("t", 0,
                {{.value = "0.5",
                  .key = "a \"quoted\", key",
                  .headers = {{"place", "north"}, {"other", "x"}},
                  .timestamp_ms = 1'700'000'000'000},
                 {.value = "1.5", .timestamp_ms = 1'700'000'000'001}});
  auto source = kafka.source("t");
  source.kafka.columns = {"y"};
  source.kafka.key_field = "who";
  source.kafka.timestamp_field = "at";
  source.kafka.header_fields = {"place"};
  const auto schema = schema_of(source, "0.5,someone,1700000000000,north\n");
  BOOST_TEST(schema.fields.size() == 4u);
  BOOST_TEST(schema.fields[1].name == "who");
  BOOST_TEST((schema.fields[2].role == FieldRole::numeric));
  const auto split = only_split(source);
  SlotSources slot;
  auto opened = open_record_source(source, schema, split, split.begin, 1, slot);
  BOOST_REQUIRE(opened.is_ok());
  Dictionary dictionary(schema, std::vector<std::uint32_t>(3, 64));
  MicroBatch batch(2, 1, 2);
  FillOutcome outcome;
  for (int i = 0; i < 1'000 && outcome.state == FillState::again; ++i) {
    (void)opened.value()->wait(milliseconds{10});
    auto filled = opened.value()->fill(batch, dictionary);
    BOOST_REQUIRE(filled.is_ok());
    outcome = filled.value();
  }
  BOOST_REQUIRE(batch.rows == 2u);
  BOOST_TEST(batch.category_row(0)[0].text == "a \"quoted\", key");
  BOOST_TEST(batch.category_row(0)[1].text == "north");
  BOOST_TEST(batch.numeric_row(0)[0] == 1'700'000'000'000.0f);
  BOOST_TEST(batch.category_row(1)[0].is_missing());
  BOOST_TEST(batch.category_row(1)[1].is_missing());
}

BOOST_AUTO_TEST_CASE(classes_that_come_later_wait_for_their_id_and_stay_in_order) {
  MockKafka kafka;
  kafka.create_topic("t", 1);
  kafka.produce_values("t", 0, {"1,x,red", "2,x,green", "3,x,blue", "4,x,green"});
  const auto source = kafka.source("t");
  const auto schema = schema_of(source, "1,x,red\n2,x,green\n3,y,yellow\n", Task::multiclass);
  const auto split = only_split(source);
  const auto read = read_split(source, schema, split, split.begin);
  BOOST_TEST((read.offsets == std::vector<std::uint64_t>{0, 1, 2, 3}));
  BOOST_TEST((read.labels == std::vector<float>{0, 1, 3, 1}));
}

BOOST_AUTO_TEST_CASE(without_a_time_limit_a_batch_waits_until_it_is_full) {
  MockKafka kafka;
  kafka.create_topic("t", 1);
  kafka.produce_values("t", 0, {"1,x,0.5", "2,y,1.5"});
  auto source = kafka.source("t");
  source.kafka.until.reset();
  const auto schema = schema_of(source, kHead);
  const auto split = only_split(source);
  BOOST_TEST((split.end == kUnknownEnd));
  const auto waiting = read_split(source, schema, split, split.begin,
                                  {.capacity = 3, .stop_after = 1, .starved_max = 30});
  BOOST_TEST(waiting.batches.empty());
  BOOST_TEST(waiting.counters.read == 0u);  // counters move with delivery
  const auto patient = read_split(
      source, schema, split, split.begin,
      {.capacity = 3, .stop_after = 1, .linger = std::chrono::hours(1), .starved_max = 30});
  BOOST_TEST(patient.batches.empty());
  const auto hurried = read_split(source, schema, split, split.begin,
                                  {.capacity = 3, .stop_after = 1, .linger = milliseconds{0}});
  // What had come by then: one record or both.
  BOOST_REQUIRE_EQUAL(hurried.batches.size(), 1u);
  BOOST_TEST((hurried.batches[0] == 1u || hurried.batches[0] == 2u));
  BOOST_TEST((hurried.positions.back() == Offset(hurried.batches[0])));
}

BOOST_AUTO_TEST_CASE(errors_that_pass_are_waited_for_and_nothing_is_lost) {
  MockKafka kafka;
  kafka.create_topic("t", 1);
  kafka.produce("t", 0, mixed_messages(1'000));
  const auto source = kafka.source("t");
  const auto split = only_split(source);
  kafka.fail_fetches({RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION,
                      RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE, RD_KAFKA_RESP_ERR_KAFKA_STORAGE_ERROR,
                      RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT});
  const auto read = read_split(source, schema_of(source, kHead), split, split.begin);
  BOOST_TEST(read.failure.is_ok(), read.failure.message());
  BOOST_TEST(read.counters.read == 1'000u);
}

BOOST_AUTO_TEST_CASE(a_broker_that_goes_away_and_comes_back_costs_no_record) {
  MockKafka kafka;
  kafka.create_topic("t", 1);
  kafka.produce("t", 0, mixed_messages(1'000));
  auto source = kafka.source("t");
  const auto schema = schema_of(source, kHead);
  const auto split = only_split(source);
  kafka.stop_broker(1);
  SlotSources slot;
  auto opened = open_record_source(source, schema, split, split.begin, 1, slot);
  BOOST_REQUIRE(opened.is_ok());
  Dictionary dictionary(schema, std::vector<std::uint32_t>(2, 64));
  MicroBatch batch(2'000, 1, 1);
  bool is_at_end = false;
  for (int i = 0; i < 3'000 && !is_at_end; ++i) {
    if (i == 20) {
      BOOST_TEST(batch.rows == 0u);
      kafka.start_broker(1);
    }
    auto filled = opened.value()->fill(batch, dictionary);
    BOOST_REQUIRE_MESSAGE(filled.is_ok(), filled.status().message());
    is_at_end = filled.value().state == FillState::end_of_split;
    if (filled.value().is_starved) (void)opened.value()->wait(milliseconds{10});
  }
  BOOST_TEST(is_at_end);
  BOOST_TEST(opened.value()->counters().read == 1'000u);
  BOOST_TEST(batch.rows == 800u);
}

BOOST_AUTO_TEST_CASE(an_offset_that_is_not_there_fails_the_job_and_says_what_there_is) {
  MockKafka kafka;
  kafka.create_topic("t", 1);
  kafka.produce_values("t", 0, {"1,x,0.5", "2,y,1.5"});
  auto source = kafka.source("t");
  source.kafka.until.reset();
  const auto split = only_split(source);
  const auto read = read_split(source, schema_of(source, kHead), split, Offset(77));
  BOOST_TEST((read.failure.code() == Code::conflict), read.failure.message());
  BOOST_TEST(read.failure.message().find("offset 77 of t/0") != std::string::npos,
             read.failure.message());
  BOOST_TEST(!read.failure.hint().empty());
}

BOOST_AUTO_TEST_CASE(a_topic_without_the_right_to_read_it_ends_the_job) {
  MockKafka kafka;
  kafka.create_topic("t", 1);
  kafka.produce_values("t", 0, {"1,x,0.5"});
  const auto source = kafka.source("t");
  const auto split = only_split(source);
  kafka.fail_fetches({RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED});
  const auto read = read_split(source, schema_of(source, kHead), split, split.begin);
  BOOST_TEST((read.failure.code() == Code::permission_denied), read.failure.message());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace millrace::test
