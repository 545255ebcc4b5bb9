// millrace-coordinator: knows the workers of a cluster, and leads its jobs.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>

#include "common/actors/cluster_system.hpp"
#include "common/base/exit_code.hpp"
#include "common/base/version.hpp"
#include "common/observe/monitoring.hpp"
#include "common/observe/service_notifier.hpp"
#include "common/observe/stop_signal.hpp"
#include "coordinator/actors/actor_control.hpp"
#include "coordinator/actors/coordinator.hpp"
#include "coordinator/control/control_server.hpp"
#include "coordinator/daemon/coordinator_folder.hpp"
#include "coordinator/daemon/coordinator_options.hpp"

namespace millrace {
namespace {

using std::chrono::milliseconds;

// SIGTERM: nothing is drained, since workers go on without a coordinator; what is under way at the
// stores may take this long.
constexpr milliseconds kStopMax{19'000};
constexpr milliseconds kPulse{1'000};
// A coordinator whose actors answer nothing for so long hangs.
constexpr milliseconds kPulseMax{15'000};

struct Keys {
  std::shared_ptr<const security::NodeCredentials> credentials;  // null: none
  std::shared_ptr<const security::CurveKeyPair> curve;
  std::string policy_file;
  std::string name = "coordinator";
};

Result<Keys> load_keys(const CoordinatorDaemonOptions& options) {
  Keys keys;
  if (options.keys.empty()) return keys;
  const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  MILLRACE_ASSIGN(const auto cluster,
                  security::load_cluster_keys(
                      {options.keys, security::NodeRole::coordinator, options.policy}, now));
  MILLRACE_ASSIGN(keys.credentials, security::NodeCredentials::hold(cluster, now));
  keys.curve = cluster.curve;
  keys.policy_file = cluster.policy_file;
  keys.name = cluster.identity.name;
  return keys;
}

Result<std::unique_ptr<ControlServer>> start_control(const CoordinatorDaemonOptions& options,
                                                     const Keys& keys, ControlService& service) {
  ControlServerOptions server;
  server.endpoint = options.control;
  server.security.is_insecure_accepted = options.is_insecure;
  server.security.server = keys.curve;
  server.policy_file = keys.policy_file;
  return ControlServer::start(server, service);
}

Result<Monitoring> start_monitoring(const CoordinatorDaemonOptions& options,
                                    MetricRegistry& metrics, Health& health) {
  HttpServerOptions server;
  server.host = options.metrics.host;
  server.port = options.metrics.port;
  server.has_keys = !options.keys.empty();
  server.is_insecure_accepted = options.is_insecure;
  return Monitoring::start(server, metrics, health);
}

// Told by the coordinator's actor whenever it answers; main asks.
class Pulse {
 public:
  explicit Pulse(HealthCheck check) : check_(std::make_shared<HealthCheck>(std::move(check))) {}

  // The answer comes from the actor, which alone steps the check.
  void ask(ControlService& service) {
    service.ask(std::make_shared<const control::Request>(),
                [check = check_](const ControlReplyPtr&) { check->step(); });
  }

 private:
  std::shared_ptr<HealthCheck> check_;
};

void log_failure(const Status& status) {
  if (!status.is_ok()) log(LogLevel::warning, "the service manager was not told", status);
}

// The actor ends with what is under way; workers and their jobs go on.
void stop_actor(caf::actor_system& actors, const coordinator_actor& coordinator) {
  caf::scoped_actor self(actors);
  self->send_exit(coordinator, caf::exit_reason::user_shutdown);
  self->wait_for(coordinator);
}

Status serve(const CoordinatorDaemonOptions& options, const Keys& keys, ClusterSystem& system,
             const coordinator_actor& coordinator, MetricRegistry& metrics, const StopSignal& stop,
             const ServiceNotifier& notifier) {
  ActorControl service(coordinator);
  Health health;
  MILLRACE_ASSIGN(HealthCheck check, health.add({.name = "actors_answer", .deadline = kPulseMax}));
  Pulse pulse(std::move(check));
  MILLRACE_ASSIGN(const auto port,
                  system.publish(caf::actor_cast<cluster_registry>(coordinator), options.listen));
  MILLRACE_ASSIGN(const auto control, start_control(options, keys, service));
  MILLRACE_ASSIGN(const Monitoring monitoring, start_monitoring(options, metrics, health));
  if (options.has_http)
    log(LogLevel::warning, "nothing listens at --http: this version has no dashboard");
  log(LogLevel::info, "coordinator started",
      {{"name", keys.name},
       {"listen", to_string(NodeAddress{options.listen.host, port})},
       {"control", control->endpoint()},
       {"metrics", monitoring.server().url()},
       {"checkpoints", options.checkpoints}});
  pulse.ask(service);
  health.set_started();
  log_failure(notifier.ready("coordinator " + keys.name));
  while (!stop.wait(kPulse)) {
    pulse.ask(service);
    if (health.report().is_alive) log_failure(notifier.alive());
  }
  log_failure(notifier.stopping("the jobs go on at the workers"));
  log(LogLevel::info, "stopping; the jobs go on at the workers", {{"signal", stop.number()}});
  health.drain("stopping");
  control->stop();
  return {};
}

Status run(const NodeValues& values, const StopSignal& stop, const ServiceNotifier& notifier) {
  MILLRACE_ASSIGN(const auto options, make_coordinator_options(values));
  start_logging(options.log);
  MILLRACE_TRY(change_log_level_by_signals());
  MILLRACE_ASSIGN(const Keys keys, load_keys(options));
  MILLRACE_ASSIGN(const CoordinatorFolder folder, CoordinatorFolder::open(options.state));
  MILLRACE_ASSIGN(JobCatalog catalog, JobCatalog::open(folder.jobs()));
  MetricRegistry metrics;  // before the actors, which end first
  MILLRACE_ASSIGN(const auto system, ClusterSystem::start({.credentials = keys.credentials,
                                                           .add_messages = add_control_messages}));
  CoordinatorOptions coordinator_options;
  coordinator_options.metrics = std::make_shared<JobMetrics>(metrics);
  coordinator_options.name = keys.name;
  coordinator_options.state = folder.path();
  coordinator_options.checkpoints = options.checkpoints;
  coordinator_options.secrets = SecretsFolder(options.secrets);
  coordinator_options.catalog = std::make_shared<JobCatalog>(std::move(catalog));
  coordinator_options.credentials = keys.credentials;
  auto coordinator = spawn_coordinator(system->actors(), std::move(coordinator_options));
  const Status status = serve(options, keys, *system, coordinator, metrics, stop, notifier);
  stop_actor(system->actors(), coordinator);
  coordinator = nullptr;
  if (status.is_ok()) log(LogLevel::info, "coordinator stopped");
  return status;
}

int fail(const Status& status) {
  log(LogLevel::error, "millrace-coordinator cannot run", status);
  return exit_code(status.code());
}

}  // namespace

static int main_of_coordinator(std::span<const char* const> arguments) {
  const auto environment = read_service_environment();
  const auto values = read_node_values(
      {"millrace-coordinator", "Knows the workers of a cluster, and leads its jobs",
       program_version(), coordinator_keys()},
      {arguments, [](const char* name) -> const char* { return std::getenv(name); }});
  if (!values.is_ok()) return fail(values.status());
  if (const auto& answer = values.value().answer(); !answer.empty()) {
    std::fputs(answer.c_str(), stdout);
    return 0;
  }
  const StopSignal stop(kStopMax);
  const auto notifier = ServiceNotifier::open(environment);
  if (!notifier.is_ok()) return fail(notifier.status());
  const auto status = run(values.value(), stop, notifier.value());
  return status.is_ok() ? 0 : fail(status);
}

}  // namespace millrace

int main(int argc, char** argv) {
  return millrace::main_of_coordinator({argv, static_cast<std::size_t>(argc)});
}
