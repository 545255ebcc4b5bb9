#include "worker/sources/kafka_splits.hpp"

#include <algorithm>

#include "common/base/limits.hpp"
#include "common/config/timestamp.hpp"
#include "common/kafka/kafka_partition.hpp"
#include "worker/sources/kafka_lines.hpp"

namespace millrace {
namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

// Enough for inference; longer records are inferred from fewer.
constexpr std::size_t kHeadBytesMax = std::size_t{16} << 20;
constexpr std::size_t kMessagesPerTake = 1'024;

struct Partitions {
  std::shared_ptr<KafkaClient> client;
  std::string cluster;
  std::uint32_t count = 0;
};

Result<Partitions> find_partitions(const KafkaSpec& kafka, const SecretsFolder& secrets,
                                   const KafkaClientOptions& options) {
  Partitions found;
  MILLRACE_ASSIGN(found.client, KafkaClient::open(kafka, secrets, options));
  MILLRACE_ASSIGN(found.count, found.client->count_partitions());
  MILLRACE_ASSIGN(found.cluster, found.client->cluster_id());
  if (found.count > limits::kSplitsMax) {
    return Status(Code::resource_exhausted,
                  "topic '" + kafka.topic + "' has " + std::to_string(found.count) +
                      " partitions, at most " + std::to_string(limits::kSplitsMax) +
                      " splits are allowed",
                  "read it with several jobs, from topics of fewer partitions");
  }
  return found;
}

Status check_start_offsets(const KafkaSpec& kafka, std::uint32_t partitions) {
  if (kafka.start != KafkaStart::offsets || kafka.start_offsets.size() == partitions) return {};
  return {Code::invalid_argument,
          "source.kafka.start_offsets has " + std::to_string(kafka.start_offsets.size()) +
              " offsets, and topic '" + kafka.topic + "' has " + std::to_string(partitions) +
              " partitions",
          "give one for each, from partition 0 up"};
}

SplitDescription describe(const Partitions& found, std::uint32_t partition, Offset begin,
                          Offset end) {
  SplitDescription split;
  split.id = SplitId(partition);
  split.path = kafka_split_name(found.client->topic(), split.id);
  split.begin = begin;
  split.end = end;
  split.head_digest = found.cluster;
  return split;
}

// Where a new job begins to read a partition.
Result<Offset> first_offset(const KafkaSpec& kafka, std::uint32_t partition,
                            const KafkaClient::Range& range,
                            const std::vector<std::optional<Offset>>& by_time) {
  switch (kafka.start) {
    case KafkaStart::earliest:
      return range.first;
    case KafkaStart::latest:
      return range.end;
    case KafkaStart::timestamp:
      return by_time.at(partition).value_or(range.end);
    case KafkaStart::offsets:
      break;
  }
  const Offset wanted(kafka.start_offsets.at(partition));
  if (wanted >= range.first && wanted <= range.end) return wanted;
  return Status(Code::invalid_argument,
                "source.kafka.start_offsets: partition " + std::to_string(partition) + " of '" +
                    kafka.topic + "' has no offset " + std::to_string(wanted.value) +
                    "; it keeps " + std::to_string(range.first.value) + " to " +
                    std::to_string(range.end.value),
                "begin at one that is kept");
}

Result<std::vector<SplitDescription>> plan(const KafkaSpec& kafka, const Partitions& found) {
  MILLRACE_TRY(check_start_offsets(kafka, found.count));
  std::vector<std::optional<Offset>> by_time;
  if (kafka.start == KafkaStart::timestamp) {
    const auto moment = parse_timestamp_ms(kafka.start_timestamp);
    MILLRACE_CHECK(moment.has_value());  // the job is valid
    MILLRACE_ASSIGN(by_time, found.client->offsets_at(*moment, found.count));
  }
  std::vector<SplitDescription> splits;
  for (std::uint32_t i = 0; i < found.count; ++i) {
    MILLRACE_ASSIGN(const auto range, found.client->range(i));
    MILLRACE_ASSIGN(const Offset begin, first_offset(kafka, i, range, by_time));
    const Offset end = kafka.until ? std::max(range.end, begin) : kUnknownEnd;
    splits.push_back(describe(found, i, begin, end));
  }
  return splits;
}

// The lines of one partition from `begin` to `end`, at most `records` of them.
Status read_lines(Partitions& found, std::uint32_t partition, Offset begin, Offset end,
                  std::size_t records, milliseconds patience, KafkaLines& lines, Bytes& head) {
  if (begin >= end) return {};
  MILLRACE_ASSIGN(const auto reader, found.client->read(partition, begin));
  const auto deadline = Clock::now() + patience;
  for (Offset next = begin; next < end && records > 0 && head.size() < kHeadBytesMax;) {
    if (Clock::now() >= deadline) {
      return {Code::unreachable,
              "the first records of " +
                  kafka_split_name(found.client->topic(), SplitId(partition)) +
                  " did not arrive in time",
              "check that the brokers which lead its partitions run"};
    }
    MILLRACE_ASSIGN(auto messages,
                    reader->take(std::min(records, kMessagesPerTake), milliseconds{100}));
    lines.clear();
    for (const auto& message : messages) {
      next = message.offset.next();
      if (message.offset >= end || !lines.append(message)) break;
      --records;
    }
    lines.finish();
    const auto text = lines.text();
    const auto bytes = as_bytes(text);
    head.insert(head.end(), bytes.begin(), bytes.end());
    if (messages.empty() && reader->end_reached() && *reader->end_reached() >= end) break;
  }
  return {};
}

// Whether the topic is still the one that the job reads.
Status check_known(const KafkaSpec& kafka, const Partitions& found,
                   std::span<const SplitDescription> known) {
  const char* hint = "check source.kafka.brokers and source.kafka.topic, or start the job afresh";
  if (found.count < known.size()) {
    return {Code::conflict,
            "topic '" + kafka.topic + "' has " + std::to_string(found.count) +
                " partitions, and the job reads " + std::to_string(known.size()) +
                " of it: it was deleted and made again",
            hint};
  }
  for (const auto& split : known) {
    if (split.head_digest == found.cluster) continue;
    return {Code::conflict,
            "the brokers " + kafka.brokers + " are of the cluster '" + found.cluster +
                "', and the job was submitted with '" + split.head_digest + "'",
            hint};
  }
  return {};
}

}  // namespace

std::string kafka_split_name(const std::string& topic, SplitId split) {
  return topic + "/" + std::to_string(split.value);
}

Result<std::vector<SplitDescription>> plan_kafka_splits(const KafkaSpec& kafka,
                                                        const SecretsFolder& secrets,
                                                        const KafkaClientOptions& options) {
  MILLRACE_ASSIGN(const auto found, find_partitions(kafka, secrets, options));
  return plan(kafka, found);
}

Result<std::vector<SplitDescription>> discover_kafka_splits(const KafkaSpec& kafka,
                                                            const SecretsFolder& secrets,
                                                            std::span<const SplitDescription> known,
                                                            const KafkaClientOptions& options) {
  if (kafka.until) return std::vector<SplitDescription>();
  MILLRACE_ASSIGN(const auto found, find_partitions(kafka, secrets, options));
  MILLRACE_TRY(check_known(kafka, found, known));
  std::vector<SplitDescription> added;
  for (auto i = static_cast<std::uint32_t>(known.size()); i < found.count; ++i) {
    MILLRACE_ASSIGN(const auto range, found.client->range(i));
    added.push_back(describe(found, i, range.first, kUnknownEnd));
  }
  return added;
}

Status verify_kafka_splits(const KafkaSpec& kafka, const SecretsFolder& secrets,
                           std::span<const SplitDescription> known,
                           const KafkaClientOptions& options) {
  MILLRACE_ASSIGN(const auto found, find_partitions(kafka, secrets, options));
  return check_known(kafka, found, known);
}

Result<StreamHead> read_kafka_head(const SourceSpec& source, const std::string& label,
                                   const SecretsFolder& secrets,
                                   const KafkaClientOptions& options) {
  KafkaSpec kafka = source.kafka;
  kafka.until = KafkaUntil::latest;  // what is there
  MILLRACE_ASSIGN(auto found, find_partitions(kafka, secrets, options));
  MILLRACE_ASSIGN(const auto splits, plan(kafka, found));
  const std::size_t share = (limits::kInferenceRecords + splits.size() - 1) / splits.size();
  StreamHead head;
  head.is_whole = true;  // every line has its newline
  KafkaLines lines(source, label);
  for (const auto& split : splits) {
    Offset begin = split.begin;
    if (kafka.start == KafkaStart::latest) {
      MILLRACE_ASSIGN(const auto range, found.client->range(split.id.value));
      begin = Offset(std::max(range.first.value,
                              split.end.value - std::min<std::uint64_t>(split.end.value, share)));
    }
    MILLRACE_TRY(read_lines(found, split.id.value, begin, split.end, share, options.patience, lines,
                            head.bytes));
  }
  if (head.bytes.empty()) {
    return Status(Code::not_found,
                  "topic '" + kafka.topic + "' has no records to infer the schema from",
                  "write some to it first, or choose an earlier source.kafka.start");
  }
  return head;
}

}  // namespace millrace
