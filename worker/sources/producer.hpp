// Sends rows to a zeromq source and keeps each message until it is acknowledged.
//
// Place: `millrace send`; what any other producer has to do. One thread. Connections are made again
// in the background; what was lost with one is sent again under its number.
//
// Invariant: a message is kept, bytes and number, until the source has acknowledged it.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "common/base/status.hpp"
#include "common/net/endpoint.hpp"
#include "common/security/curve_keys.hpp"

namespace millrace {

struct ProducerOptions {
  net::Endpoint endpoint = {};
  // For a source that asks for keys.
  std::shared_ptr<const security::CurveClientKeys> keys = {};
  // Unique among those who send to the endpoint. With the name and the messages of an earlier life
  // those that arrived then are passed over.
  std::string name;
  // Nothing is heard for so long: the end. Acknowledgements come with checkpoints, but whoever
  // listens answers when it is asked.
  std::chrono::milliseconds patience{60'000};
};

struct ProducerFigures {
  std::uint64_t messages = 0;      // given to send
  std::uint64_t acknowledged = 0;  // of them
  std::uint64_t resent = 0;
};

class Producer {
 public:
  static Result<std::unique_ptr<Producer>> connect(const ProducerOptions& options);
  ~Producer();
  Producer(const Producer&) = delete;
  Producer& operator=(const Producer&) = delete;

  // Called now and then while something is waited for; false ends the waiting with `cancelled`.
  using GoOn = std::function<bool()>;
  // Waits for room. Fails with unreachable when nobody has ever answered, timed_out when nobody
  // does any more, or with what the source says of a message.
  Status send(std::string lines, const GoOn& go_on);
  // Waits until all is acknowledged.
  Status finish(const GoOn& go_on);
  const ProducerFigures& figures() const;

 private:
  struct State;
  explicit Producer(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace millrace
