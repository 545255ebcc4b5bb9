#include "worker/daemon/worker_monitoring.hpp"

#include <optional>
#include <utility>

#include "worker/actors/worker_metrics.hpp"
#include "worker/serving/serving_metrics.hpp"

namespace millrace {
namespace {

// A worker whose actors do nothing for so long hangs.
constexpr std::chrono::milliseconds kTickMax{15'000};

}  // namespace

struct WorkerMonitoring::State {
  std::shared_ptr<const WorkerHealth> worker;
  MetricRegistry metrics;
  Health health;
  HealthCheck actors;
  std::uint64_t ticks = 0;  // seen
  HealthCheck coordinator;
  MetricRegistry::Refresher refreshes_worker;
  MetricRegistry::Refresher refreshes_serving;
  std::optional<Monitoring> monitoring;  // last: it reads all of the above
};

WorkerMonitoring::WorkerMonitoring(std::unique_ptr<State> state) : state_(std::move(state)) {}
WorkerMonitoring::~WorkerMonitoring() = default;

Result<std::unique_ptr<WorkerMonitoring>> WorkerMonitoring::start(
    const WorkerDaemonOptions& options, std::shared_ptr<const WorkerHealth> health,
    const PredictionServer* server) {
  auto state = std::make_unique<State>();
  state->worker = std::move(health);
  MILLRACE_ASSIGN(state->actors,
                  state->health.add({.name = "actors_answer", .deadline = kTickMax}));
  // What was said last holds: a coordinator that is away is no hang, and a restart does not help.
  MILLRACE_ASSIGN(state->coordinator,
                  state->health.add({.name = "coordinator",
                                     .scope = HealthScope::readiness,
                                     .deadline = std::chrono::milliseconds(0)}));
  state->refreshes_worker = show_worker(state->metrics, state->worker);
  if (server != nullptr) state->refreshes_serving = show_serving(state->metrics, *server);
  MILLRACE_ASSIGN(auto monitoring,
                  Monitoring::start(monitoring_options(options), state->metrics, state->health));
  state->monitoring.emplace(std::move(monitoring));
  state->health.set_started();
  std::unique_ptr<WorkerMonitoring> made(new WorkerMonitoring(std::move(state)));
  made->look();
  return made;
}

void WorkerMonitoring::look() {
  const std::uint64_t ticks = state_->worker->ticks;
  if (std::exchange(state_->ticks, ticks) != ticks) state_->actors.step();
  if (state_->worker->is_draining) state_->health.drain("this worker leaves the cluster");
  if (state_->worker->is_joined)
    state_->coordinator.step();
  else
    state_->coordinator.fail("not a member of the cluster: the coordinator has not let it in yet");
}

const Health& WorkerMonitoring::health() const {
  return state_->health;
}

std::string WorkerMonitoring::url() const {
  return state_->monitoring->server().url();
}

}  // namespace millrace
