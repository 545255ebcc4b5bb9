// Spawns a worker: it hosts the replicas and shards that job masters assign to it.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "common/config/secrets.hpp"
#include "worker/actors/interfaces.hpp"
#include "worker/training/local_exchange.hpp"

namespace millrace {

struct WorkerOptions {
  WorkerId id;                              // of this life of the process
  std::filesystem::path scratch;            // its own folder, emptied at will
  std::shared_ptr<LocalExchange> exchange;  // of the process
  SecretsFolder secrets = {};               // what sources that ask for secrets get
  // Told what people should know: a broker is away. Called from training threads; may be empty.
  std::function<void(std::string)> warn = {};
};

worker_actor spawn_worker(caf::actor_system& system, WorkerOptions options);

}  // namespace millrace
