// The actor system of one process of a cluster, and its way to others: mutual TLS with the keys of
// the node, or, without keys, plain connections that do not leave this machine.
//
// Place: made by the main of a daemon before it spawns actors; what is published at its address is
// a worker host or a cluster registry (host_interfaces.hpp). `publish` and `connect` block: call
// them from main or from detached actors only. Any thread.
//
// Invariant: with keys nothing is sent or read before both sides have shown a certificate of the
// cluster's authority; without keys nothing listens or connects beyond loopback. CAF's TLS is never
// started without certificates, since it would then let anybody in.
#pragma once

#include <caf/all.hpp>

#include <chrono>
#include <memory>
#include <set>
#include <string>

#include "common/actors/messages.hpp"
#include "common/base/status.hpp"
#include "common/net/endpoint.hpp"
#include "common/security/node_credentials.hpp"

namespace millrace {

struct ClusterSystemOptions {
  // Null: no keys.
  std::shared_ptr<const security::NodeCredentials> credentials;
  // add_control_messages or add_worker_messages.
  void (*add_messages)(caf::actor_system_config&) = nullptr;
  // Scheduled actors only pass messages on; training, disks and sockets have threads of their own.
  std::size_t scheduler_threads = 1;
  // A process that is heard of no more is taken for dead after the timeout. Larger ones forgive
  // pauses and find deaths later.
  std::chrono::milliseconds heartbeat_interval{500};
  std::chrono::milliseconds connection_timeout{2'000};
};

class ClusterSystem {
 public:
  // permission_denied when this machine's TLS would accept versions before 1.2.
  static Result<std::unique_ptr<ClusterSystem>> start(const ClusterSystemOptions& options);
  // Ends the connections, then waits for actors unless told not to.
  ~ClusterSystem();
  ClusterSystem(const ClusterSystem&) = delete;
  ClusterSystem& operator=(const ClusterSystem&) = delete;

  caf::actor_system& actors();
  const std::shared_ptr<const security::NodeCredentials>& credentials() const;
  // A process that ends at once leaves its actors behind.
  void abandon_actors();

  // Lets others find the actor at the endpoint; the port that was taken (port 0: any free one).
  // permission_denied where check_listen_address forbids it, conflict when the port is taken.
  template <typename Handle>
  Result<std::uint16_t> publish(const Handle& actor, const net::Endpoint& endpoint) {
    return publish(caf::actor_cast<caf::strong_actor_ptr>(actor), actors().message_types(actor),
                   endpoint);
  }
  // The actor that is published there. unreachable when nobody answers in time, and for whoever is
  // no member of this cluster; conflict when something else is published.
  template <typename Handle>
  Result<Handle> connect(const NodeAddress& address, std::chrono::milliseconds timeout) {
    MILLRACE_ASSIGN(
        const auto actor,
        connect(actors().message_types(caf::detail::type_list<Handle>()), address, timeout));
    return caf::actor_cast<Handle>(actor);
  }
  // Whether messages to that process go there without passing another.
  bool has_direct_link(const caf::node_id& node);

 private:
  struct State;
  explicit ClusterSystem(std::unique_ptr<State> state);
  Result<std::uint16_t> publish(const caf::strong_actor_ptr& actor, std::set<std::string> types,
                                const net::Endpoint& endpoint);
  Result<caf::strong_actor_ptr> connect(std::set<std::string> types, const NodeAddress& address,
                                        std::chrono::milliseconds timeout);

  std::unique_ptr<State> state_;
};

// "host:port"
std::string to_string(const NodeAddress& address);

}  // namespace millrace
