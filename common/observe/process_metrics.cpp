#include "common/observe/process_metrics.hpp"

#include <sys/resource.h>
#include <sys/time.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <system_error>

#include "common/observe/metric_names.hpp"

namespace millrace {
namespace {

std::size_t entries_of(const char* folder) {
  std::error_code error;
  std::size_t count = 0;
  for (std::filesystem::directory_iterator at(folder, error), end; !error && at != end;
       at.increment(error)) {
    ++count;
  }
  return count;
}

double seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
}

double unix_time() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration<double>(now).count();
}

}  // namespace

ProcessMetrics::ProcessMetrics(MetricRegistry& metrics)
    : memory_(metrics.gauge(metric::kMemory)),
      open_files_(metrics.gauge(metric::kOpenFiles)),
      threads_(metrics.gauge(metric::kThreads)),
      processor_seconds_(metrics.counter(metric::kProcessorSeconds)) {
  metrics.gauge(metric::kStartTime)->set(unix_time());
  refresh();
}

void ProcessMetrics::refresh() {
  std::size_t pages = 0;
  std::size_t resident = 0;
  if (std::ifstream statm("/proc/self/statm"); statm >> pages >> resident) {
    memory_->set(static_cast<double>(resident) * static_cast<double>(::sysconf(_SC_PAGESIZE)));
  }
  // One of them is the folder being read.
  if (const auto files = entries_of("/proc/self/fd"); files > 1) {
    open_files_->set(static_cast<double>(files - 1));
  }
  if (const auto threads = entries_of("/proc/self/task"); threads > 0) {
    threads_->set(static_cast<double>(threads));
  }
  rusage usage = {};
  if (::getrusage(RUSAGE_SELF, &usage) == 0) {
    processor_seconds_.advance_to(seconds(usage.ru_utime) + seconds(usage.ru_stime));
  }
}

}  // namespace millrace
