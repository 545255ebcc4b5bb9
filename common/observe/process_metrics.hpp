// Memory, files, threads and processor time of this process, as the kernel counts them.
//
// Place: Monitoring refreshes them at each reading. Figures that /proc does not give stay as they
// were.
#pragma once

#include <memory>

#include "common/observe/metrics.hpp"

namespace millrace {

class ProcessMetrics {
 public:
  explicit ProcessMetrics(MetricRegistry& metrics);
  // One thread at a time.
  void refresh();

 private:
  std::shared_ptr<Gauge> memory_;
  std::shared_ptr<Gauge> open_files_;
  std::shared_ptr<Gauge> threads_;
  CounterTotal processor_seconds_;
};

}  // namespace millrace
