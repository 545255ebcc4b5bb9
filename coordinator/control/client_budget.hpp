// What each client may have under way, and how fast it may ask.
//
// Place: ControlServer admits every request here before it asks the service, and releases it when
// it was answered. Pure: time is passed in. One thread.
//
// Invariant: no client's requests keep another's from being admitted, as long as fewer than
// `in_flight_max` are under way together.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>

#include "common/base/limits.hpp"
#include "common/base/status.hpp"

namespace millrace {

struct BudgetOptions {
  std::size_t in_flight_per_client_max = limits::kControlInFlightPerClientMax;
  std::size_t in_flight_max = limits::kControlInFlightMax;  // of all clients
  // Sustained; a client that was silent may ask for one second's worth at once.
  std::uint32_t requests_per_second = limits::kControlRequestsPerSecondMax;
  std::size_t clients_max = limits::kControlClientsMax;  // remembered at a time
};

class ClientBudget {
 public:
  using Time = std::chrono::steady_clock::time_point;

  explicit ClientBudget(const BudgetOptions& options = {}) : options_(options) {}

  // resource_exhausted, which says which bound was met, or ok: then `release` is owed.
  Status admit(const std::string& client, Time now);
  void release(const std::string& client);
  std::size_t in_flight() const { return in_flight_; }

 private:
  struct Client {
    std::size_t in_flight = 0;
    double allowance = 0.0;  // requests
    Time counted_at;
  };
  void refill(Client& client, Time now) const;
  // Forgets clients that have nothing under way and their whole allowance.
  void forget_idle(Time now);

  const BudgetOptions options_;
  std::map<std::string, Client> clients_;
  std::size_t in_flight_ = 0;
};

}  // namespace millrace
