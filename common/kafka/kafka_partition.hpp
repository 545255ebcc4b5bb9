// Reads the messages of one partition in order, from an offset on.
//
// Place: below a KafkaSource; owned by one training thread. librdkafka's threads fetch ahead into a
// queue of bounded size; `take` empties it without copying.
//
// Invariant: messages come with ascending offsets and none in between that could be read is left
// out: whatever stands in the way is waited for, or fails.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/kafka/kafka_client.hpp"

namespace millrace {

// Its texts live until the next `take`.
struct KafkaMessage {
  Offset offset;
  std::optional<std::string_view> key;    // nothing: null
  std::optional<std::string_view> value;  // nothing: null, a tombstone
  std::optional<std::int64_t> timestamp_ms;
  const void* handle = nullptr;  // the library's message

  // The last header of this name; nothing when there is none, or it is null.
  std::optional<std::string_view> header(const std::string& name) const;
};

class KafkaPartition {
 public:
  ~KafkaPartition();
  KafkaPartition(const KafkaPartition&) = delete;
  KafkaPartition& operator=(const KafkaPartition&) = delete;

  // At most `most` messages; fewer, possibly none, when no more have arrived within `timeout`.
  // Fails with conflict when the next record is gone or the topic was deleted, permission_denied,
  // or io_error; a broker that is away is waited for.
  Result<std::span<const KafkaMessage>> take(std::size_t most, std::chrono::milliseconds timeout);

  // Where reading stands when nothing was left behind the last message: this offset would be read
  // next. Records that are not messages (marks of transactions, what compaction removed) are behind
  // it.
  std::optional<Offset> end_reached() const { return end_reached_; }

 private:
  friend class KafkaClient;
  struct Handles;
  KafkaPartition(std::shared_ptr<KafkaClient> client, std::uint32_t partition, Offset from);
  void release();
  // Keeps what is no message; its failure ends reading.
  Status note(const void* message);
  Status check_missing();

  std::shared_ptr<KafkaClient> client_;
  const std::uint32_t partition_;
  Offset next_;  // behind the last message taken
  std::unique_ptr<Handles> handles_;
  std::vector<KafkaMessage> messages_;
  std::optional<Offset> end_reached_;
  Status failure_;  // told once the messages before it are taken
  std::optional<KafkaClient::Clock::time_point> missing_since_;  // the topic is unknown
};

}  // namespace millrace
