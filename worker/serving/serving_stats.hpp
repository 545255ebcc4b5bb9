// What a prediction server has done since it started; a snapshot of counters that only grow.
#pragma once

#include <array>
#include <cstdint>

namespace millrace {

struct ServingStats {
  std::uint64_t requests = 0;       // arrived
  std::uint64_t rows = 0;           // predicted
  std::uint64_t predicted = 0;      // requests answered with predictions
  std::uint64_t malformed = 0;      // answered: no valid message
  std::uint64_t refused = 0;        // answered: wrong fields or values, unknown model or version
  std::uint64_t denied = 0;         // answered: the client may not ask here
  std::uint64_t overloaded = 0;     // answered: the queue was full
  std::uint64_t expired = 0;        // answered: waited longer than their deadline
  std::uint64_t failed = 0;         // answered: internal error
  std::uint64_t undeliverable = 0;  // answers whose client had gone or did not read
  std::uint64_t batches = 0;        // predict calls; rows / batches is the mean batch
  // Requests that went through the queue, by the time from arrival to answer: one number for each
  // bound of metric::kLatencyBounds and one above them; and their times together.
  std::array<std::uint64_t, 13> latency_counts{};
  std::uint64_t latency_us = 0;
};

}  // namespace millrace
