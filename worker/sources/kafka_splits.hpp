// The partitions of a topic as splits: which there are, where each begins and ends.
//
// Place: asked once at submit, and its answer stored with cut 0, so that `latest` and a timestamp
// mean the same for ever; asked again when a job goes on, whether the topic is still the one it
// was; and by whoever looks for new partitions while a job runs. Each function opens a connection
// of its own and blocks, at most some 30 s.
//
// Invariant: split i is partition i. Kafka only ever adds partitions behind the last one.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "common/config/secrets.hpp"
#include "common/kafka/kafka_client.hpp"
#include "worker/sources/split.hpp"

namespace millrace {

// "clicks/3"
std::string kafka_split_name(const std::string& topic, SplitId split);

// One for each partition. SplitDescription::head_digest names the cluster. Fails with unreachable,
// not_found, permission_denied, or invalid_argument when `start_offsets` do not fit.
Result<std::vector<SplitDescription>> plan_kafka_splits(const KafkaSpec& kafka,
                                                        const SecretsFolder& secrets,
                                                        const KafkaClientOptions& options = {});

// Partitions that were added since `known` was planned, from their first record on: whatever they
// hold came after the job began. None for a job that ends (`until`). Fails as verify_kafka_splits
// does.
Result<std::vector<SplitDescription>> discover_kafka_splits(const KafkaSpec& kafka,
                                                            const SecretsFolder& secrets,
                                                            std::span<const SplitDescription> known,
                                                            const KafkaClientOptions& options = {});

// Fails with conflict when the topic is of another cluster or has lost partitions.
Status verify_kafka_splits(const KafkaSpec& kafka, const SecretsFolder& secrets,
                           std::span<const SplitDescription> known,
                           const KafkaClientOptions& options = {});

// Records to infer a schema from, as lines of CSV: the first ones that the job will read, or with
// `start: latest` the last ones before. Fails with not_found when the topic has none yet.
Result<StreamHead> read_kafka_head(const SourceSpec& source, const std::string& label,
                                   const SecretsFolder& secrets,
                                   const KafkaClientOptions& options = {});

}  // namespace millrace
