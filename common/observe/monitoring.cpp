#include "common/observe/monitoring.hpp"

#include <set>

#include "common/base/version.hpp"
#include "common/observe/metric_names.hpp"
#include "common/observe/process_metrics.hpp"

namespace millrace {
namespace {

constexpr char kJsonType[] = "application/json";
constexpr int kServiceUnavailable = 503;

HttpAnswer answer(bool is_well, std::string body) {
  return {.status = is_well ? 200 : kServiceUnavailable,
          .content_type = kJsonType,
          .body = std::move(body)};
}

// Brings the series up to date that only a reading asks for.
class Refresh {
 public:
  Refresh(MetricRegistry& metrics, Health& health, const HttpServer& server)
      : metrics_(metrics), health_(health), server_(server), process_(metrics) {
    for (const char* outcome : {"answered", "refused", "slow", "evicted"}) {
      http_.emplace_back(metrics.counter(metric::kHttpRequests, {outcome}));
    }
    metrics.gauge(metric::kBuild, {program_version()})->set(1);
  }

  void operator()() {
    show_checks();
    const HttpStats stats = server_.stats();
    http_[0].advance_to(static_cast<double>(stats.answered));
    http_[1].advance_to(static_cast<double>(stats.refused));
    http_[2].advance_to(static_cast<double>(stats.slow));
    http_[3].advance_to(static_cast<double>(stats.evicted));
    process_.refresh();
  }

 private:
  void show_checks() {
    std::set<std::string> present;
    for (const auto& check : health_.report().checks) {
      metrics_.gauge(metric::kHealthy, {check.name})->set(check.is_ok ? 1 : 0);
      present.insert(check.name);
    }
    // A job that has ended has no health.
    for (const auto& name : shown_) {
      if (!present.contains(name)) metrics_.forget("check", name);
    }
    shown_ = std::move(present);
  }

  MetricRegistry& metrics_;
  Health& health_;
  const HttpServer& server_;
  ProcessMetrics process_;
  std::set<std::string> shown_;
  std::vector<CounterTotal> http_;
};

}  // namespace

Result<Monitoring> Monitoring::start(const HttpServerOptions& options, MetricRegistry& metrics,
                                     Health& health) {
  std::map<std::string, HttpServer::Route> routes;
  routes["/metrics"] = [&metrics] {
    return HttpAnswer{.content_type = MetricRegistry::kTextType, .body = metrics.text()};
  };
  routes["/healthz"] = [&health] {
    const HealthReport report = health.report();
    return answer(report.is_alive, liveness_json(report));
  };
  routes["/readyz"] = [&health] {
    const HealthReport report = health.report();
    return answer(report.is_ready, readiness_json(report));
  };
  Monitoring monitoring;
  MILLRACE_ASSIGN(monitoring.server_, HttpServer::start(options, std::move(routes)));
  monitoring.refresher_ =
      metrics.refresh_with([refresh = std::make_shared<Refresh>(
                                metrics, health, *monitoring.server_)] { (*refresh)(); });
  return monitoring;
}

}  // namespace millrace
