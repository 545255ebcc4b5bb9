// A Kafka cluster inside the test: librdkafka's mock brokers on the loopback address, and a
// producer for them.
//
// It knows no timestamps in ListOffsets, no transactions and no retention: for those there is a
// real broker in tests/system.
#pragma once

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/config/job_spec.hpp"

namespace millrace::test {

struct Produced {
  std::optional<std::string> value;
  std::optional<std::string> key = {};
  std::map<std::string, std::string> headers = {};
  std::int64_t timestamp_ms = 0;  // 0: now
};

class MockKafka {
 public:
  explicit MockKafka(int brokers = 1);
  ~MockKafka();
  MockKafka(const MockKafka&) = delete;
  MockKafka& operator=(const MockKafka&) = delete;

  void create_topic(const std::string& name, int partitions);
  // In order, and answered for when it returns.
  void produce(const std::string& topic, int partition, const std::vector<Produced>& messages);
  void produce_values(const std::string& topic, int partition,
                      const std::vector<std::string>& values);
  // Unlike real brokers, these make every topic that is asked for, unless told that there is none.
  void deny_topic(const std::string& name);
  void stop_broker(int broker);
  void start_broker(int broker);
  // The next fetches are answered so, one each.
  void fail_fetches(const std::vector<rd_kafka_resp_err_t>& errors);
  // What a group has committed for a partition; -1: nothing.
  std::int64_t committed(const std::string& group, const std::string& topic, int partition);

  // A source of a topic here: columns a, b and the label y, until the records that are there.
  SourceSpec source(const std::string& topic) const;

 private:
  rd_kafka_t* producer_ = nullptr;
  rd_kafka_mock_cluster_t* cluster_ = nullptr;
};

}  // namespace millrace::test
