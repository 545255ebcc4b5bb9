// Which settings of librdkafka a job file may give, and why others are refused.
//
// Place: read by the checks, the documentation and the JSON Schema of `source.kafka.properties`;
// common/kafka hands to the library what passed. Immutable; thread-safe.
//
// Invariant: no allowed setting loads code, runs a command, weakens the check of who the broker is,
// or changes where reading begins and what is counted as read.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/base/status.hpp"
#include "common/config/job_spec.hpp"

namespace millrace {

struct KafkaPropertyRule {
  std::string name;
  std::string help;
  bool is_secret = false;            // only {secret: NAME}: a literal would be stored with the job
  std::vector<std::string> choices;  // without regard to case; empty: see range
  std::pair<std::uint64_t, std::uint64_t> range = {0, 0};  // of a number; 0, 0: any text
};

std::span<const KafkaPropertyRule> kafka_property_rules();
const KafkaPropertyRule* find_kafka_property(std::string_view name);

// invalid_argument when the setting is not allowed, or has a value that it cannot have. The message
// never repeats the value of a secret.
Status check_kafka_property(std::string_view name, const Property& property);
// What holds between them: SASL needs a mechanism that this program speaks.
Status check_kafka_properties(const Properties& properties);

}  // namespace millrace
