// Which partitions of a topic can be read now, from the statistics that librdkafka gives every few
// seconds, and when people should hear of it.
//
// Place: owned by a client, fed by its callback. Time is passed in.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace millrace {

class Reachability {
 public:
  using Time = std::chrono::steady_clock::time_point;

  explicit Reachability(std::string topic) : topic_(std::move(topic)) {}

  void begin_reading(std::uint32_t partition) { reading_.insert(partition); }
  void end_reading(std::uint32_t partition) { reading_.erase(partition); }
  // The library's statistics (its STATISTICS.md): a partition is out of reach while the broker that
  // leads it is not connected, or nobody leads it.
  void take_statistics(std::string_view json, Time now);

  // When statistics last found the partition within reach; the beginning of time: never.
  Time reached_at(std::uint32_t partition) const;

  // What to tell since the last call: that partitions being read have been out of reach for some
  // time, with `reason`, or that all are read again.
  std::vector<std::string> take_warnings(const std::string& reason, Time now);

 private:
  const std::string topic_;
  std::set<std::uint32_t> reading_;
  std::map<std::uint32_t, Time> unreachable_;  // since when
  std::map<std::uint32_t, Time> reached_;      // lately when
  bool is_told_ = false;
};

}  // namespace millrace
