#include "worker/sources/rate_limiter.hpp"

#include <cmath>

#include "common/base/check.hpp"

namespace millrace {

RateLimiter::RateLimiter(double records_per_second, Time now)
    : rate_(records_per_second),
      capacity_(std::max(1.0, records_per_second / 10.0)),
      tokens_(capacity_),
      last_(now) {
  MILLRACE_CHECK(records_per_second > 0.0);
}

void RateLimiter::refill(Time now) {
  if (now <= last_) return;
  const double seconds = std::chrono::duration<double>(now - last_).count();
  tokens_ = std::min(capacity_, tokens_ + seconds * rate_);
  last_ = now;
}

RateLimiter::Time RateLimiter::delay(Time now) {
  refill(now);
  if (tokens_ >= 1.0) return Time::zero();
  // Rounded up, and bounded for rates so low that the wait would not fit the type.
  const double seconds = std::min((1.0 - tokens_) / rate_, 1e9);
  return Time(static_cast<Time::rep>(std::ceil(seconds * 1e9)));
}

void RateLimiter::take(std::uint64_t records, Time now) {
  refill(now);
  tokens_ -= static_cast<double>(records);
}

}  // namespace millrace
