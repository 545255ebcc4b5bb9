#include "common/base/limits.hpp"
#include "common/config/job_key_access.hpp"
#include "common/config/job_keys.hpp"

namespace millrace::job_key_access {

template <>
const std::vector<std::string>& words<KafkaStart>() {
  static const std::vector<std::string> all = {"earliest", "latest", "timestamp", "offsets"};
  return all;
}
template <>
const std::vector<std::string>& words<KafkaUntil>() {
  static const std::vector<std::string> all = {"latest"};
  return all;
}
template <>
const std::vector<std::string>& words<KafkaPart>() {
  static const std::vector<std::string> all = {"value", "key"};
  return all;
}
template <>
const std::vector<std::string>& words<SinkKind>() {
  static const std::vector<std::string> all = {"kafka"};
  return all;
}

void add_kafka_keys(std::vector<JobKey>& keys) {
  const auto kafka = inside(section(&JobSpec::source), &SourceSpec::kafka);
  const auto add = [&](const char* name, auto KafkaSpec::*member, const char* help) -> JobKey& {
    keys.push_back(key("source.kafka." + std::string(name), kafka, member, help));
    keys.back().only_with = "source.kind=kafka";
    return keys.back();
  };
  auto* row = &add("brokers", &KafkaSpec::brokers,
                   "where the cluster is found: host:port, several separated by commas");
  row->default_note = "none: required for kafka";
  row->on_change = OnChange::goes_on;
  add("topic", &KafkaSpec::topic, "the topic that is read").default_note =
      "none: required for kafka";
  add("start", &KafkaSpec::start,
      "where a new job begins; looked up once, at submit. A record that is gone by the time it is "
      "to be read fails the job");
  row = &add("start_timestamp", &KafkaSpec::start_timestamp,
             "the first record of this time or later: 2026-01-31T08:00:00Z, or milliseconds since "
             "1970");
  row->only_with = "source.kafka.start=timestamp";
  row->default_note = "none: required for timestamp";
  row = &add("start_offsets", &KafkaSpec::start_offsets, "the first offset of each partition");
  row->only_with = "source.kafka.start=offsets";
  row->default_note = "none: required for offsets";
  row =
      &add("until", &KafkaSpec::until, "the stream ends with the records that are there at submit");
  row->default_note = "none: it never ends";
  add("columns", &KafkaSpec::columns, "the fields in a message's value, in order").default_note =
      "c1, c2, ...";
  add("label_from", &KafkaSpec::label_from,
      "whether the label is a field of the value, or the message's key");
  add("key_field", &KafkaSpec::key_field, "a field of this name holds the message's key")
      .default_note = "none";
  row = &add("timestamp_field", &KafkaSpec::timestamp_field,
             "a field of this name holds the message's time, in milliseconds since 1970");
  row->default_note = "none";
  add("header_fields", &KafkaSpec::header_fields, "headers that become fields of the same names");
  row = &add("linger", &KafkaSpec::linger,
             "a micro-batch that is not full waits so long for more records; in synchronous "
             "merging it waits until it is full");
  row->minimum = 0;
  row->maximum = 3'600'000;
  row->on_change = OnChange::goes_on;
  row = &add("discovery_interval", &KafkaSpec::discovery_interval,
             "how often to look for partitions that were added to the topic; 0: never. They are "
             "read from their first record; no effect with `until`");
  row->minimum = 0;
  row->maximum = 86'400'000;
  row->on_change = OnChange::goes_on;
  row = &add("group", &KafkaSpec::group, "the consumer group under which offsets are committed");
  row->default_note = "none";
  row->on_change = OnChange::goes_on;
  row = &add("commit_offsets", &KafkaSpec::commit_offsets,
             "tell the brokers the offsets of complete checkpoints, for tools that show lag; the "
             "job itself never reads them");
  row->on_change = OnChange::goes_on;
  row =
      &add("dead_letter", &KafkaSpec::dead_letter,
           "the topic of the same cluster that quarantined messages are written to, exactly once: "
           "the value as it was, and headers that say why");
  row->default_note = "none: they are only counted, and the first ones kept";
  row = &add("properties", &KafkaSpec::properties,
             "settings of librdkafka; secrets as {secret: NAME}, from the secrets folder");
  row->on_change = OnChange::goes_on;
}

// Brokers and settings may change; behind another topic there would be no mark of what was written.
void add_sink_keys(std::vector<JobKey>& keys) {
  const auto sink = section(&JobSpec::predictions);
  const auto add = [&](const char* name, auto SinkSpec::*member, const char* help) -> JobKey& {
    keys.push_back(key("sinks.predictions." + std::string(name), sink, member, help));
    return keys.back();
  };
  auto* row = &add("kind", &SinkSpec::kind, "what kind of system they are written to");
  row->is_headline = true;
  row->default_note = "no predictions are written";
  row = &add("brokers", &SinkSpec::brokers,
             "where the cluster is found: host:port, several separated by commas");
  row->default_note = "none: required for a sink";
  row->on_change = OnChange::goes_on;
  add("topic", &SinkSpec::topic, "the topic that is written to, exactly once").default_note =
      "none: required for a sink";
  row = &add("properties", &SinkSpec::properties,
             "settings of librdkafka; secrets as {secret: NAME}, from the secrets folder");
  row->on_change = OnChange::goes_on;
}

}  // namespace millrace::job_key_access
