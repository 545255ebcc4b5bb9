// Shows what the workers of this process count among its metrics.
//
// Place: the program gives its health to every worker that it spawns and keeps the result.
#pragma once

#include <memory>

#include "common/observe/metrics.hpp"
#include "worker/actors/worker_health.hpp"

namespace millrace {

[[nodiscard]] MetricRegistry::Refresher show_worker(MetricRegistry& metrics,
                                                    std::shared_ptr<const WorkerHealth> health);

}  // namespace millrace
