// A RecordSource over one partition of a Kafka topic.
//
// Place: opened by open_record_source; the partitions of one training slot share a client. Records
// are decoded as lines of CSV by the decoder of files; what cannot be one is quarantined with its
// offset. Positions are Kafka offsets, and nothing but the position of a checkpoint decides where
// reading goes on.
#pragma once

#include <memory>

#include "worker/sources/record_source.hpp"

namespace millrace {

// Fails when a secret or a setting cannot be used; a broker that is away is waited for.
Result<std::unique_ptr<RecordSource>> open_kafka_source(const SourceSpec& source,
                                                        const Schema& schema,
                                                        const SplitDescription& split, Offset from,
                                                        SlotSources& slot);

}  // namespace millrace
