// Tells the brokers how far a job has come, for tools that show lag.
//
// Place: owned by whoever hears of complete cuts (the embedded run, a job master), which hands over
// a cut's positions once it is complete; a thread of its own does the talking. Nothing of Millrace
// reads these offsets: what a job resumes from is its checkpoint.
//
// Invariant: only positions that were handed over are committed, and never an older one after a
// newer one.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "common/kafka/kafka_client.hpp"

namespace millrace {

class OffsetCommitter {
 public:
  // Called from the committer's thread; must not block for long.
  using Warn = std::function<void(std::string)>;

  // Null when the job commits no offsets. Fails when a secret or a setting cannot be used.
  static Result<std::unique_ptr<OffsetCommitter>> open(const SourceSpec& source,
                                                       const SecretsFolder& secrets, Warn warn);
  // Commits what still waits, as far as the group's coordinator answers within some ten seconds.
  ~OffsetCommitter();
  OffsetCommitter(const OffsetCommitter&) = delete;
  OffsetCommitter& operator=(const OffsetCommitter&) = delete;

  // Of a complete cut. Returns at once; replaces positions that were not committed yet.
  void commit(std::vector<KafkaClient::Position> positions);

 private:
  OffsetCommitter(std::shared_ptr<KafkaClient> client, Warn warn);
  void run(const std::stop_token& stop);

  const std::shared_ptr<KafkaClient> client_;
  const Warn warn_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::optional<std::vector<KafkaClient::Position>> waiting_;
  std::jthread thread_;  // last: it uses all of the above
};

}  // namespace millrace
