// Spawns a worker: it hosts the replicas and shards that job masters assign to it.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "common/config/secrets.hpp"
#include "common/net/guarded_socket.hpp"
#include "common/store/store_volume.hpp"
#include "worker/actors/interfaces.hpp"
#include "worker/actors/worker_health.hpp"
#include "worker/sources/data_roots.hpp"
#include "worker/training/local_exchange.hpp"

namespace millrace {

struct WorkerOptions {
  WorkerId id;                              // of this life of the process
  std::filesystem::path scratch;            // its own folder, emptied at will
  std::shared_ptr<LocalExchange> exchange;  // of the process
  SecretsFolder secrets = {};               // what sources that ask for secrets get
  // Told what people should know: a broker is away. Called from training threads; may be empty.
  std::function<void(std::string)> warn = {};
  // Told what runs, with the highest term, whenever that changes; called from the worker's actor.
  std::function<void(Term, std::optional<RunningPart>)> on_part = {};
  std::shared_ptr<WorkerHealth> health = {};  // of the process; may be null
  DataRoots roots = {};                       // what its sources may read
  // How sockets that producers send rows to are protected; the job says where they listen.
  net::GuardedSocketOptions ingest = {};
  // Called before an attempt is loaded, from the state actor: peer_links.hpp.
  std::function<Status(const order::StartAttempt&)> link_peers = {};
  std::shared_ptr<StoreVolume> volume = {};  // the coordinator's; null: none
};

worker_actor spawn_worker(caf::actor_system& system, WorkerOptions options);

}  // namespace millrace
