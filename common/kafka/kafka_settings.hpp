// The settings that librdkafka gets: this program's own, and what the job allows itself.
//
// Place: private to common/kafka. Secrets are read here, handed to the library, and wiped.
#pragma once

#include <librdkafka/rdkafka.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/kafka/kafka_client.hpp"

namespace millrace {

struct KafkaConfDeleter {
  void operator()(rd_kafka_conf_t* conf) const;
};
using KafkaConf = std::unique_ptr<rd_kafka_conf_t, KafkaConfDeleter>;

// Fails when a secret or a setting cannot be used; never with the text of a secret.
Result<KafkaConf> make_kafka_conf(const KafkaSpec& kafka, const SecretsFolder& secrets,
                                  const KafkaClientOptions& options);

// Of a client that writes: `settings` are this program's own. `section` is where the job file has
// the properties, for messages.
Result<KafkaConf> make_sink_conf(const std::vector<std::pair<std::string, std::string>>& settings,
                                 const std::string& section, const Properties& properties,
                                 const SecretsFolder& secrets);

}  // namespace millrace
