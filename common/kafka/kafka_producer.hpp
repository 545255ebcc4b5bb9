// Writes to a topic in transactions, each with a mark of how far it is: messages and mark arrive
// together or not at all.
//
// Place: a lane of a sink owns one from the moment it is taken over until something fails; then
// another is made. One thread at a time, which the calls block; they return soon after `stop` is
// requested. The mark is an offset with a text, committed for a group of the transactional id's
// name, in partition 0 of the topic.
//
// Invariant: after `take_over` no earlier producer of this transactional id can commit anything,
// and the mark that it read is the last one.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>

#include "common/base/status.hpp"
#include "common/config/job_spec.hpp"
#include "common/config/secrets.hpp"

namespace millrace {

struct KafkaProducerOptions {
  SinkSpec sink;
  std::string section;           // of the job file, for messages: "sinks.predictions"
  std::string transactional_id;  // of the lane, the same in every life of the job
};

class KafkaProducer {
 public:
  struct Mark {
    std::uint64_t number = 0;
    std::string text;
  };
  using Header = std::pair<std::string_view, std::string_view>;

  // Does not connect yet. Fails when a secret or a setting cannot be used.
  static Result<std::unique_ptr<KafkaProducer>> open(const KafkaProducerOptions& options,
                                                     const SecretsFolder& secrets);
  // Gives up what is not committed.
  ~KafkaProducer();
  KafkaProducer(const KafkaProducer&) = delete;
  KafkaProducer& operator=(const KafkaProducer&) = delete;

  // Ends earlier producers and reads their mark; nothing where there is none. Once, first.
  Result<std::optional<Mark>> take_over(const std::stop_token& stop);

  Status begin();
  // Waits for room.
  Status produce(std::optional<std::string_view> key, std::optional<std::string_view> value,
                 std::span<const Header> headers, const std::stop_token& stop);
  // An error says nothing about what has arrived.
  Status commit(const Mark& mark, const std::stop_token& stop);

 private:
  struct Connection;
  explicit KafkaProducer(std::unique_ptr<Connection> connection);
  Status find_topic(const std::stop_token& stop);
  Result<std::optional<Mark>> read_mark(const std::stop_token& stop);
  template <typename Call>
  Status transact(const char* what, const std::stop_token& stop, Call call);

  std::unique_ptr<Connection> connection_;
};

}  // namespace millrace
