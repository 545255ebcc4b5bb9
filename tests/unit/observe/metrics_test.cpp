#include "common/observe/metrics.hpp"

#include <boost/test/unit_test.hpp>
#include <thread>

#include "common/base/limits.hpp"

namespace millrace {
namespace {

constexpr CounterDefinition kPushes = {"millrace_test_pushes_total", "Pushes.", {"job", "kind"}};
constexpr CounterDefinition kRounds = {"millrace_test_rounds_total", "Rounds."};
constexpr GaugeDefinition kLag = {"millrace_test_lag_records", "Lag.", {"job"}};
constexpr std::array<double, 2> kBounds = {0.5, 1};
constexpr HistogramDefinition kSeconds = {"millrace_test_seconds", "Time.", kBounds};

bool holds(const std::string& text, const std::string& line) {
  return ("\n" + text).find("\n" + line + "\n") != std::string::npos;
}

std::size_t count_of(const std::string& text, const std::string& what) {
  std::size_t count = 0;
  for (auto at = text.find(what); at != text.npos; at = text.find(what, at + 1)) ++count;
  return count;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(common_observe_metrics)

BOOST_AUTO_TEST_CASE(each_metric_is_shown_with_its_help_its_type_and_its_series) {
  MetricRegistry metrics;
  metrics.counter(kPushes, {"clicks", "bulk"})->add(2);
  metrics.counter(kPushes, {"clicks", "whole"})->add();
  metrics.gauge(kLag, {"clicks"})->set(-1.5);
  const std::string text = metrics.text();
  BOOST_TEST(holds(text, "# HELP millrace_test_pushes_total Pushes."), text);
  BOOST_TEST(holds(text, "# TYPE millrace_test_pushes_total counter"), text);
  BOOST_TEST(holds(text, R"(millrace_test_pushes_total{job="clicks",kind="bulk"} 2)"), text);
  BOOST_TEST(holds(text, R"(millrace_test_pushes_total{job="clicks",kind="whole"} 1)"), text);
  BOOST_TEST(holds(text, R"(millrace_test_lag_records{job="clicks"} -1.5)"), text);
  BOOST_TEST(count_of(text, "# TYPE millrace_test_pushes_total") == 1u);
}

BOOST_AUTO_TEST_CASE(the_same_labels_are_the_same_series) {
  MetricRegistry metrics;
  BOOST_TEST(metrics.counter(kPushes, {"a", "b"}) == metrics.counter(kPushes, {"a", "b"}));
  BOOST_TEST(metrics.counter(kPushes, {"a", "b"}) != metrics.counter(kPushes, {"b", "a"}));
}

BOOST_AUTO_TEST_CASE(buckets_of_a_histogram_are_cumulative_and_include_their_bound) {
  MetricRegistry metrics;
  const auto seconds = metrics.histogram(kSeconds);
  for (const double value : {0.5, 0.6, 1.0, 7.0}) seconds->observe(value);
  const std::array<std::uint64_t, 3> counted = {1, 0, 2};
  seconds->observe_counted(counted, 10.25);
  const std::string text = metrics.text();
  BOOST_TEST(holds(text, R"(millrace_test_seconds_bucket{le="0.5"} 2)"), text);
  BOOST_TEST(holds(text, R"(millrace_test_seconds_bucket{le="1"} 4)"), text);
  BOOST_TEST(holds(text, R"(millrace_test_seconds_bucket{le="+Inf"} 7)"), text);
  BOOST_TEST(holds(text, "millrace_test_seconds_count 7"), text);
  BOOST_TEST(holds(text, "millrace_test_seconds_sum 19.35"), text);
}

BOOST_AUTO_TEST_CASE(label_values_can_neither_end_a_line_nor_break_the_encoding) {
  MetricRegistry metrics;
  metrics.gauge(kLag, {"a\"b\\c\nmillrace_forged 1\xff"})->set(1);
  const std::string text = metrics.text();
  BOOST_TEST(holds(text, R"(millrace_test_lag_records{job="a\"b\\c?millrace_forged 1?"} 1)"), text);
  metrics.gauge(kLag, {std::string(10'000, 'x')})->set(1);
  BOOST_TEST(count_of(metrics.text(), "x") < limits::kMetricLabelBytesMax + 10);
}

BOOST_AUTO_TEST_CASE(labels_beyond_the_limit_share_one_series) {
  MetricRegistry metrics;
  const std::size_t many = limits::kMetricSeriesMax + 50;
  for (std::size_t n = 0; n < many; ++n) metrics.gauge(kLag, {std::to_string(n)})->add(1);
  const std::string text = metrics.text();
  BOOST_TEST(count_of(text, "\nmillrace_test_lag_records{") == limits::kMetricSeriesMax);
  // The last place is theirs: one more than those beyond.
  BOOST_TEST(holds(text, R"(millrace_test_lag_records{job="other"} 51)"), text.substr(0, 200));
}

BOOST_AUTO_TEST_CASE(a_label_value_that_is_forgotten_is_shown_no_more) {
  MetricRegistry metrics;
  const auto held = metrics.counter(kPushes, {"a", "bulk"});
  metrics.counter(kPushes, {"b", "bulk"})->add();
  metrics.gauge(kLag, {"a"})->set(1);
  metrics.forget("job", "a");
  held->add();  // whoever still holds it does no harm
  const std::string text = metrics.text();
  BOOST_TEST(text.find("\"a\"") == text.npos, text);
  BOOST_TEST(holds(text, R"(millrace_test_pushes_total{job="b",kind="bulk"} 1)"), text);
}

BOOST_AUTO_TEST_CASE(a_total_counted_elsewhere_may_begin_anew) {
  MetricRegistry metrics;
  const auto rounds = metrics.counter(kRounds);
  CounterTotal total(rounds);
  total.advance_to(5);
  total.advance_to(5);
  total.advance_to(7);
  BOOST_TEST(rounds->value() == 7);
  total.advance_to(2);
  BOOST_TEST(rounds->value() == 9);
}

BOOST_AUTO_TEST_CASE(a_histogram_counted_elsewhere_may_begin_anew) {
  MetricRegistry metrics;
  const auto seconds = metrics.histogram(kSeconds);
  HistogramTotal total(seconds);
  total.advance_to(std::array<std::uint64_t, 3>{1, 0, 2}, 5);
  total.advance_to(std::array<std::uint64_t, 3>{1, 4, 2}, 8);
  BOOST_TEST(seconds->count(1) == 4u);
  BOOST_TEST(seconds->sum() == 8);
  total.advance_to(std::array<std::uint64_t, 3>{0, 1, 0}, 0.75);
  BOOST_TEST(seconds->count(0) == 1u);
  BOOST_TEST(seconds->count(1) == 5u);
  BOOST_TEST(seconds->count(2) == 2u);
  BOOST_TEST(seconds->sum() == 8.75);
}

BOOST_AUTO_TEST_CASE(refreshers_run_before_each_reading_until_they_are_dropped) {
  MetricRegistry metrics;
  const auto rounds = metrics.counter(kRounds);
  auto refresher = metrics.refresh_with([rounds] { rounds->add(); });
  BOOST_TEST(holds(metrics.text(), "millrace_test_rounds_total 1"));
  BOOST_TEST(holds(metrics.text(), "millrace_test_rounds_total 2"));
  refresher.reset();
  BOOST_TEST(holds(metrics.text(), "millrace_test_rounds_total 2"));
}

BOOST_AUTO_TEST_CASE(threads_lose_no_step_while_others_read) {
  MetricRegistry metrics;
  const auto rounds = metrics.counter(kRounds);
  const auto seconds = metrics.histogram(kSeconds);
  constexpr int kSteps = 20'000;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int n = 0; n < kSteps; ++n) {
        rounds->add();
        seconds->observe(0.25);
      }
    });
  }
  for (int n = 0; n < 20; ++n) BOOST_TEST(!metrics.text().empty());
  for (auto& thread : threads) thread.join();
  BOOST_TEST(rounds->value() == 4 * kSteps);
  BOOST_TEST(seconds->count(0) == 4u * kSteps);
  BOOST_TEST(seconds->sum() == kSteps);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace millrace
