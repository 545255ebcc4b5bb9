// A token bucket that holds a source to `max_records_per_second`. Pure: time is passed in.
//
// Place: one per training slot, with the slot's share of the job's rate. Ask `delay` before filling
// a batch, `take` the records when it is delivered. The bucket holds a tenth of a second, at least
// one record; a batch larger than that puts it into debt, which later batches wait off, so the mean
// rate holds for any batch size.
#pragma once

#include <chrono>
#include <cstdint>

namespace millrace {

class RateLimiter {
 public:
  using Time = std::chrono::nanoseconds;  // since any fixed moment, never backwards

  // records_per_second > 0.
  RateLimiter(double records_per_second, Time now);

  // How long to wait before the next record may be taken; zero when it may be now.
  Time delay(Time now);
  void take(std::uint64_t records, Time now);

 private:
  void refill(Time now);

  double rate_;
  double capacity_;
  double tokens_;
  Time last_;
};

}  // namespace millrace
