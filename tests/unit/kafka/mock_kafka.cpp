#include "tests/unit/kafka/mock_kafka.hpp"

#include <array>
#include <boost/test/unit_test.hpp>

namespace millrace::test {
namespace {

constexpr int kFlushMs = 30'000;
constexpr std::int16_t kFetch = 1;  // Kafka's number of the request

void set(rd_kafka_conf_t* conf, const char* name, const std::string& value) {
  std::array<char, 256> why;
  BOOST_REQUIRE_MESSAGE(
      rd_kafka_conf_set(conf, name, value.c_str(), why.data(), why.size()) == RD_KAFKA_CONF_OK,
      why.data());
}

void drop_log(const rd_kafka_t*, int, const char*, const char*) {}

}  // namespace

MockKafka::MockKafka(int brokers) {
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  set(conf, "test.mock.num.brokers", std::to_string(brokers));
  set(conf, "linger.ms", "0");
  set(conf, "message.max.bytes", "4000000");  // more than a record may have
  rd_kafka_conf_set_log_cb(conf, drop_log);
  std::array<char, 256> why;
  producer_ = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why.data(), why.size());
  BOOST_REQUIRE_MESSAGE(producer_ != nullptr, why.data());
  cluster_ = rd_kafka_handle_mock_cluster(producer_);
  BOOST_REQUIRE(cluster_ != nullptr);
}

MockKafka::~MockKafka() {
  rd_kafka_destroy(producer_);
}

void MockKafka::create_topic(const std::string& name, int partitions) {
  BOOST_REQUIRE(rd_kafka_mock_topic_create(cluster_, name.c_str(), partitions, 1) ==
                RD_KAFKA_RESP_ERR_NO_ERROR);
}

void MockKafka::produce(const std::string& topic, int partition,
                        const std::vector<Produced>& messages) {
  for (const auto& message : messages) {
    rd_kafka_headers_t* headers = rd_kafka_headers_new(message.headers.size());
    for (const auto& [name, text] : message.headers) {
      rd_kafka_header_add(headers, name.c_str(), static_cast<ssize_t>(name.size()), text.data(),
                          static_cast<ssize_t>(text.size()));
    }
    auto* value = message.value ? const_cast<char*>(message.value->data()) : nullptr;
    const auto* key = message.key ? message.key->data() : nullptr;
    const std::size_t value_size = message.value ? message.value->size() : 0;
    const std::size_t key_size = message.key ? message.key->size() : 0;
    const auto error = rd_kafka_producev(
        producer_, RD_KAFKA_V_TOPIC(topic.c_str()), RD_KAFKA_V_PARTITION(partition),
        RD_KAFKA_V_VALUE(value, value_size), RD_KAFKA_V_KEY(key, key_size),
        RD_KAFKA_V_TIMESTAMP(message.timestamp_ms), RD_KAFKA_V_HEADERS(headers),
        RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END);
    BOOST_REQUIRE_MESSAGE(error == RD_KAFKA_RESP_ERR_NO_ERROR, rd_kafka_err2str(error));
  }
  BOOST_REQUIRE(rd_kafka_flush(producer_, kFlushMs) == RD_KAFKA_RESP_ERR_NO_ERROR);
}

void MockKafka::produce_values(const std::string& topic, int partition,
                               const std::vector<std::string>& values) {
  std::vector<Produced> messages;
  for (const auto& value : values) messages.push_back({.value = value});
  produce(topic, partition, messages);
}

void MockKafka::deny_topic(const std::string& name) {
  rd_kafka_mock_topic_set_error(cluster_, name.c_str(), RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART);
}

void MockKafka::stop_broker(int broker) {
  BOOST_REQUIRE(rd_kafka_mock_broker_set_down(cluster_, broker) == RD_KAFKA_RESP_ERR_NO_ERROR);
}
void MockKafka::start_broker(int broker) {
  BOOST_REQUIRE(rd_kafka_mock_broker_set_up(cluster_, broker) == RD_KAFKA_RESP_ERR_NO_ERROR);
}

void MockKafka::fail_fetches(const std::vector<rd_kafka_resp_err_t>& errors) {
  rd_kafka_mock_push_request_errors_array(cluster_, kFetch, errors.size(), errors.data());
}

std::int64_t MockKafka::committed(const std::string& group, const std::string& topic,
                                  int partition) {
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  set(conf, "bootstrap.servers", rd_kafka_mock_cluster_bootstraps(cluster_));
  set(conf, "group.id", group);
  rd_kafka_conf_set_log_cb(conf, drop_log);
  rd_kafka_t* reader = rd_kafka_new(RD_KAFKA_CONSUMER, conf, nullptr, 0);
  BOOST_REQUIRE(reader != nullptr);
  auto* list = rd_kafka_topic_partition_list_new(1);
  rd_kafka_topic_partition_list_add(list, topic.c_str(), partition);
  const auto error = rd_kafka_committed(reader, list, kFlushMs);
  const std::int64_t offset = list->elems[0].offset;
  rd_kafka_topic_partition_list_destroy(list);
  rd_kafka_destroy(reader);
  BOOST_REQUIRE_MESSAGE(error == RD_KAFKA_RESP_ERR_NO_ERROR, rd_kafka_err2str(error));
  return offset < 0 ? -1 : offset;
}

SourceSpec MockKafka::source(const std::string& topic) const {
  SourceSpec source;
  source.kind = SourceKind::kafka;
  source.csv.header = false;
  source.kafka.brokers = rd_kafka_mock_cluster_bootstraps(cluster_);
  source.kafka.topic = topic;
  source.kafka.columns = {"a", "b", "y"};
  source.kafka.until = KafkaUntil::latest;
  source.kafka.properties["reconnect.backoff.ms"] = {"10"};
  source.kafka.properties["reconnect.backoff.max.ms"] = {"50"};
  source.kafka.properties["fetch.wait.max.ms"] = {"10"};
  return source;
}

}  // namespace millrace::test
