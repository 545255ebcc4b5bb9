#include "common/kafka/kafka_client.hpp"

#include <algorithm>
#include <array>
#include <future>
#include <thread>

#include "common/base/check.hpp"
#include "common/config/nearest.hpp"
#include "common/kafka/kafka_connection.hpp"
#include "common/kafka/kafka_partition.hpp"
#include "common/kafka/kafka_settings.hpp"

namespace millrace {
namespace {

using std::chrono::milliseconds;

// Topics named in a hint: a cluster may hold very many.
constexpr int kTopicsCompared = 10'000;
// A question that an election answered is asked again after a pause.
constexpr milliseconds kPause{100};

// The library would write to stderr by itself.
void drop_log(const rd_kafka_t*, int, const char*, const char*) {}

// Brokers are not asked for anything any more when a client ends: milliseconds are enough.
constexpr std::chrono::seconds kEndPatience{10};

struct ListDeleter {
  void operator()(rd_kafka_topic_partition_list_t* list) const {
    rd_kafka_topic_partition_list_destroy(list);
  }
};
using PartitionList = std::unique_ptr<rd_kafka_topic_partition_list_t, ListDeleter>;

}  // namespace

// librdkafka 2.0.2 waits for ever for its own thread where a topic that was read has lost
// partitions: what cannot be ended in time is left to the end of the process.
KafkaClient::Connection::~Connection() {
  if (topic != nullptr) rd_kafka_topic_destroy(topic);
  if (kafka == nullptr) return;
  const auto ended = std::make_shared<std::promise<void>>();
  std::thread([kafka = kafka, ended] {
    rd_kafka_destroy(kafka);
    ended->set_value();
  }).detach();
  (void)ended->get_future().wait_for(kEndPatience);
}

KafkaClient::KafkaClient(std::unique_ptr<Connection> connection)
    : connection_(std::move(connection)) {}
KafkaClient::~KafkaClient() = default;

Result<std::shared_ptr<KafkaClient>> KafkaClient::open(const KafkaSpec& kafka,
                                                       const SecretsFolder& secrets,
                                                       const KafkaClientOptions& options) {
  MILLRACE_CHECK(!options.commits || kafka.group.has_value());
  auto connection = std::make_unique<Connection>(kafka, options);
  MILLRACE_ASSIGN(KafkaConf conf, make_kafka_conf(kafka, secrets, options));
  rd_kafka_conf_set_opaque(conf.get(), connection.get());
  rd_kafka_conf_set_log_cb(conf.get(), drop_log);
  rd_kafka_conf_set_error_cb(conf.get(), [](rd_kafka_t*, int code, const char* why, void* opaque) {
    auto& last = static_cast<Connection*>(opaque)->last_error;
    // That all are away says less than why one is.
    if (code != RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN || last.empty())
      last = why == nullptr ? "" : why;
  });
  rd_kafka_conf_set_stats_cb(
      conf.get(), [](rd_kafka_t*, char* json, std::size_t size, void* opaque) {
        static_cast<Connection*>(opaque)->reachability.take_statistics({json, size}, Clock::now());
        return 0;  // the library frees the text
      });
  std::array<char, 512> why;
  connection->kafka = rd_kafka_new(RD_KAFKA_CONSUMER, conf.get(), why.data(), why.size());
  if (connection->kafka == nullptr) {
    return Status(Code::invalid_argument, std::string("no Kafka client can be made: ") + why.data(),
                  "check source.kafka.properties");
  }
  (void)conf.release();  // the client's now
  connection->topic = rd_kafka_topic_new(connection->kafka, kafka.topic.c_str(), nullptr);
  if (connection->topic == nullptr) {
    return kafka_status(rd_kafka_last_error(), "topic '" + kafka.topic + "' cannot be used", "");
  }
  return std::shared_ptr<KafkaClient>(new KafkaClient(std::move(connection)));
}

const std::string& KafkaClient::topic() const {
  return connection_->spec.topic;
}
const std::string& KafkaClient::brokers() const {
  return connection_->spec.brokers;
}
void KafkaClient::poll() {
  rd_kafka_poll(connection_->kafka, 0);
}

std::vector<std::string> KafkaClient::take_warnings(Clock::time_point now) {
  return connection_->reachability.take_warnings(connection_->last_error, now);
}

template <typename Ask>
Status KafkaClient::ask(const std::string& what, Ask call) {
  const auto deadline = Clock::now() + connection_->options.patience;
  for (;;) {
    const auto left = std::chrono::ceil<milliseconds>(deadline - Clock::now());
    const rd_kafka_resp_err_t error = call(static_cast<int>(std::max(left, kPause).count()));
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR) return {};
    // Callbacks that say why wait in the library's queue.
    while (rd_kafka_poll(connection_->kafka, 0) > 0) {
    }
    if (!is_passing(error) || Clock::now() >= deadline) {
      const bool is_silent = is_passing(error) && !connection_->last_error.empty();
      return kafka_status(error, what, is_silent ? connection_->last_error : "");
    }
    rd_kafka_poll(connection_->kafka, static_cast<int>(kPause.count()));
  }
}

Result<std::string> KafkaClient::cluster_id() {
  std::string id;
  MILLRACE_TRY(ask("asking " + brokers() + " which cluster it is", [&](int timeout) {
    char* found = rd_kafka_clusterid(connection_->kafka, timeout);
    if (found == nullptr) return RD_KAFKA_RESP_ERR__TIMED_OUT;
    id = found;
    rd_kafka_mem_free(connection_->kafka, found);
    return RD_KAFKA_RESP_ERR_NO_ERROR;
  }));
  return id;
}

// A name that the cluster knows, for who has mistyped one; empty when none is near.
std::string KafkaClient::nearest_topic() {
  const rd_kafka_metadata_t* metadata = nullptr;
  if (rd_kafka_metadata(connection_->kafka, 1, nullptr, &metadata, 5'000) !=
      RD_KAFKA_RESP_ERR_NO_ERROR)
    return {};
  std::vector<std::string> names;
  for (int i = 0; i < std::min(metadata->topic_cnt, kTopicsCompared); ++i)
    if (metadata->topics[i].err == RD_KAFKA_RESP_ERR_NO_ERROR)
      names.emplace_back(metadata->topics[i].topic);
  rd_kafka_metadata_destroy(metadata);
  return nearest_word(topic(), names);
}

Result<std::uint32_t> KafkaClient::count_partitions() {
  std::uint32_t count = 0;
  const auto status = ask("asking " + brokers() + " for topic '" + topic() + "'", [&](int timeout) {
    const rd_kafka_metadata_t* metadata = nullptr;
    auto error = rd_kafka_metadata(connection_->kafka, 0, connection_->topic, &metadata, timeout);
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR) return error;
    if (metadata->topic_cnt == 1) {
      error = metadata->topics[0].err;
      count = static_cast<std::uint32_t>(metadata->topics[0].partition_cnt);
    }
    rd_kafka_metadata_destroy(metadata);
    return error;
  });
  if (status.code() == Code::not_found) {
    const auto nearest = nearest_topic();
    return Status(Code::not_found, "there is no topic '" + topic() + "' at " + brokers(),
                  nearest.empty() ? status.hint() : "did you mean '" + nearest + "'?");
  }
  MILLRACE_TRY(status);
  if (count == 0)
    return Status(Code::not_found, "topic '" + topic() + "' has no partitions", status.hint());
  return count;
}

Result<KafkaClient::Range> KafkaClient::range(std::uint32_t partition) {
  std::int64_t low = 0, high = 0;
  MILLRACE_TRY(ask(
      "asking " + brokers() + " for the offsets of " + topic() + "/" + std::to_string(partition),
      [&](int timeout) {
        return rd_kafka_query_watermark_offsets(connection_->kafka, topic().c_str(),
                                                static_cast<std::int32_t>(partition), &low, &high,
                                                timeout);
      }));
  if (low < 0 || high < low)
    return Status(Code::io_error, "the broker names impossible offsets of " + topic() + "/" +
                                      std::to_string(partition) + ": " + std::to_string(low) +
                                      " to " + std::to_string(high));
  return Range{Offset(static_cast<std::uint64_t>(low)), Offset(static_cast<std::uint64_t>(high))};
}

Result<std::vector<std::optional<Offset>>> KafkaClient::offsets_at(std::int64_t timestamp_ms,
                                                                   std::uint32_t partitions) {
  const PartitionList list(rd_kafka_topic_partition_list_new(static_cast<int>(partitions)));
  MILLRACE_TRY(ask("asking " + brokers() + " for offsets by time", [&](int timeout) {
    list->cnt = 0;
    for (std::uint32_t i = 0; i < partitions; ++i) {
      rd_kafka_topic_partition_list_add(list.get(), topic().c_str(), static_cast<std::int32_t>(i))
          ->offset = timestamp_ms;
    }
    const auto error = rd_kafka_offsets_for_times(connection_->kafka, list.get(), timeout);
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR) return error;
    for (int i = 0; i < list->cnt; ++i)
      if (list->elems[i].err != RD_KAFKA_RESP_ERR_NO_ERROR) return list->elems[i].err;
    return RD_KAFKA_RESP_ERR_NO_ERROR;
  }));
  std::vector<std::optional<Offset>> offsets(partitions);
  for (int i = 0; i < list->cnt; ++i) {
    const auto& found = list->elems[i];
    if (found.offset >= 0)
      offsets.at(static_cast<std::size_t>(found.partition)) =
          Offset(static_cast<std::uint64_t>(found.offset));
  }
  return offsets;
}

Status KafkaClient::commit(const std::vector<Position>& positions) {
  MILLRACE_CHECK(connection_->options.commits);
  if (positions.empty()) return {};
  const PartitionList list(rd_kafka_topic_partition_list_new(static_cast<int>(positions.size())));
  for (const auto& position : positions) {
    rd_kafka_topic_partition_list_add(list.get(), topic().c_str(),
                                      static_cast<std::int32_t>(position.partition))
        ->offset = static_cast<std::int64_t>(position.next.value);
  }
  const std::string what =
      "committing offsets of '" + topic() + "' for group '" + connection_->spec.group.value() + "'";
  return ask(what, [&](int) { return rd_kafka_commit(connection_->kafka, list.get(), 0); });
}

Result<std::unique_ptr<KafkaPartition>> KafkaClient::read(std::uint32_t partition, Offset from) {
  if (rd_kafka_consume_start(connection_->topic, static_cast<std::int32_t>(partition),
                             static_cast<std::int64_t>(from.value)) != 0) {
    return kafka_status(rd_kafka_last_error(),
                        "cannot read " + topic() + "/" + std::to_string(partition) +
                            " from offset " + std::to_string(from.value),
                        "");
  }
  connection_->reachability.begin_reading(partition);
  return std::unique_ptr<KafkaPartition>(new KafkaPartition(shared_from_this(), partition, from));
}

}  // namespace millrace
