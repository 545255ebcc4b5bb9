#include "coordinator/status/event_ring.hpp"

#include <algorithm>

namespace millrace {

void EventRing::add(std::string severity, std::string kind, std::string message,
                    std::uint64_t at_ms) {
  if (events_.size() >= events_max_) events_.pop_front();
  events_.push_back({next_++, at_ms, std::move(severity), std::move(kind), std::move(message)});
}

control::EventList EventRing::list(std::uint64_t after, std::size_t max) const {
  control::EventList list;
  list.oldest = events_.empty() ? next_ : events_.front().sequence;
  auto begin = std::ranges::upper_bound(events_, after, {}, &control::Event::sequence);
  auto end = events_.end();
  const auto count = static_cast<std::size_t>(end - begin);
  if (count > max && after == 0) begin = end - static_cast<std::ptrdiff_t>(max);
  if (count > max && after != 0) end = begin + static_cast<std::ptrdiff_t>(max);
  list.events.assign(begin, end);
  return list;
}

}  // namespace millrace
