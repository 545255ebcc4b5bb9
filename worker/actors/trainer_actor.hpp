// Spawns the shell of one training slot for one attempt: orders and answers in, entries and reports
// out.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "worker/actors/interfaces.hpp"
#include "worker/actors/worker_health.hpp"
#include "worker/training/local_exchange.hpp"
#include "worker/training/trainer.hpp"

namespace millrace {

struct TrainerActorOptions {
  WorkerId worker_id;
  std::shared_ptr<const Routes> routes;
  std::shared_ptr<LocalExchange> exchange;
  worker_actor worker;
  state_actor state;
  std::function<void(std::string)> warn;  // WorkerOptions::warn
  std::shared_ptr<WorkerHealth> health;   // WorkerOptions::health
};

// Fails when the stored state does not fit the plan.
Result<trainer_actor> spawn_trainer_actor(caf::actor_system& system, TrainerActorOptions options,
                                          TrainerPlan plan);

}  // namespace millrace
