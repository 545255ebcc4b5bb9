// Publication and serving: the registry on the coordinators' disk, what they order to be served, a
// server on each worker, and clients that ask for production while it moves.
//
// AliasFile, ShareTurns and ModelCatalog are the product's; what lies between them (a registry's
// folder, the store, orders on their way) is simulated. Orders and news come at last if both ends
// live, as over TCP, but in any order and more than once.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <vector>

#include "coordinator/registry/alias_file.hpp"
#include "coordinator/registry/share_turns.hpp"
#include "tests/simulation/checkers.hpp"
#include "tests/simulation/served_forward.hpp"
#include "worker/serving/model_catalog.hpp"

namespace millrace::sim {

class Serving {
 public:
  Serving(World& world, Checkers& checkers);
  bool is_on() const { return world_.options().predict_clients > 0; }

  // A coordinator or worker begins a life.
  void coordinator_started(Address coordinator);
  void server_started(Address server);
  // A coordinator hears of a worker for the first time, or again after it was lost.
  void joined(Address coordinator, Address server);
  // A cut is complete and to be published, or was restored and may have been published before.
  void publish(Address coordinator, CutId cut, bool is_restored);
  // Clients begin to ask, and to move production.
  void plan(const std::vector<ProcessId>& servers);
  // A client moves production to a version that is kept.
  void move_back();
  // Some time after everything has ended: all servers have followed.
  void check_settled();

 private:
  struct Sharer {
    Address home;
    ShareTurns turns;
    std::optional<ServingChoice> served;
    std::map<ProcessId, Address> hosts;
  };
  struct Server {
    Address home;
    Time busy_until = 0;
    std::shared_ptr<const ModelCatalog> catalog = std::make_shared<const ModelCatalog>();
  };
  struct Client {
    Address home;
    std::uint64_t asked = 0;  // requests; only the last one's first answer counts
    bool is_answered = false;
    std::uint64_t revision = 0;  // the highest seen
    bool is_careful = false;     // asks for no less than that
  };

  void add(Address coordinator, VersionId version, bool is_restored);
  bool dies_between(Address coordinator);
  void promote(VersionId version);
  void delete_beyond_retention();
  void share(Sharer& sharer);
  void begin_sharing(Address coordinator);
  void put_model(Address coordinator, const ServingChoice& choice);
  void end_sharing(Address coordinator, const std::optional<ServingChoice>& choice, bool is_ok);
  void retry_later(Address coordinator);
  void order(Sharer& sharer, Address server);
  void load(Address coordinator, Address server, const ServingChoice& choice);
  void follow(Server& server, const ServingChoice& choice);
  void ask(std::uint32_t client, const std::vector<ProcessId>& servers);
  void answer(std::uint32_t client, std::uint64_t request, std::uint64_t min_revision,
              Address server);
  Sharer* sharer_of(Address coordinator);
  Server* server_of(Address server);
  Time latency();
  bool is_struck();
  // Until it has arrived, or one of them has died.
  void send(Address from, Address to, const char* what, const World::Action& action);

  World& world_;
  Checkers& checkers_;
  // On disk and in the store.
  AliasFile file_;
  std::set<VersionId> versions_, objects_;

  std::map<ProcessId, Sharer> sharers_;
  std::map<ProcessId, Server> servers_;
  std::vector<Client> clients_;
  ServedForward forward_;
};

}  // namespace millrace::sim
