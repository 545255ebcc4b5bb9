// What stands behind a KafkaClient: librdkafka's handles and what its callbacks said.
//
// Place: private to common/kafka.
#pragma once

#include <librdkafka/rdkafka.h>

#include "common/kafka/kafka_client.hpp"
#include "common/kafka/reachability.hpp"

namespace millrace {

struct KafkaClient::Connection {
  const KafkaSpec spec;
  const KafkaClientOptions options;
  rd_kafka_t* kafka = nullptr;
  rd_kafka_topic_t* topic = nullptr;
  std::string last_error;
  Reachability reachability;

  Connection(const KafkaSpec& source, const KafkaClientOptions& client)
      : spec(source), options(client), reachability(source.topic) {}
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection();
};

// Errors that pass: a broker that is away, an election.
bool is_passing(rd_kafka_resp_err_t error);
bool is_unknown_topic(rd_kafka_resp_err_t error);
// What an error of the library means to the caller; the message is `what` and the reason.
Status kafka_status(rd_kafka_resp_err_t error, const std::string& what, const std::string& reason);

}  // namespace millrace
