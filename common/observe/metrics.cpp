#include "common/observe/metrics.hpp"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <cmath>
#include <limits>
#include <set>
#include <sstream>

#include "common/base/limits.hpp"

namespace millrace {
namespace {

using Values = std::vector<std::string>;

std::size_t label_count(const MetricLabels& labels) {
  std::size_t count = 0;
  while (count < labels.size() && labels[count] != nullptr) ++count;
  return count;
}

// Prometheus refuses a whole reading for one value that is not UTF-8, so only what needs no
// encoding is let through.
std::string label_text(std::string_view value) {
  std::string text(value.substr(0, limits::kMetricLabelBytesMax));
  for (char& c : text) {
    if (c < ' ' || c > '~') c = '?';
  }
  return text;
}

template <typename Series>
struct Family {
  const char* help = "";
  MetricLabels labels = {};
  std::map<Values, std::shared_ptr<Series>> series;
};

template <typename Series, typename Make>
std::shared_ptr<Series> find_series(Family<Series>& family, LabelValues values, const Make& make) {
  MILLRACE_CHECK(values.size() == label_count(family.labels));
  Values key;
  for (const auto value : values) key.push_back(label_text(value));
  auto found = family.series.find(key);
  if (found == family.series.end()) {
    // The last place is kept for the series of all others.
    if (!key.empty() && family.series.size() + 1 >= limits::kMetricSeriesMax) {
      key.assign(key.size(), "other");
    }
    found = family.series.try_emplace(key, nullptr).first;
    if (found->second == nullptr) found->second = make();
  }
  return found->second;
}

prometheus::MetricType type_of(const Counter&) {
  return prometheus::MetricType::Counter;
}
prometheus::MetricType type_of(const Gauge&) {
  return prometheus::MetricType::Gauge;
}
prometheus::MetricType type_of(const Histogram&) {
  return prometheus::MetricType::Histogram;
}

void read(const Counter& series, prometheus::ClientMetric& into) {
  into.counter.value = series.value();
}
void read(const Gauge& series, prometheus::ClientMetric& into) {
  into.gauge.value = series.value();
}
void read(const Histogram& series, prometheus::ClientMetric& into) {
  std::uint64_t below = 0;
  for (std::size_t i = 0; i <= series.bounds().size(); ++i) {
    below += series.count(i);
    const double bound =
        i < series.bounds().size() ? series.bounds()[i] : std::numeric_limits<double>::infinity();
    into.histogram.bucket.push_back({below, bound});
  }
  // Of the same reading as the buckets: Prometheus holds the one against the other.
  into.histogram.sample_count = below;
  into.histogram.sample_sum = series.sum();
}

template <typename Series>
void collect(const std::map<std::string, Family<Series>>& families,
             std::vector<prometheus::MetricFamily>& into) {
  for (const auto& [name, family] : families) {
    if (family.series.empty()) continue;
    prometheus::MetricFamily shown{name, family.help, type_of(*family.series.begin()->second), {}};
    for (const auto& [values, series] : family.series) {
      prometheus::ClientMetric metric;
      for (std::size_t i = 0; i < values.size(); ++i) {
        metric.label.push_back({family.labels[i], values[i]});
      }
      read(*series, metric);
      shown.metric.push_back(std::move(metric));
    }
    into.push_back(std::move(shown));
  }
}

template <typename Series>
void forget_in(std::map<std::string, Family<Series>>& families, std::string_view label,
               const std::string& value) {
  for (auto& [name, family] : families) {
    for (std::size_t i = 0; i < label_count(family.labels); ++i) {
      if (family.labels[i] != label) continue;
      std::erase_if(family.series, [&](const auto& series) { return series.first[i] == value; });
    }
  }
}

}  // namespace

Histogram::Histogram(std::span<const double> bounds) : bounds_(bounds), counts_(bounds.size() + 1) {
  MILLRACE_CHECK(std::is_sorted(bounds.begin(), bounds.end()));
}

void Histogram::observe(double value) {
  const auto bucket = std::lower_bound(bounds_.begin(), bounds_.end(), value) - bounds_.begin();
  counts_[static_cast<std::size_t>(bucket)].fetch_add(1, std::memory_order_relaxed);
  sum_.fetch_add(value, std::memory_order_relaxed);
}

void Histogram::observe_counted(std::span<const std::uint64_t> counts, double sum) {
  MILLRACE_CHECK(counts.size() == counts_.size());
  for (std::size_t i = 0; i < counts.size(); ++i) {
    counts_[i].fetch_add(counts[i], std::memory_order_relaxed);
  }
  sum_.fetch_add(sum, std::memory_order_relaxed);
}

HistogramTotal::HistogramTotal(std::shared_ptr<Histogram> histogram)
    : histogram_(std::move(histogram)), last_counts_(histogram_->bounds().size() + 1) {}

void HistogramTotal::advance_to(std::span<const std::uint64_t> counts, double sum) {
  MILLRACE_CHECK(counts.size() == last_counts_.size());
  bool is_anew = false;
  for (std::size_t i = 0; i < counts.size(); ++i) is_anew |= counts[i] < last_counts_[i];
  if (is_anew) {
    last_counts_.assign(counts.size(), 0);
    last_sum_ = 0;
  }
  std::vector<std::uint64_t> steps(counts.begin(), counts.end());
  for (std::size_t i = 0; i < steps.size(); ++i) steps[i] -= last_counts_[i];
  histogram_->observe_counted(steps, sum - last_sum_);
  last_counts_.assign(counts.begin(), counts.end());
  last_sum_ = sum;
}

struct MetricRegistry::State {
  std::mutex mutex;  // of the families
  std::map<std::string, Family<Counter>> counters;
  std::map<std::string, Family<Gauge>> gauges;
  std::map<std::string, Family<Histogram>> histograms;

  // Held while refreshers run: whoever removes one waits until it has ended. Taken before `mutex`.
  std::mutex refreshing;
  std::map<std::uint64_t, std::function<void()>> refreshers;
  std::uint64_t next_refresher = 0;

  // One name, one kind: two would make the text invalid.
  template <typename Other, typename... Others>
  static bool is_free(const std::string& name, const Other& other, const Others&... others) {
    return !other.contains(name) && (!others.contains(name) && ...);
  }
};

MetricRegistry::MetricRegistry() : state_(std::make_shared<State>()) {}
MetricRegistry::~MetricRegistry() = default;

std::shared_ptr<Counter> MetricRegistry::counter(const CounterDefinition& metric,
                                                 LabelValues values) {
  const std::lock_guard lock(state_->mutex);
  MILLRACE_CHECK(State::is_free(metric.name, state_->gauges, state_->histograms));
  auto& family = state_->counters[metric.name];
  family.help = metric.help;
  family.labels = metric.labels;
  return find_series(family, values, [] { return std::make_shared<Counter>(); });
}

std::shared_ptr<Gauge> MetricRegistry::gauge(const GaugeDefinition& metric, LabelValues values) {
  const std::lock_guard lock(state_->mutex);
  MILLRACE_CHECK(State::is_free(metric.name, state_->counters, state_->histograms));
  auto& family = state_->gauges[metric.name];
  family.help = metric.help;
  family.labels = metric.labels;
  return find_series(family, values, [] { return std::make_shared<Gauge>(); });
}

std::shared_ptr<Histogram> MetricRegistry::histogram(const HistogramDefinition& metric,
                                                     LabelValues values) {
  const std::lock_guard lock(state_->mutex);
  MILLRACE_CHECK(State::is_free(metric.name, state_->counters, state_->gauges));
  auto& family = state_->histograms[metric.name];
  family.help = metric.help;
  family.labels = metric.labels;
  return find_series(family, values, [&] { return std::make_shared<Histogram>(metric.bounds); });
}

void MetricRegistry::forget(std::string_view label, std::string_view value) {
  const std::lock_guard lock(state_->mutex);
  const std::string text = label_text(value);
  forget_in(state_->counters, label, text);
  forget_in(state_->gauges, label, text);
  forget_in(state_->histograms, label, text);
}

MetricRegistry::Refresher MetricRegistry::refresh_with(std::function<void()> refresh) {
  const std::lock_guard lock(state_->refreshing);
  const std::uint64_t id = state_->next_refresher++;
  state_->refreshers.emplace(id, std::move(refresh));
  // The pointer carries nothing but what its end does.
  return {state_.get(), [id, state = state_](void*) {
            const std::lock_guard removing(state->refreshing);
            state->refreshers.erase(id);
          }};
}

std::string MetricRegistry::text() const {
  {
    const std::lock_guard lock(state_->refreshing);
    for (const auto& [id, refresh] : state_->refreshers) refresh();
  }
  std::vector<prometheus::MetricFamily> families;
  {
    const std::lock_guard lock(state_->mutex);
    collect(state_->counters, families);
    collect(state_->gauges, families);
    collect(state_->histograms, families);
  }
  std::ostringstream out;
  prometheus::TextSerializer().Serialize(out, families);
  return std::move(out).str();
}

}  // namespace millrace
