// One job's connection to a Kafka cluster: what its topic holds, and its offsets there.
//
// Place: planning asks one for partitions and offsets, a training slot opens one and reads all its
// partitions through it (kafka_partition.hpp), the committer of offsets has one of its own. Only
// this folder uses librdkafka, whose threads do the network; its callbacks run within the calls
// made here, on the thread that owns the client.
//
// Invariant: nothing is read by a group, stored or committed unless `commit` is called; where
// reading begins is decided by the caller's offset alone.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/base/ids.hpp"
#include "common/base/status.hpp"
#include "common/config/job_spec.hpp"
#include "common/config/secrets.hpp"

namespace millrace {

class KafkaPartition;

struct KafkaClientOptions {
  // How long a question may take, connecting included.
  std::chrono::milliseconds patience{30'000};
  // Partitions that will be read through this client and share its memory; >= 1.
  std::size_t partitions = 1;
  // Join no group, but be able to commit offsets for KafkaSpec::group.
  bool commits = false;
};

class KafkaClient : public std::enable_shared_from_this<KafkaClient> {
 public:
  using Clock = std::chrono::steady_clock;

  // Does not connect yet. Fails when a secret or a setting cannot be used.
  static Result<std::shared_ptr<KafkaClient>> open(const KafkaSpec& kafka,
                                                   const SecretsFolder& secrets,
                                                   const KafkaClientOptions& options);
  ~KafkaClient();
  KafkaClient(const KafkaClient&) = delete;
  KafkaClient& operator=(const KafkaClient&) = delete;

  // Questions: they block, at most `patience`. unreachable when no broker answered, with the last
  // reason; not_found when there is no such topic; permission_denied.
  Result<std::string> cluster_id();
  Result<std::uint32_t> count_partitions();
  struct Range {
    Offset first;  // of the oldest record kept
    Offset end;    // behind the newest one that may be read
  };
  Result<Range> range(std::uint32_t partition);
  // Of each partition from 0: the first record of this time or later; nothing when there is none.
  Result<std::vector<std::optional<Offset>>> offsets_at(std::int64_t timestamp_ms,
                                                        std::uint32_t partitions);

  // Records the offsets to be read next, from partition 0 up, for the group. Blocks, at most about
  // `patience`. Precondition: KafkaClientOptions::commits.
  struct Position {
    std::uint32_t partition = 0;
    Offset next;
  };
  Status commit(const std::vector<Position>& positions);

  // Begins to read a partition, without waiting for anything. The client outlives what it returns.
  Result<std::unique_ptr<KafkaPartition>> read(std::uint32_t partition, Offset from);

  // Runs the library's callbacks; to be called every now and then while reading.
  void poll();
  // What people should know since the last call: that partitions have been out of reach for some
  // time, and that they are read again. Told once.
  std::vector<std::string> take_warnings(Clock::time_point now);

  const std::string& topic() const;
  const std::string& brokers() const;

 private:
  friend class KafkaPartition;
  struct Connection;
  explicit KafkaClient(std::unique_ptr<Connection> connection);
  // Calls the library until it answers, meets an error that does not pass, or patience ends.
  template <typename Ask>
  Status ask(const std::string& what, Ask call);
  std::string nearest_topic();

  std::unique_ptr<Connection> connection_;
};

}  // namespace millrace
