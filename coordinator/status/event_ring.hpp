// The newest events of a job, for `millrace events`.
//
// Place: one for each job, and one for the cluster, in the coordinator. Pure; one thread.
#pragma once

#include <cstdint>
#include <deque>
#include <string>

#include "common/wire/control.hpp"

namespace millrace {

class EventRing {
 public:
  // `first` is the number of the first event: higher than any that an earlier life of the
  // coordinator gave, so that whoever follows goes on.
  EventRing(std::uint64_t first, std::size_t events_max) : next_(first), events_max_(events_max) {}

  void add(std::string severity, std::string kind, std::string message, std::uint64_t at_ms);
  // The oldest events after `after`, or the newest where it is 0; ascending, at most `max`.
  control::EventList list(std::uint64_t after, std::size_t max) const;

 private:
  std::uint64_t next_;
  std::size_t events_max_;
  std::deque<control::Event> events_;
};

}  // namespace millrace
