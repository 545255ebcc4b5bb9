// Hears when a process is gone that hosts a part of an attempt: the coordinator may still reach it.
//
// Place: the worker of a job calls it when an attempt begins; a down message follows.
#pragma once

#include <set>

#include "worker/actors/interfaces.hpp"

namespace millrace {

// Watches the hosts in other processes in place of `peers`, which become those.
template <typename Self>
void watch_peers(Self self, const Routes& routes, std::set<caf::actor_addr>& peers) {
  for (const auto& peer : peers) self->demonitor(peer);
  peers.clear();
  for (const auto* hosts : {&routes.replicas, &routes.shards}) {
    for (const auto& host : *hosts) {
      if (host.node() == self->node() || !peers.insert(host.address()).second) continue;
      self->monitor(host);
    }
  }
}

}  // namespace millrace
