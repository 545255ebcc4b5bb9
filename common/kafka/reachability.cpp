#include "common/kafka/reachability.hpp"

#include <nlohmann/json.hpp>

namespace millrace {
namespace {

using Json = nlohmann::json;

// Restarts of brokers and elections are over by then.
constexpr std::chrono::seconds kTroubleAfter{10};
constexpr std::size_t kPartitionsNamed = 5;

// The member as an object, empty when it is something else.
Json object_of(const Json& from, const char* name) {
  const auto found = from.is_object() ? from.find(name) : from.end();
  return found == from.end() || !found->is_object() ? Json::object() : *found;
}

std::int64_t number_of(const Json& from, const char* name) {
  const auto found = from.is_object() ? from.find(name) : from.end();
  return found == from.end() || !found->is_number_integer() ? -1 : found->get<std::int64_t>();
}

bool is_connected(const Json& broker) {
  const auto found = broker.is_object() ? broker.find("state") : broker.end();
  return found != broker.end() && *found == "UP";
}

}  // namespace

void Reachability::take_statistics(std::string_view json, Time now) {
  const auto document = Json::parse(json, nullptr, false);
  std::set<std::int64_t> connected;
  for (const auto& broker : object_of(document, "brokers")) {
    if (is_connected(broker)) connected.insert(number_of(broker, "nodeid"));
  }
  const auto topic = object_of(object_of(document, "topics"), topic_.c_str());
  for (const auto& partition : object_of(topic, "partitions")) {
    const auto number = number_of(partition, "partition");
    if (number < 0) continue;  // the library's own, for messages without a partition
    const auto leader = number_of(partition, "leader");
    const auto which = static_cast<std::uint32_t>(number);
    if (leader >= 0 && connected.contains(leader)) {
      unreachable_.erase(which);
      reached_[which] = now;
    } else {
      unreachable_.emplace(which, now);
    }
  }
}

Reachability::Time Reachability::reached_at(std::uint32_t partition) const {
  const auto found = reached_.find(partition);
  return found == reached_.end() ? Time::min() : found->second;
}

std::vector<std::string> Reachability::take_warnings(const std::string& reason, Time now) {
  std::size_t count = 0;
  bool is_any_away = false;
  std::string names;
  for (const auto& [partition, since] : unreachable_) {
    if (!reading_.contains(partition)) continue;
    is_any_away = true;
    if (now - since < kTroubleAfter) continue;
    if (++count <= kPartitionsNamed)
      names += (names.empty() ? "" : ", ") + std::to_string(partition);
  }
  if (is_told_ && !is_any_away) {
    is_told_ = false;
    return {"topic '" + topic_ + "' is read again"};
  }
  if (is_told_ || count == 0) return {};
  is_told_ = true;
  if (count > kPartitionsNamed) names += ", ...";
  return {std::to_string(count) + " of " + std::to_string(reading_.size()) +
          " partitions of topic '" + topic_ + "' (" + names + ") cannot be read" +
          (reason.empty() ? "" : ": " + reason) +
          "; nothing is lost, reading goes on when their brokers are back"};
}

}  // namespace millrace
