// Connections between the processes of workers, so that bulk does not pass the coordinator.
//
// Place: called by the state actor before an attempt is loaded; blocking. Of two workers the one
// with the lower number connects and the other waits: CAF drops a link that both have opened at
// once, a heartbeat later.
#pragma once

#include <chrono>

#include "common/actors/cluster_system.hpp"
#include "worker/actors/interfaces.hpp"

namespace millrace {

// ok when every process that hosts a part of the attempt is linked directly, or when the order
// names no addresses. unreachable, naming the address, when one is not within `patience`.
Status link_peers(ClusterSystem& system, WorkerId own, const order::StartAttempt& start,
                  std::chrono::milliseconds patience);

}  // namespace millrace
