#include "common/kafka/kafka_client.hpp"

#include <sys/stat.h>

#include <boost/test/unit_test.hpp>

#include "common/kafka/offset_committer.hpp"
#include "common/kafka/reachability.hpp"
#include "tests/support/temporary_folder.hpp"
#include "tests/unit/kafka/mock_kafka.hpp"

namespace millrace::test {
namespace {

using std::chrono::seconds;

constexpr Reachability::Time kStart{};

// Partition 0 is led by broker 1, partition 1 by broker 2, partition 2 by nobody.
std::string statistics(const char* first, const char* second) {
  return std::string("{\"brokers\":{\"a\":{\"nodeid\":1,\"state\":\"") + first +
         "\"},\"b\":{\"nodeid\":2,\"state\":\"" + second +
         "\"}},\"topics\":{\"t\":{\"partitions\":{"
         "\"0\":{\"partition\":0,\"leader\":1},\"1\":{\"partition\":1,\"leader\":2},"
         "\"2\":{\"partition\":2,\"leader\":-1},\"-1\":{\"partition\":-1,\"leader\":0}}}}}";
}

SourceSpec committing_source(const MockKafka& kafka) {
  auto source = kafka.source("t");
  source.kafka.commit_offsets = true;
  source.kafka.group = "lag";
  return source;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(kafka_client)

BOOST_AUTO_TEST_CASE(offsets_are_committed_only_when_asked_and_the_newest_counts) {
  MockKafka kafka;
  kafka.create_topic("t", 2);
  kafka.produce_values("t", 0, {"1", "2", "3"});
  auto source = committing_source(kafka);
  {
    auto committer = OffsetCommitter::open(source, {}, {});
    BOOST_REQUIRE_MESSAGE(committer.is_ok(), committer.status().message());
    BOOST_TEST(kafka.committed("lag", "t", 0) == -1);
    for (std::uint64_t next : {1, 2, 3})
      committer.value()->commit({{0, Offset(next)}, {1, Offset(0)}});
  }  // what waits is committed before it ends
  BOOST_TEST(kafka.committed("lag", "t", 0) == 3);
  BOOST_TEST(kafka.committed("lag", "t", 1) == 0);
  source.kafka.commit_offsets = false;
  BOOST_TEST(OffsetCommitter::open(source, {}, {}).value() == nullptr);
}

BOOST_AUTO_TEST_CASE(a_secret_is_read_from_its_file_and_never_shown) {
  const TemporaryFolder folder;
  auto kafka = MockKafka().source("t").kafka;
  kafka.properties = {{"security.protocol", {"ssl"}}, {"ssl.key.pem", {"private", true}}};
  const SecretsFolder secrets(folder.path());
  auto client = KafkaClient::open(kafka, secrets, {});
  BOOST_TEST((client.status().code() == Code::not_found));
  BOOST_TEST(client.status().message().find("source.kafka.properties.ssl.key.pem") !=
             std::string::npos);
  const auto file = folder.write("private", "c4n4ry\n");
  ::chmod(file.c_str(), 0600);
  client = KafkaClient::open(kafka, secrets, {});
  BOOST_REQUIRE(!client.is_ok());  // it is no key
  BOOST_TEST((client.status().code() == Code::invalid_argument));
  BOOST_TEST(client.status().message().find("c4n4ry") == std::string::npos,
             client.status().message());
}

BOOST_AUTO_TEST_CASE(partitions_out_of_reach_are_told_after_a_while_and_once) {
  Reachability reach("t");
  for (const std::uint32_t partition : {0, 1}) reach.begin_reading(partition);
  reach.take_statistics(statistics("UP", "UP"), kStart);
  BOOST_TEST(reach.take_warnings("why", kStart + seconds(60)).empty());
  reach.take_statistics(statistics("UP", "CONNECT"), kStart + seconds(60));
  BOOST_TEST(reach.take_warnings("why", kStart + seconds(69)).empty());
  reach.take_statistics(statistics("UP", "DOWN"), kStart + seconds(65));
  const auto told = reach.take_warnings("why", kStart + seconds(70));
  BOOST_REQUIRE(told.size() == 1u);
  BOOST_TEST(
      told[0] ==
      "1 of 2 partitions of topic 't' (1) cannot be read: why; nothing is lost, reading goes "
      "on when their brokers are back");
  BOOST_TEST(reach.take_warnings("why", kStart + seconds(99)).empty());
  reach.take_statistics(statistics("UP", "UP"), kStart + seconds(100));
  BOOST_TEST(reach.take_warnings("why", kStart + seconds(100)).at(0) == "topic 't' is read again");
  BOOST_TEST(reach.take_warnings("why", kStart + seconds(200)).empty());
}

BOOST_AUTO_TEST_CASE(partitions_that_are_not_read_and_broken_statistics_tell_nothing) {
  Reachability reach("t");
  reach.take_statistics(statistics("DOWN", "DOWN"), kStart);
  BOOST_TEST(reach.take_warnings("", kStart + seconds(60)).empty());
  for (const char* broken : {"", "{", "[]", "{\"brokers\":7,\"topics\":{\"t\":[]}}",
                             "{\"topics\":{\"t\":{\"partitions\":{\"0\":{\"partition\":\"x\"}}}}}"})
    reach.take_statistics(broken, kStart);
  reach.begin_reading(2);  // without a leader
  BOOST_TEST(reach.take_warnings("", kStart + seconds(60)).size() == 1u);
  reach.end_reading(2);
  BOOST_TEST(reach.take_warnings("", kStart + seconds(60)).at(0) == "topic 't' is read again");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace millrace::test
