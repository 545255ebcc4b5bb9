// What a worker's process shows on its port of metrics and health.
//
// Place: the program makes one when its host has been spawned, calls `look` from its main loop, and
// drops it before the prediction server. Alive means: the host's actors move. Ready means, besides:
// a member of the cluster that is not leaving.
#pragma once

#include <memory>

#include "common/observe/monitoring.hpp"
#include "worker/actors/worker_health.hpp"
#include "worker/daemon/worker_options.hpp"
#include "worker/serving/prediction_server.hpp"

namespace millrace {

class WorkerMonitoring {
 public:
  // `server` may be null and outlives it otherwise.
  static Result<std::unique_ptr<WorkerMonitoring>> start(const WorkerDaemonOptions& options,
                                                         std::shared_ptr<const WorkerHealth> health,
                                                         const PredictionServer* server);
  ~WorkerMonitoring();
  WorkerMonitoring(const WorkerMonitoring&) = delete;
  WorkerMonitoring& operator=(const WorkerMonitoring&) = delete;

  // Brings what probes are told up to date.
  void look();
  const Health& health() const;
  std::string url() const;

 private:
  struct State;
  explicit WorkerMonitoring(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace millrace
