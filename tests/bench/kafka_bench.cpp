// Messages per second of one topic, single-threaded: librdkafka's own rate, and that of the source
// which decodes them into micro-batches.
//
//   millrace_bench_kafka BROKERS TOPIC COLUMN,... LABEL library|source
//
// Prints the rate alone, so that tests/bench/kafka can run both in turn.
#include <librdkafka/rdkafka.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "common/data/schema_inference.hpp"
#include "worker/sources/kafka_splits.hpp"
#include "worker/sources/record_source.hpp"

namespace millrace {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::size_t kMessagesPerTake = 1'024;
constexpr std::size_t kBatch = 256;

template <typename T>
T require(Result<T> result) {
  if (!result.is_ok()) {
    std::fprintf(stderr, "kafka_bench: %s\n", result.status().message().c_str());
    std::exit(1);
  }
  return std::move(result).value();
}

SourceSpec make_source(char** words) {
  SourceSpec source;
  source.kind = SourceKind::kafka;
  source.csv.header = false;
  source.kafka.brokers = words[0];
  source.kafka.topic = words[1];
  source.kafka.until = KafkaUntil::latest;
  for (std::string_view rest = words[2]; !rest.empty();) {
    const auto comma = rest.find(',');
    source.kafka.columns.emplace_back(rest.substr(0, comma));
    rest = comma == rest.npos ? std::string_view() : rest.substr(comma + 1);
  }
  return source;
}

void set(rd_kafka_conf_t* conf, const char* name, const char* value) {
  std::array<char, 256> why;
  if (rd_kafka_conf_set(conf, name, value, why.data(), why.size()) != RD_KAFKA_CONF_OK) {
    std::fprintf(stderr, "kafka_bench: %s\n", why.data());
    std::exit(1);
  }
}

// As its documentation says for the greatest rate: much read ahead, messages in batches.
std::uint64_t read_by_library(const SourceSpec& source,
                              const std::vector<SplitDescription>& splits) {
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  set(conf, "bootstrap.servers", source.kafka.brokers.c_str());
  set(conf, "queued.min.messages", "1000000");
  set(conf, "enable.partition.eof", "true");
  rd_kafka_t* kafka = rd_kafka_new(RD_KAFKA_CONSUMER, conf, nullptr, 0);
  rd_kafka_topic_t* topic = rd_kafka_topic_new(kafka, source.kafka.topic.c_str(), nullptr);
  rd_kafka_queue_t* queue = rd_kafka_queue_new(kafka);
  for (const auto& split : splits) {
    rd_kafka_consume_start_queue(topic, static_cast<std::int32_t>(split.id.value),
                                 static_cast<std::int64_t>(split.begin.value), queue);
  }
  std::array<rd_kafka_message_t*, kMessagesPerTake> messages;
  std::uint64_t count = 0;
  for (std::size_t ended = 0; ended < splits.size();) {
    const auto taken = rd_kafka_consume_batch_queue(queue, 10, messages.data(), messages.size());
    for (ssize_t i = 0; i < taken; ++i) {
      count += messages[static_cast<std::size_t>(i)]->err == RD_KAFKA_RESP_ERR_NO_ERROR ? 1 : 0;
      ended += messages[static_cast<std::size_t>(i)]->err == RD_KAFKA_RESP_ERR__PARTITION_EOF;
      rd_kafka_message_destroy(messages[static_cast<std::size_t>(i)]);
    }
  }
  for (const auto& split : splits)
    rd_kafka_consume_stop(topic, static_cast<std::int32_t>(split.id.value));
  rd_kafka_queue_destroy(queue);
  rd_kafka_topic_destroy(topic);
  rd_kafka_destroy(kafka);
  return count;
}

// As a training slot does: whichever partition has something, in turn.
std::uint64_t read_by_source(const SourceSpec& source, const Schema& schema,
                             const std::vector<SplitDescription>& splits) {
  SlotSources slot;
  slot.splits = splits.size();
  struct Open {
    std::unique_ptr<RecordSource> source;
    MicroBatch batch;
  };
  std::vector<Open> open;
  for (const auto& split : splits) {
    open.push_back({require(open_record_source(source, schema, split, split.begin, 1, slot)),
                    MicroBatch(kBatch, schema.numeric_count(), schema.categorical_count())});
  }
  const Dictionary dictionary(schema,
                              std::vector<std::uint32_t>(schema.categorical_count() + 1, 4'096));
  std::uint64_t count = 0;
  while (!open.empty()) {
    bool has_any = false;
    for (auto& one : open) {
      const auto outcome = require(one.source->fill(one.batch, dictionary));
      has_any |= !outcome.is_starved;
      if (outcome.state == FillState::again) continue;
      count += one.batch.rows;
      one.batch.rows = 0;
      if (outcome.state == FillState::end_of_split) one.source.reset();
    }
    std::erase_if(open, [](const Open& one) { return one.source == nullptr; });
    if (!has_any && !open.empty()) (void)open[0].source->wait(std::chrono::milliseconds{5});
  }
  return count;
}

int run(char** words) {
  auto source = make_source(words);
  SchemaSpec spec;
  spec.label = words[3];
  const bool is_library = std::strcmp(words[4], "library") == 0;
  const auto head = require(read_kafka_head(source, spec.label, {}));
  const auto schema = require(infer_schema(spec, source, head.bytes, head.is_whole)).schema;
  const auto splits = require(plan_kafka_splits(source.kafka, {}));
  const auto began = Clock::now();
  const std::uint64_t count =
      is_library ? read_by_library(source, splits) : read_by_source(source, schema, splits);
  const double seconds = std::chrono::duration<double>(Clock::now() - began).count();
  std::printf("%.0f\n", static_cast<double>(count) / seconds);
  return 0;
}

}  // namespace
}  // namespace millrace

int main(int argc, char** argv) {
  if (argc == 6) return millrace::run(argv + 1);
  std::fprintf(stderr,
               "usage: millrace_bench_kafka BROKERS TOPIC COLUMN,... LABEL library|source\n");
  return 2;
}
