#include "common/kafka/kafka_partition.hpp"

#include "common/base/limits.hpp"
#include "common/kafka/kafka_connection.hpp"

namespace millrace {
namespace {

using std::chrono::milliseconds;

// Brokers that have just started may not know a topic yet.
constexpr std::chrono::seconds kUnknownTopicPatience{60};

std::optional<std::string_view> text_or_null(const void* bytes, std::size_t size) {
  if (bytes == nullptr) return std::nullopt;
  return std::string_view(static_cast<const char*>(bytes), size);
}

}  // namespace

struct KafkaPartition::Handles {
  std::vector<rd_kafka_message_t*> taken;
};

std::optional<std::string_view> KafkaMessage::header(const std::string& name) const {
  if (handle == nullptr) return std::nullopt;
  // Reading headers parses them in place; the message itself does not change.
  auto* message = static_cast<rd_kafka_message_t*>(const_cast<void*>(handle));
  rd_kafka_headers_t* headers = nullptr;
  if (rd_kafka_message_headers(message, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR)
    return std::nullopt;
  const void* bytes = nullptr;
  std::size_t size = 0;
  if (rd_kafka_header_get_last(headers, name.c_str(), &bytes, &size) != RD_KAFKA_RESP_ERR_NO_ERROR)
    return std::nullopt;
  return text_or_null(bytes, size);
}

KafkaPartition::KafkaPartition(std::shared_ptr<KafkaClient> client, std::uint32_t partition,
                               Offset from)
    : client_(std::move(client)),
      partition_(partition),
      next_(from),
      handles_(std::make_unique<Handles>()) {}

KafkaPartition::~KafkaPartition() {
  release();
  rd_kafka_consume_stop(client_->connection_->topic, static_cast<std::int32_t>(partition_));
  client_->connection_->reachability.end_reading(partition_);
}

void KafkaPartition::release() {
  for (auto* message : handles_->taken) rd_kafka_message_destroy(message);
  handles_->taken.clear();
  messages_.clear();
}

Result<std::span<const KafkaMessage>> KafkaPartition::take(std::size_t most, milliseconds timeout) {
  release();
  if (!failure_.is_ok()) return failure_;
  auto& taken = handles_->taken;
  taken.resize(most);
  const auto count =
      rd_kafka_consume_batch(client_->connection_->topic, static_cast<std::int32_t>(partition_),
                             static_cast<int>(timeout.count()), taken.data(), most);
  taken.resize(count < 0 ? 0 : static_cast<std::size_t>(count));
  if (count < 0 && !missing_since_) missing_since_ = KafkaClient::Clock::now();
  for (auto* message : taken) {
    if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
      failure_ = note(message);
      if (!failure_.is_ok()) break;
      continue;
    }
    // After a reconnection the library may give again what it gave before.
    const Offset offset(static_cast<std::uint64_t>(message->offset));
    if (offset < next_) continue;
    next_ = offset.next();
    end_reached_.reset();
    missing_since_.reset();
    auto& taken_message = messages_.emplace_back();
    taken_message.offset = offset;
    taken_message.key = text_or_null(message->key, message->key_len);
    taken_message.value = text_or_null(message->payload, message->len);
    taken_message.handle = message;
    rd_kafka_timestamp_type_t type;
    const auto time = rd_kafka_message_timestamp(message, &type);
    if (type != RD_KAFKA_TIMESTAMP_NOT_AVAILABLE) taken_message.timestamp_ms = time;
  }
  if (failure_.is_ok()) failure_ = check_missing();
  if (messages_.empty() && !failure_.is_ok()) return failure_;
  return std::span<const KafkaMessage>(messages_);
}

Status KafkaPartition::note(const void* handle) {
  const auto& message = *static_cast<const rd_kafka_message_t*>(handle);
  const std::string where = client_->topic() + "/" + std::to_string(partition_);
  if (message.err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
    missing_since_.reset();
    if (message.offset >= 0) {
      const Offset offset(static_cast<std::uint64_t>(message.offset));
      if (offset >= next_) end_reached_ = offset;
    }
    return {};
  }
  if (message.err == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET ||
      message.err == RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE) {
    std::int64_t low = -1, high = -1;
    rd_kafka_get_watermark_offsets(client_->connection_->kafka, client_->topic().c_str(),
                                   static_cast<std::int32_t>(partition_), &low, &high);
    const std::string kept = low >= 0 && high >= low ? "; it keeps " + std::to_string(low) +
                                                           " to " + std::to_string(high)
                                                     : "";
    return {Code::conflict,
            "offset " + std::to_string(next_.value) + " of " + where +
                ", which is to be read next, is not there any more" + kept,
            "records were deleted before they were read, or the topic was made anew: keep them "
            "longer (retention.ms), and start the job afresh (--fresh)"};
  }
  if (is_unknown_topic(message.err)) {
    if (!missing_since_) missing_since_ = KafkaClient::Clock::now();
    return {};
  }
  if (is_passing(message.err)) return {};
  const char* reason = rd_kafka_message_errstr(&message);
  return kafka_status(message.err, "reading offset " + std::to_string(next_.value) + " of " + where,
                      reason == nullptr ? "" : reason);
}

Status KafkaPartition::check_missing() {
  if (!missing_since_) return {};
  // A partition at whose end nothing happens is known again without a word.
  const auto reached_at = client_->connection_->reachability.reached_at(partition_);
  if (reached_at > *missing_since_) missing_since_.reset();
  if (!missing_since_ || KafkaClient::Clock::now() - *missing_since_ < kUnknownTopicPatience)
    return {};
  return {Code::conflict,
          client_->topic() + "/" + std::to_string(partition_) + " is not there any more",
          "was the topic deleted? restore it, or start the job afresh on another one"};
}

}  // namespace millrace
