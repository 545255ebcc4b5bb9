#include "worker/actors/peer_links.hpp"

#include <algorithm>
#include <set>
#include <thread>

namespace millrace {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds kPollInterval{10};

std::set<caf::node_id> nodes_of(const Routes& routes, const caf::node_id& here) {
  std::set<caf::node_id> nodes;
  for (const auto* hosts : {&routes.replicas, &routes.shards}) {
    for (const auto& host : *hosts) nodes.insert(host.node());
  }
  nodes.erase(here);
  return nodes;
}

std::string names_of(const std::vector<PeerAddress>& peers, WorkerId own) {
  std::string names;
  for (const auto& peer : peers) {
    if (peer.worker < own) names += (names.empty() ? "" : ", ") + to_string(peer.address);
  }
  return names;
}

}  // namespace

Status link_peers(ClusterSystem& system, WorkerId own, const order::StartAttempt& start,
                  milliseconds patience) {
  if (start.peers.empty()) return {};
  const auto ends_at = Clock::now() + patience;
  const auto left = [&] {
    return std::max(milliseconds(1),
                    std::chrono::duration_cast<milliseconds>(ends_at - Clock::now()));
  };
  for (const auto& peer : start.peers) {
    if (peer.worker <= own) continue;
    MILLRACE_TRY(system.connect<worker_host>(peer.address, left()).status());
  }
  for (const auto& node : nodes_of(*start.routes, system.actors().node())) {
    while (!system.has_direct_link(node)) {
      if (Clock::now() >= ends_at) {
        return Status(Code::unreachable,
                      "no connection came from another worker of the job (" +
                          names_of(start.peers, own) + ")",
                      "see whether workers can reach each other's --listen address");
      }
      std::this_thread::sleep_for(kPollInterval);
    }
  }
  return {};
}

}  // namespace millrace
