// What a source keeps for a topic of dead letters.
#include <boost/test/unit_test.hpp>
#include <iterator>

#include "common/base/limits.hpp"
#include "common/data/schema_inference.hpp"
#include "tests/unit/kafka/mock_kafka.hpp"
#include "worker/sources/kafka_source.hpp"
#include "worker/sources/kafka_splits.hpp"

namespace millrace::test {
namespace {

struct Read {
  std::vector<DeadLetter> letters;
  std::uint64_t quarantined = 0;
  std::size_t batches = 0;
  Offset position;
};

// From `from`, to the end or to the first batch that ends.
Read read(const SourceSpec& source, Offset from = {}, bool stops_early = false) {
  SchemaSpec labelled;
  labelled.label = "y";
  labelled.task = Task::regression;
  const auto schema = infer_schema(labelled, source, as_bytes("1,x,0.5\n"), true).value().schema;
  const auto split = plan_kafka_splits(source.kafka, {}).value().at(0);
  SlotSources slot;
  auto opened = open_record_source(source, schema, split, from, 1, slot);
  BOOST_REQUIRE_MESSAGE(opened.is_ok(), opened.status().message());
  RecordSource& records = *opened.value();
  const Dictionary dictionary(schema, std::vector<std::uint32_t>(2, 64));
  MicroBatch batch(100, schema.numeric_count(), schema.categorical_count());
  Read all;
  for (int starved = 0; starved < 3'000;) {
    const auto filled = records.fill(batch, dictionary);
    BOOST_REQUIRE_MESSAGE(filled.is_ok(), filled.status().message());
    const auto& outcome = filled.value();
    if (outcome.is_starved && !records.wait(std::chrono::milliseconds(10))) ++starved;
    if (outcome.state == FillState::again) continue;
    std::ranges::move(records.take_dead_letters(), std::back_inserter(all.letters));
    batch.rows = 0;
    ++all.batches;
    if (outcome.state == FillState::end_of_split || stops_early) break;
  }
  all.quarantined = records.counters().quarantined;
  all.position = records.position();
  return all;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(sources_dead_letters)

BOOST_AUTO_TEST_CASE(every_message_that_is_no_record_is_kept_whole) {
  MockKafka kafka;
  kafka.create_topic("t", 1);
  const std::string tail(5'000, 'x');
  kafka.produce("t", 0,
                {{.value = "1,x,0.5"},
                 {.value = "2,\"open," + tail, .key = "k"},
                 {.value = std::nullopt, .key = "tombstone"},
                 {.value = "3,y,1.5"},
                 {.value = "4,a\nb,1.5\r\n"}});
  auto source = kafka.source("t");
  BOOST_TEST(read(source).letters.empty());
  source.kafka.dead_letter = "broken";
  const auto all = read(source);
  BOOST_TEST(all.quarantined == 3u);
  BOOST_REQUIRE_EQUAL(all.letters.size(), 3u);
  BOOST_TEST(*all.letters[0].value == "2,\"open," + tail);
  BOOST_TEST(*all.letters[0].key == "k");
  BOOST_TEST((all.letters[0].entry.offset == Offset(1)));
  BOOST_TEST(!all.letters[1].value.has_value());
  BOOST_TEST(*all.letters[1].key == "tombstone");
  BOOST_TEST(*all.letters[2].value == "4,a\nb,1.5\r\n");
  BOOST_TEST(all.letters[2].entry.reason.find("line break") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(broken_messages_alone_end_a_batch_before_they_are_too_many_to_keep) {
  MockKafka kafka;
  kafka.create_topic("t", 1);
  const std::size_t messages = limits::kQuarantineEntriesKept + 2'000;
  kafka.produce("t", 0, std::vector<Produced>(messages, {.value = "broken"}));
  auto source = kafka.source("t");
  source.kafka.dead_letter = "broken";
  const auto all = read(source);
  BOOST_TEST(all.letters.size() == messages);
  BOOST_TEST(all.quarantined == messages);
  BOOST_TEST(all.batches > 1u);
  const auto first = read(source, {}, true);
  const auto rest = read(source, first.position);
  BOOST_TEST(first.letters.size() + rest.letters.size() == messages);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace millrace::test
