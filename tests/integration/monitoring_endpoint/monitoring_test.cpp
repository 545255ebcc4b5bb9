// What a daemon shows on its port, as a scraper and a prober see it.
#include "common/observe/monitoring.hpp"

#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>
#include <thread>

#include "common/observe/metric_names.hpp"
#include "tests/integration/monitoring_endpoint/http_client.hpp"

namespace millrace {
namespace {

using std::chrono::milliseconds;
using test::get;
using test::HttpReply;

struct Fixture {
  Fixture() {
    auto result = Monitoring::start({}, metrics, health);
    BOOST_REQUIRE(result.is_ok());
    monitoring.emplace(std::move(result).value());
  }
  HttpReply ask(const char* path) { return get(monitoring->server().port(), path); }
  nlohmann::json json(const char* path) { return nlohmann::json::parse(ask(path).body); }

  MetricRegistry metrics;
  Health health;
  std::optional<Monitoring> monitoring;
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(integration_monitoring, Fixture)

BOOST_AUTO_TEST_CASE(metrics_are_shown_as_prometheus_asks_for_them) {
  metrics.counter(metric::kCheckpointsCompleted, {"clicks"})->add(3);
  const auto reply = ask("/metrics");
  BOOST_TEST(reply.status == 200);
  BOOST_TEST(reply.headers.find("Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n") !=
             reply.headers.npos);
  BOOST_TEST(reply.body.find("\nmillrace_checkpoints_completed_total{job=\"clicks\"} 3\n") !=
             reply.body.npos);
  BOOST_TEST(reply.body.find("\nmillrace_build_info{version=\"") != reply.body.npos);
  for (const auto* gauge : {&metric::kMemory, &metric::kOpenFiles, &metric::kThreads}) {
    BOOST_TEST(metrics.gauge(*gauge)->value() > 0, gauge->name);
  }
}

BOOST_AUTO_TEST_CASE(a_daemon_is_ready_once_it_says_so_and_until_it_drains) {
  BOOST_TEST(ask("/healthz").status == 200);
  BOOST_TEST(ask("/readyz").status == 503);
  BOOST_TEST(json("/readyz")["reason"] == "starting");
  health.set_started();
  BOOST_TEST(ask("/readyz").status == 200);
  BOOST_TEST(json("/readyz")["status"] == "ready");
  health.drain("SIGTERM");
  BOOST_TEST(ask("/readyz").status == 503);
  BOOST_TEST(json("/readyz")["reason"] == "draining: SIGTERM");
  BOOST_TEST(ask("/healthz").status == 200);
}

BOOST_AUTO_TEST_CASE(a_component_that_hangs_is_named_while_the_process_still_runs) {
  health.set_started();
  HealthCheck training =
      health.add({.name = "training/clicks", .deadline = milliseconds(1)}).value();
  training.step();
  HttpReply reply = ask("/healthz");
  for (int n = 0; n < 2'000 && reply.status == 200; ++n) {
    std::this_thread::sleep_for(milliseconds(2));
    reply = ask("/healthz");
  }
  BOOST_TEST(reply.status == 503);
  const auto stuck = nlohmann::json::parse(reply.body);
  BOOST_TEST(stuck["status"] == "stuck");
  BOOST_TEST(stuck["checks"][0]["name"] == "training/clicks");
  BOOST_TEST(
      ask("/metrics").body.find("\nmillrace_health_check_ok{check=\"training/clicks\"} 0\n") !=
      std::string::npos);
  training = HealthCheck();
  BOOST_TEST(ask("/healthz").status == 200);
  // What has ended is not shown either.
  BOOST_TEST(ask("/metrics").body.find("training/clicks") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(the_port_counts_who_comes) {
  BOOST_TEST(ask("/nothing").status == 404);
  BOOST_TEST(ask("/healthz").status == 200);
  BOOST_TEST(ask("/metrics")
                 .body.find("\nmillrace_metrics_http_requests_total{outcome=\"refused\"} 1\n") !=
             std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace millrace
