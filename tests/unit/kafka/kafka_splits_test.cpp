#include "worker/sources/kafka_splits.hpp"

#include <boost/test/unit_test.hpp>

#include "common/base/limits.hpp"
#include "tests/unit/kafka/mock_kafka.hpp"

namespace millrace::test {
namespace {

// Three partitions with 3, 0 and 5 records.
struct Topic {
  MockKafka kafka;
  Topic() {
    kafka.create_topic("clicks", 3);
    kafka.produce_values("clicks", 0, {"1,a,0", "2,b,1", "3,c,0"});
    kafka.produce_values("clicks", 2, {"4,d,0", "5,e,1", "6,f,0", "7,g,1", "8,h,0"});
  }
  KafkaSpec spec() const { return kafka.source("clicks").kafka; }
};

std::vector<SplitDescription> plan(const KafkaSpec& kafka) {
  auto planned = plan_kafka_splits(kafka, {});
  BOOST_REQUIRE_MESSAGE(planned.is_ok(), planned.status().message());
  return std::move(planned).value();
}

std::vector<std::uint64_t> begins(const std::vector<SplitDescription>& splits) {
  std::vector<std::uint64_t> all;
  for (const auto& split : splits) all.push_back(split.begin.value);
  return all;
}
std::vector<std::uint64_t> ends(const std::vector<SplitDescription>& splits) {
  std::vector<std::uint64_t> all;
  for (const auto& split : splits) all.push_back(split.end.value);
  return all;
}

constexpr std::uint64_t kNoEnd = kUnknownEnd.value;

}  // namespace

BOOST_AUTO_TEST_SUITE(sources_kafka_splits)

BOOST_AUTO_TEST_CASE(every_partition_is_a_split_from_where_the_job_says) {
  const Topic topic;
  auto spec = topic.spec();
  auto splits = plan(spec);
  BOOST_REQUIRE(splits.size() == 3u);
  BOOST_TEST((begins(splits) == std::vector<std::uint64_t>{0, 0, 0}));
  BOOST_TEST((ends(splits) == std::vector<std::uint64_t>{3, 0, 5}));
  for (std::uint32_t i = 0; i < 3; ++i) BOOST_TEST((splits[i].id == SplitId(i)));
  BOOST_TEST(splits[2].path == "clicks/2");
  BOOST_TEST(!splits[0].head_digest.empty());

  spec.until.reset();
  BOOST_TEST((ends(plan(spec)) == std::vector<std::uint64_t>{kNoEnd, kNoEnd, kNoEnd}));
  spec.start = KafkaStart::latest;
  BOOST_TEST((begins(plan(spec)) == std::vector<std::uint64_t>{3, 0, 5}));
  spec.start = KafkaStart::offsets;
  spec.start_offsets = {1, 0, 5};
  BOOST_TEST((begins(plan(spec)) == std::vector<std::uint64_t>{1, 0, 5}));
}

BOOST_AUTO_TEST_CASE(start_offsets_that_do_not_fit_the_topic_are_refused) {
  const Topic topic;
  auto spec = topic.spec();
  spec.start = KafkaStart::offsets;
  spec.start_offsets = {0, 0};
  auto planned = plan_kafka_splits(spec, {});
  BOOST_TEST((planned.status().code() == Code::invalid_argument));
  BOOST_TEST(planned.status().message().find("2 offsets") != std::string::npos);
  spec.start_offsets = {0, 0, 6};
  planned = plan_kafka_splits(spec, {});
  BOOST_TEST((planned.status().code() == Code::invalid_argument));
  BOOST_TEST(planned.status().message().find("no offset 6; it keeps 0 to 5") != std::string::npos,
             planned.status().message());
}

BOOST_AUTO_TEST_CASE(a_topic_that_is_not_there_is_told_with_the_nearest_name) {
  Topic topic;
  topic.kafka.deny_topic("clikcs");
  auto spec = topic.spec();
  spec.topic = "clikcs";
  KafkaClientOptions options;
  options.patience = std::chrono::milliseconds{2'000};
  const auto planned = plan_kafka_splits(spec, {}, options);
  BOOST_TEST((planned.status().code() == Code::not_found), planned.status().message());
  BOOST_TEST(planned.status().message().find("no topic 'clikcs'") != std::string::npos);
  BOOST_TEST(planned.status().hint() == "did you mean 'clicks'?");
}

BOOST_AUTO_TEST_CASE(brokers_that_do_not_answer_are_unreachable_with_the_reason) {
  auto spec = MockKafka().source("clicks").kafka;  // the cluster is gone by now
  KafkaClientOptions options;
  options.patience = std::chrono::milliseconds{300};
  const auto planned = plan_kafka_splits(spec, {}, options);
  BOOST_TEST((planned.status().code() == Code::unreachable), planned.status().message());
  BOOST_TEST(planned.status().message().find(spec.brokers) != std::string::npos);
  BOOST_TEST(planned.status().message().find("refused") != std::string::npos,
             planned.status().message());
}

BOOST_AUTO_TEST_CASE(added_partitions_are_found_and_read_from_their_first_record) {
  const Topic topic;
  auto spec = topic.spec();
  spec.until.reset();
  spec.start = KafkaStart::latest;
  auto known = plan(spec);
  BOOST_TEST(discover_kafka_splits(spec, {}, known).value().empty());
  known.resize(2);  // as if the job had begun before the third was added
  const auto added = discover_kafka_splits(spec, {}, known).value();
  BOOST_REQUIRE(added.size() == 1u);
  BOOST_TEST((added[0].id == SplitId(2)));
  BOOST_TEST((added[0].begin == Offset(0)));
  BOOST_TEST((added[0].end == kUnknownEnd));
  spec.until = KafkaUntil::latest;
  BOOST_TEST(discover_kafka_splits(spec, {}, known).value().empty());
}

BOOST_AUTO_TEST_CASE(a_job_goes_on_only_with_the_topic_that_it_began_with) {
  const Topic topic;
  const auto spec = topic.spec();
  auto known = plan(spec);
  BOOST_TEST(verify_kafka_splits(spec, {}, known).is_ok());
  auto other = known;
  for (auto& split : other) split.head_digest = "another";
  const auto moved = verify_kafka_splits(spec, {}, other);
  BOOST_TEST((moved.code() == Code::conflict));
  BOOST_TEST(moved.message().find("'another'") != std::string::npos);
  known.push_back(known.back());
  const auto shrunk = verify_kafka_splits(spec, {}, known);
  BOOST_TEST((shrunk.code() == Code::conflict));
  BOOST_TEST(shrunk.message().find("has 3 partitions, and the job reads 4") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(the_schema_is_inferred_from_the_records_to_be_read) {
  const Topic topic;
  auto source = topic.kafka.source("clicks");
  const auto text = [&] {
    auto head = read_kafka_head(source, "y", {});
    BOOST_REQUIRE_MESSAGE(head.is_ok(), head.status().message());
    BOOST_TEST(head.value().is_whole);
    return std::string(as_text(head.value().bytes));
  };
  BOOST_TEST(text() == "1,a,0\n2,b,1\n3,c,0\n4,d,0\n5,e,1\n6,f,0\n7,g,1\n8,h,0\n");
  source.kafka.until.reset();
  source.kafka.start = KafkaStart::offsets;
  source.kafka.start_offsets = {2, 0, 4};
  BOOST_TEST(text() == "3,c,0\n8,h,0\n");
  source.kafka.start = KafkaStart::latest;  // the last ones before
  BOOST_TEST(text() == "1,a,0\n2,b,1\n3,c,0\n4,d,0\n5,e,1\n6,f,0\n7,g,1\n8,h,0\n");
}

BOOST_AUTO_TEST_CASE(a_topic_without_records_has_no_schema_yet) {
  MockKafka kafka;
  kafka.create_topic("empty", 2);
  const auto head = read_kafka_head(kafka.source("empty"), "y", {});
  BOOST_TEST((head.status().code() == Code::not_found));
  BOOST_TEST(head.status().message().find("no records") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace millrace::test
