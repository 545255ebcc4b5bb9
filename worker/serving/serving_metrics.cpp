#include "worker/serving/serving_metrics.hpp"

#include "common/observe/metric_names.hpp"

namespace millrace {
namespace {

class ServingSeries {
 public:
  ServingSeries(MetricRegistry& metrics, const PredictionServer& server)
      : server_(server),
        rows_(metrics.counter(metric::kPredictionRows)),
        batches_(metrics.counter(metric::kPredictionBatches)),
        undeliverable_(metrics.counter(metric::kPredictionUndeliverable)),
        unknown_keys_(metrics.counter(metric::kGateRefused, {"unknown_key"})),
        denied_requests_(metrics.counter(metric::kGateRefused, {"denied"})),
        seconds_(metrics.histogram(metric::kPredictionSeconds)) {
    for (const auto& [outcome, count] : kOutcomes) {
      outcomes_.emplace_back(metrics.counter(metric::kPredictionRequests, {outcome}));
    }
  }

  void refresh() {
    const ServingStats stats = server_.stats();
    for (std::size_t i = 0; i < kOutcomes.size(); ++i) {
      outcomes_[i].advance_to(static_cast<double>(stats.*kOutcomes[i].second));
    }
    rows_.advance_to(static_cast<double>(stats.rows));
    batches_.advance_to(static_cast<double>(stats.batches));
    undeliverable_.advance_to(static_cast<double>(stats.undeliverable));
    seconds_.advance_to(stats.latency_counts, static_cast<double>(stats.latency_us) * 1e-6);
    const net::GateStats gate = server_.gate_stats();
    unknown_keys_.advance_to(static_cast<double>(gate.unknown_keys));
    denied_requests_.advance_to(static_cast<double>(gate.denied_requests));
  }

 private:
  using Outcome = std::pair<const char*, std::uint64_t ServingStats::*>;
  static constexpr std::array<Outcome, 7> kOutcomes = {{{"predicted", &ServingStats::predicted},
                                                        {"malformed", &ServingStats::malformed},
                                                        {"refused", &ServingStats::refused},
                                                        {"denied", &ServingStats::denied},
                                                        {"overloaded", &ServingStats::overloaded},
                                                        {"expired", &ServingStats::expired},
                                                        {"failed", &ServingStats::failed}}};

  const PredictionServer& server_;
  std::vector<CounterTotal> outcomes_;
  CounterTotal rows_;
  CounterTotal batches_;
  CounterTotal undeliverable_;
  CounterTotal unknown_keys_;
  CounterTotal denied_requests_;
  HistogramTotal seconds_;
};

}  // namespace

MetricRegistry::Refresher show_serving(MetricRegistry& metrics, const PredictionServer& server) {
  return metrics.refresh_with(
      [series = std::make_shared<ServingSeries>(metrics, server)] { series->refresh(); });
}

}  // namespace millrace
