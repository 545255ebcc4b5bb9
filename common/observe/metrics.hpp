// Counters, gauges and histograms of this process, in the text that Prometheus reads.
//
// Place: a daemon owns one MetricRegistry; shells take the series they need once and keep them, or
// give the registry a function that brings its series up to date before each reading. What metrics
// there are stands in metric_names.hpp. Off the hot path: a series is moved at most once per
// micro-batch, request round or checkpoint.
//
// Threads: everything from any thread; moving a series takes no lock. Series outlive the registry
// where somebody still holds them.
//
// Invariant: a metric has at most limits::kMetricSeriesMax series. Label values beyond that share
// one series whose labels all say "other", so that names chosen by clients cannot fill memory.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/status.hpp"

namespace millrace {

// The most labels a metric has, and their names: nullptr where there are fewer.
inline constexpr std::size_t kMetricLabelsMax = 3;
using MetricLabels = std::array<const char*, kMetricLabelsMax>;

// Name with prefix and unit (`millrace_..._seconds`); those of counters end in `_total`.
struct CounterDefinition {
  const char* name;
  const char* help;
  MetricLabels labels = {};
};
struct GaugeDefinition {
  const char* name;
  const char* help;
  MetricLabels labels = {};
};
struct HistogramDefinition {
  const char* name;
  const char* help;
  std::span<const double> bounds;  // upper bounds of the buckets, ascending; above them: +Inf
  MetricLabels labels = {};
};

// Only grows.
class Counter {
 public:
  void add(double amount = 1) { value_.fetch_add(amount, std::memory_order_relaxed); }
  double value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<double> value_{0};
};

class Gauge {
 public:
  void set(double value) { value_.store(value, std::memory_order_relaxed); }
  void add(double amount) { value_.fetch_add(amount, std::memory_order_relaxed); }
  double value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<double> value_{0};
};

class Histogram {
 public:
  explicit Histogram(std::span<const double> bounds);
  void observe(double value);
  // Observations that were counted elsewhere: one number for each bound and one for what lies above
  // them all, and the sum of the values.
  void observe_counted(std::span<const std::uint64_t> counts, double sum);

  std::span<const double> bounds() const { return bounds_; }
  // Of the bucket below bounds()[index] and above the one before; the last is +Inf.
  std::uint64_t count(std::size_t index) const {
    return counts_[index].load(std::memory_order_relaxed);
  }
  double sum() const { return sum_.load(std::memory_order_relaxed); }

 private:
  std::span<const double> bounds_;
  std::vector<std::atomic<std::uint64_t>> counts_;
  std::atomic<double> sum_{0};
};

// Moves a counter to totals that something else counts, and that begin at zero again when that
// something is made anew. One thread at a time.
class CounterTotal {
 public:
  explicit CounterTotal(std::shared_ptr<Counter> counter) : counter_(std::move(counter)) {}
  void advance_to(double total) {
    counter_->add(total >= last_ ? total - last_ : total);
    last_ = total;
  }

 private:
  std::shared_ptr<Counter> counter_;
  double last_ = 0;
};

// The same for a histogram: the counts of its buckets, not cumulative, and the sum.
class HistogramTotal {
 public:
  explicit HistogramTotal(std::shared_ptr<Histogram> histogram);
  void advance_to(std::span<const std::uint64_t> counts, double sum);

 private:
  std::shared_ptr<Histogram> histogram_;
  std::vector<std::uint64_t> last_counts_;
  double last_sum_ = 0;
};

// In the order of the definition's labels, as many as it has.
using LabelValues = std::initializer_list<std::string_view>;

class MetricRegistry {
 public:
  MetricRegistry();
  ~MetricRegistry();
  MetricRegistry(const MetricRegistry&) = delete;
  MetricRegistry& operator=(const MetricRegistry&) = delete;

  // The series with these label values, made at the first call. Definitions live as long as the
  // program.
  std::shared_ptr<Counter> counter(const CounterDefinition& metric, LabelValues values = {});
  std::shared_ptr<Gauge> gauge(const GaugeDefinition& metric, LabelValues values = {});
  std::shared_ptr<Histogram> histogram(const HistogramDefinition& metric, LabelValues values = {});
  // Shows no more series that carry this label with this value: a job that was deleted.
  void forget(std::string_view label, std::string_view value);

  // While the returned object lives, `refresh` runs before each reading, one reading at a time. It
  // must not wait for anything, nor call text(). After the object's destructor it runs no more.
  using Refresher = std::shared_ptr<void>;
  [[nodiscard]] Refresher refresh_with(std::function<void()> refresh);

  // Text exposition format 0.0.4: kTextType says so in HTTP.
  std::string text() const;
  static constexpr char kTextType[] = "text/plain; version=0.0.4; charset=utf-8";

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace millrace
