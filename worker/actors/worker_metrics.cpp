#include "worker/actors/worker_metrics.hpp"

#include <vector>

#include "common/actors/inspect.hpp"
#include "common/observe/metric_names.hpp"

namespace millrace {
namespace {

struct WorkerSeries {
  explicit WorkerSeries(MetricRegistry& metrics)
      : records(metrics.counter(metric::kWorkerRecords)),
        stale_terms(metrics.counter(metric::kStaleRejected, {"term"})),
        stale_attempts(metrics.counter(metric::kStaleRejected, {"attempt"})),
        bulk_chunks_refused(metrics.counter(metric::kBulkChunksRefused)),
        faults(metrics.counter(metric::kMessageFaults)) {
    for (const char* sink : {"predictions", "dead_letters"}) {
      sinks.push_back({CounterTotal(metrics.counter(metric::kSinkMessages, {sink})),
                       CounterTotal(metrics.counter(metric::kSinkBytes, {sink})),
                       CounterTotal(metrics.counter(metric::kSinkErrors, {sink}))});
    }
  }

  CounterTotal records;
  CounterTotal stale_terms;
  CounterTotal stale_attempts;
  CounterTotal bulk_chunks_refused;
  CounterTotal faults;
  struct Sink {
    CounterTotal messages, bytes, errors;
  };
  std::vector<Sink> sinks;  // by OutputKind
};

}  // namespace

MetricRegistry::Refresher show_worker(MetricRegistry& metrics,
                                      std::shared_ptr<const WorkerHealth> health) {
  auto series = std::make_shared<WorkerSeries>(metrics);
  return metrics.refresh_with([series = std::move(series), health = std::move(health)] {
    series->records.advance_to(static_cast<double>(health->records_read.load()));
    series->stale_terms.advance_to(static_cast<double>(health->stale_terms_rejected.load()));
    series->stale_attempts.advance_to(static_cast<double>(health->stale_attempts_rejected.load()));
    series->bulk_chunks_refused.advance_to(static_cast<double>(health->bulk_chunks_refused.load()));
    for (std::size_t i = 0; i < series->sinks.size(); ++i) {
      const auto& sink = health->sinks.at(i);
      series->sinks[i].messages.advance_to(static_cast<double>(sink.messages.load()));
      series->sinks[i].bytes.advance_to(static_cast<double>(sink.bytes.load()));
      series->sinks[i].errors.advance_to(static_cast<double>(sink.errors.load()));
    }
    series->faults.advance_to(static_cast<double>(message_faults().count));
  });
}

}  // namespace millrace
