#include "worker/serving/serving_metrics.hpp"

#include <numeric>

#include "common/observe/metric_names.hpp"
#include "tests/integration/serving_endpoint/served.hpp"

namespace millrace {

using namespace millrace::test;

BOOST_AUTO_TEST_SUITE(integration_serving_metrics)

BOOST_AUTO_TEST_CASE(requests_rows_and_times_are_shown_by_outcome) {
  MetricRegistry metrics;
  const auto server = start_server();
  auto refresher = show_serving(metrics, *server);
  BOOST_REQUIRE(server->publish(example_model()).is_ok());
  auto client = PredictionClient::connect({.endpoint = endpoint_of(*server)});
  BOOST_REQUIRE(client.is_ok());
  const auto batch = example_batch(3, 3, true, 1);
  wire::PredictRequest request;
  add_named_rows(batch, 0, 3, number_names(3), request);
  for (int n = 0; n < 5; ++n) BOOST_TEST(client.value()->predict(request).is_ok());
  request.model = "nothing";
  BOOST_TEST(!client.value()->predict(request).is_ok());
  server->stop();

  const std::string text = metrics.text();
  const auto requests = [&](const char* outcome) {
    return metrics.counter(metric::kPredictionRequests, {outcome})->value();
  };
  BOOST_TEST(requests("predicted") == 5);
  BOOST_TEST(requests("refused") == 1);
  BOOST_TEST(requests("overloaded") == 0);
  BOOST_TEST(metrics.counter(metric::kPredictionRows)->value() == 15);
  BOOST_TEST(text.find("\nmillrace_prediction_seconds_count 6\n") != text.npos, text);
  const auto counts = server->stats().latency_counts;
  BOOST_TEST(std::accumulate(counts.begin(), counts.end(), std::uint64_t{0}) == 6u);
  BOOST_TEST(server->stats().latency_us > 0u);

  refresher.reset();
  BOOST_TEST(metrics.counter(metric::kPredictionRows)->value() == 15);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace millrace
