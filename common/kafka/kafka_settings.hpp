// The settings that librdkafka gets: this program's own, and what the job allows itself.
//
// Place: private to common/kafka. Secrets are read here, handed to the library, and wiped.
#pragma once

#include <librdkafka/rdkafka.h>

#include <memory>

#include "common/kafka/kafka_client.hpp"

namespace millrace {

struct KafkaConfDeleter {
  void operator()(rd_kafka_conf_t* conf) const;
};
using KafkaConf = std::unique_ptr<rd_kafka_conf_t, KafkaConfDeleter>;

// Fails when a secret or a setting cannot be used; never with the text of a secret.
Result<KafkaConf> make_kafka_conf(const KafkaSpec& kafka, const SecretsFolder& secrets,
                                  const KafkaClientOptions& options);

}  // namespace millrace
