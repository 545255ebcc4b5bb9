#include "coordinator/control/client_budget.hpp"

#include <algorithm>

#include "common/base/check.hpp"

namespace millrace {

void ClientBudget::refill(Client& client, Time now) const {
  const double most = options_.requests_per_second;
  const double seconds = std::chrono::duration<double>(now - client.counted_at).count();
  client.allowance = std::min(most, client.allowance + std::max(0.0, seconds) * most);
  client.counted_at = now;
}

void ClientBudget::forget_idle(Time now) {
  for (auto entry = clients_.begin(); entry != clients_.end();) {
    auto& client = entry->second;
    refill(client, now);
    const bool is_idle = client.in_flight == 0 && client.allowance >= options_.requests_per_second;
    entry = is_idle ? clients_.erase(entry) : std::next(entry);
  }
}

Status ClientBudget::admit(const std::string& client, Time now) {
  auto found = clients_.find(client);
  if (found == clients_.end()) {
    if (clients_.size() >= options_.clients_max) forget_idle(now);
    if (clients_.size() >= options_.clients_max)
      return {Code::resource_exhausted,
              std::to_string(clients_.size()) + " clients ask this coordinator at once",
              "ask again in a second"};
    found = clients_
                .emplace(client, Client{.in_flight = 0,
                                        .allowance = double(options_.requests_per_second),
                                        .counted_at = now})
                .first;
  }
  auto& budget = found->second;
  refill(budget, now);
  if (budget.allowance < 1.0)
    return {Code::resource_exhausted,
            "client " + client + " asks more than " + std::to_string(options_.requests_per_second) +
                " times a second",
            "wait a second between two requests"};
  if (budget.in_flight >= options_.in_flight_per_client_max)
    return {Code::resource_exhausted,
            "client " + client + " has " + std::to_string(budget.in_flight) +
                " requests under way, the most it may have",
            "wait for their answers first"};
  if (in_flight_ >= options_.in_flight_max)
    return {Code::resource_exhausted,
            "the coordinator has " + std::to_string(in_flight_) + " requests under way",
            "ask again in a second"};
  budget.allowance -= 1.0;
  ++budget.in_flight;
  ++in_flight_;
  return {};
}

void ClientBudget::release(const std::string& client) {
  const auto found = clients_.find(client);
  MILLRACE_CHECK(found != clients_.end() && found->second.in_flight > 0 && in_flight_ > 0);
  --found->second.in_flight;
  --in_flight_;
}

}  // namespace millrace
