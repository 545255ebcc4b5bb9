// Actor systems that know each other only over loopback, as processes do.
#pragma once

#include <boost/test/unit_test.hpp>
#include <caf/all.hpp>
#include <caf/io/all.hpp>
#include <chrono>
#include <string>

#include "worker/actors/interfaces.hpp"

namespace millrace::test {

// Long enough for a busy machine; a test that needs it has failed.
inline constexpr std::chrono::seconds kPatience{60};

struct NodeConfig : caf::actor_system_config {
  NodeConfig() {
    load<caf::io::middleman>();
    set("scheduler.max-threads", std::size_t{2});
    set("scheduler.policy", caf::atom("sharing"));
    set("middleman.workers", std::size_t{0});
    set("logger.verbosity", caf::atom("quiet"));
  }
};

struct WorkerNodeConfig : NodeConfig {
  WorkerNodeConfig() { add_worker_messages(*this); }
};

template <typename Config = WorkerNodeConfig>
class Node {
 public:
  // A test that fails leaves actors behind: they are not waited for.
  Node() : system_(config_) { system_.await_actors_before_shutdown(false); }

  caf::actor_system& system() { return system_; }

  // The port at which others find the actor.
  template <typename Handle>
  std::uint16_t publish(const Handle& actor) {
    const auto port = system_.middleman().publish(actor, 0, "127.0.0.1");
    if (!port) BOOST_FAIL(system_.render(port.error()));
    return *port;
  }
  template <typename Handle>
  Handle find(std::uint16_t port) {
    auto actor = system_.middleman().remote_actor<Handle>("127.0.0.1", port);
    if (!actor) BOOST_FAIL(system_.render(actor.error()));
    return *actor;
  }

 private:
  Config config_;
  caf::actor_system system_;
};

}  // namespace millrace::test
