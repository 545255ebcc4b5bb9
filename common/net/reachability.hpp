// Whether something accepts TCP connections at an address, found out within a time.
//
// Place: before a library connects that has no time limit of its own. Blocking.
#pragma once

#include <chrono>

#include "common/base/status.hpp"
#include "common/net/endpoint.hpp"

namespace millrace::net {

// Connects and closes again; unreachable with the reason when nobody accepts in time. The name
// service has its own limits, which come on top.
Status check_reachable(const Endpoint& endpoint, std::chrono::milliseconds timeout);

}  // namespace millrace::net
