// Spawns a worker: it hosts the replicas and shards that job masters assign to it.
#pragma once

#include <filesystem>
#include <memory>

#include "worker/actors/interfaces.hpp"
#include "worker/training/local_exchange.hpp"

namespace millrace {

struct WorkerOptions {
  WorkerId id;                              // of this life of the process
  std::filesystem::path scratch;            // its own folder, emptied at will
  std::shared_ptr<LocalExchange> exchange;  // of the process
};

worker_actor spawn_worker(caf::actor_system& system, WorkerOptions options);

}  // namespace millrace
