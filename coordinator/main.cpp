// millrace-coordinator: knows the workers of a cluster, and leads its jobs.
#include <chrono>
#include <memory>

#include "common/actors/cluster_system.hpp"
#include "common/daemon/daemon.hpp"
#include "common/daemon/daemon_folder.hpp"
#include "common/daemon/daemon_keys.hpp"
#include "common/observe/monitoring.hpp"
#include "coordinator/actors/actor_control.hpp"
#include "coordinator/actors/coordinator.hpp"
#include "coordinator/control/control_server.hpp"
#include "coordinator/daemon/coordinator_options.hpp"

namespace millrace {
namespace {

using std::chrono::milliseconds;

constexpr auto kRole = security::NodeRole::coordinator;

// SIGTERM: nothing is drained, since workers go on without a coordinator; what is under way at the
// stores may take this long.
constexpr milliseconds kStopMax{19'000};
constexpr milliseconds kPulse{1'000};
// A coordinator whose actors answer nothing for so long hangs.
constexpr milliseconds kPulseMax{15'000};

Result<std::unique_ptr<ControlServer>> start_control(const CoordinatorDaemonOptions& options,
                                                     const DaemonKeys& keys,
                                                     ControlService& service) {
  ControlServerOptions server;
  server.endpoint = options.control;
  server.security.is_insecure_accepted = options.is_insecure;
  server.security.server = keys.curve;
  server.policy_file = keys.policy_file;
  return ControlServer::start(server, service);
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

// The actor ends with what is under way; workers and their jobs go on.
void stop_actor(caf::actor_system& actors, const coordinator_actor& coordinator) {
  caf::scoped_actor self(actors);
  self->send_exit(coordinator, caf::exit_reason::user_shutdown);
  self->wait_for(coordinator);
}

Status serve(const CoordinatorDaemonOptions& options, const DaemonKeys& keys, ClusterSystem& system,
             const coordinator_actor& coordinator, MetricRegistry& metrics, const Daemon& daemon) {
  ActorControl service(coordinator);
  Health health;
  MILLRACE_ASSIGN(HealthCheck check, health.add({.name = "actors_answer", .deadline = kPulseMax}));
  Pulse pulse(std::move(check));
  MILLRACE_ASSIGN(const auto port,
                  system.publish(caf::actor_cast<cluster_registry>(coordinator), options.listen));
  MILLRACE_ASSIGN(const auto control, start_control(options, keys, service));
  MILLRACE_ASSIGN(const Monitoring monitoring,
                  Monitoring::start(monitoring_options(options), metrics, health));
  log(LogLevel::info, "coordinator started",
      {{"name", keys.name},
       {"listen", to_string(NodeAddress{options.listen.host, port})},
       {"control", control->endpoint()},
       {"metrics", monitoring.server().url()},
       {"checkpoints", options.checkpoints}});
  health.set_started();
  daemon.ready("coordinator " + keys.name);
  const int signal = daemon.serve(health, kPulse, [&] { pulse.ask(service); });
  daemon.stopping("the jobs go on at the workers");
  log(LogLevel::info, "stopping; the jobs go on at the workers", {{"signal", signal}});
  health.drain("stopping");
  control->stop();
  return {};
}

Status run(const NodeValues& values, const Daemon& daemon) {
  MILLRACE_ASSIGN(const auto options, make_coordinator_options(values));
  start_logging(options.log);
  MILLRACE_TRY(change_log_level_by_signals());
  MILLRACE_ASSIGN(DaemonKeys keys, load_daemon_keys({options.keys, kRole, options.policy}));
  if (!options.has_keys()) keys.name = "coordinator";
  MILLRACE_ASSIGN(const DaemonFolder folder, DaemonFolder::open(options.state, kRole));
  MILLRACE_ASSIGN(JobCatalog catalog, JobCatalog::open(folder.path() / "jobs"));
  MILLRACE_ASSIGN(std::shared_ptr<VolumeKeeper> volume,
                  VolumeKeeper::open(options.volume, posix_disk()));
  MetricRegistry metrics;  // before the actors, which end first
  MILLRACE_ASSIGN(const auto system, ClusterSystem::start({.credentials = keys.credentials,
                                                           .add_messages = add_control_messages}));
  CoordinatorOptions coordinator_options;
  coordinator_options.metrics = std::make_shared<JobMetrics>(metrics);
  coordinator_options.name = keys.name;
  coordinator_options.state = folder.path();
  coordinator_options.checkpoints = options.checkpoints;
  coordinator_options.stores = {.secrets = SecretsFolder(options.secrets),
                                .volume = make_folder_volume(options.volume.folder)};
  coordinator_options.volume = spawn_volume(system->actors(), std::move(volume));
  coordinator_options.catalog = std::make_shared<JobCatalog>(std::move(catalog));
  coordinator_options.credentials = keys.credentials;
  auto coordinator = spawn_coordinator(system->actors(), std::move(coordinator_options));
  Status status = serve(options, keys, *system, coordinator, metrics, daemon);
  stop_actor(system->actors(), coordinator);
  coordinator = nullptr;
  if (status.is_ok()) log(LogLevel::info, "coordinator stopped");
  return status;
}

}  // namespace
}  // namespace millrace

int main(int argc, char** argv) {
  const millrace::DaemonProgram program{
      .name = "millrace-coordinator",
      .description = "Knows the workers of a cluster, and leads its jobs",
      .keys = millrace::coordinator_keys(),
      .drain_max = millrace::kStopMax,
      .run = millrace::run};
  return millrace::main_of_daemon(program, {argv, static_cast<std::size_t>(argc)});
}
