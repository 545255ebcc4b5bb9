// Shows what a prediction server counts among the metrics of its process.
//
// Place: whoever starts a server with a registry at hand keeps the result, and drops it before the
// server. The server knows nothing of it and pays nothing: its counters are read when somebody
// reads the metrics.
#pragma once

#include "common/observe/metrics.hpp"
#include "worker/serving/prediction_server.hpp"

namespace millrace {

[[nodiscard]] MetricRegistry::Refresher show_serving(MetricRegistry& metrics,
                                                     const PredictionServer& server);

}  // namespace millrace
