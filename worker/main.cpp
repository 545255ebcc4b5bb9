// millrace-worker: hosts the replicas and shards of jobs, and answers predictions.
#include <malloc.h>

#include <chrono>
#include <random>

#include "common/base/version.hpp"
#include "common/daemon/daemon.hpp"
#include "common/daemon/daemon_folder.hpp"
#include "common/daemon/daemon_keys.hpp"
#include "worker/actors/interfaces.hpp"
#include "worker/actors/worker_host.hpp"
#include "worker/daemon/worker_monitoring.hpp"
#include "worker/daemon/worker_options.hpp"

namespace millrace {
namespace {

using std::chrono::milliseconds;

constexpr auto kRole = security::NodeRole::worker;

// SIGTERM: the coordinator may take a last checkpoint, and then everything ends.
constexpr milliseconds kReleaseMax{15'000};
constexpr milliseconds kDrainMax{19'000};
constexpr milliseconds kPoll{50};
constexpr milliseconds kLook{200};  // so soon a probe hears of a coordinator that was lost

// A worker is called what its certificate says.
Result<DaemonKeys> load_keys(WorkerDaemonOptions& options) {
  MILLRACE_ASSIGN(auto keys, load_daemon_keys({options.keys, kRole, ""}));
  if (!options.has_keys()) return keys;
  if (options.is_named && options.name != keys.name) {
    return Status(
        Code::permission_denied,
        "--name is " + options.name + ", and the keys in " + options.keys + " are of " + keys.name,
        "leave --name out, or name that node's keys");
  }
  options.name = keys.name;
  return keys;
}

Result<std::shared_ptr<PredictionServer>> start_server(const WorkerDaemonOptions& options,
                                                       const DaemonKeys& keys) {
  if (!options.roles.serve) return std::shared_ptr<PredictionServer>();
  PredictionServerOptions server;
  server.endpoint = options.predictions;
  server.security.is_insecure_accepted = options.is_insecure;
  server.security.server = keys.curve;
  server.policy_file = keys.policy_file;
  MILLRACE_ASSIGN(auto started, PredictionServer::start(server));
  return std::shared_ptr<PredictionServer>(std::move(started));
}

// Not 0, and not what another life of this process has drawn.
WorkerId draw_id() {
  std::random_device device;
  for (;;) {
    if (const WorkerId id(device()); id != WorkerId(0)) return id;
  }
}

WorkerOutline make_outline(const WorkerDaemonOptions& options, const PredictionServer* server) {
  WorkerOutline outline;
  outline.id = draw_id();
  outline.name = options.name;
  outline.roles = options.roles;
  outline.slots = options.slots;
  outline.memory_bytes = options.memory_bytes;
  outline.labels = options.labels;
  outline.address = {options.advertise, options.listen.port};
  outline.version = program_version();
  if (server == nullptr) return outline;
  // As clients reach it: at the advertised host where it listens at every address.
  auto endpoint = net::Endpoint::parse(server->endpoint());
  if (endpoint.is_ok() && !endpoint.value().is_loopback()) {
    endpoint.value().host = options.advertise;
  }
  outline.predictions = endpoint.is_ok() ? endpoint.value().text() : server->endpoint();
  return outline;
}

// Until the coordinator releases it, or for as long as it may take.
void drain(caf::actor_system& actors, const worker_host_actor& host, const WorkerHealth& health) {
  caf::anon_send(host, LeaveRequested{"it was told to stop"});
  const auto ends_at = std::chrono::steady_clock::now() + kReleaseMax;
  while (!health.is_released && std::chrono::steady_clock::now() < ends_at) {
    std::this_thread::sleep_for(kPoll);
  }
  if (!health.is_released) {
    log(LogLevel::warning,
        "the coordinator has not released this worker in time; what was learned "
        "since the newest checkpoint is learned again elsewhere");
  }
  caf::scoped_actor self(actors);
  self->send_exit(host, caf::exit_reason::user_shutdown);
  self->wait_for(host);
}

Status run(const NodeValues& values, const Daemon& daemon) {
  MILLRACE_ASSIGN(WorkerDaemonOptions options, make_worker_options(values, this_machine()));
  start_logging(options.log);
  MILLRACE_TRY(change_log_level_by_signals());
  MILLRACE_ASSIGN(const DaemonKeys keys, load_keys(options));
  MILLRACE_ASSIGN(const DaemonFolder folder, DaemonFolder::open(options.state, kRole));
  WorkerHostOptions host_options;
  MILLRACE_ASSIGN(host_options.roots, DataRoots::below(options.data_roots));
  host_options.secrets = SecretsFolder(options.secrets);
  host_options.ingest.security = {options.is_insecure, keys.curve, {}};
  host_options.ingest.policy_file = keys.policy_file;
  MILLRACE_ASSIGN(host_options.server, start_server(options, keys));
  host_options.outline = make_outline(options, host_options.server.get());
  host_options.coordinators = options.coordinators;
  MILLRACE_ASSIGN(host_options.scratch, folder.make_empty("scratch"));
  host_options.membership.seed = host_options.outline.id.value;
  host_options.warn = [](const std::string& text) { log(LogLevel::warning, text); };
  const auto health = host_options.health;
  const auto id = host_options.outline.id;
  const auto server = host_options.server;

  MILLRACE_ASSIGN(const auto monitoring, WorkerMonitoring::start(options, health, server.get()));
  MILLRACE_ASSIGN(const auto system, ClusterSystem::start({.credentials = keys.credentials,
                                                           .add_messages = add_worker_messages}));
  auto host = spawn_worker_host(*system, std::move(host_options));
  const auto port = system->publish(caf::actor_cast<worker_host>(host), options.listen);
  if (!port.is_ok()) {
    caf::anon_send_exit(host, caf::exit_reason::user_shutdown);
    return port.status();
  }
  caf::anon_send(host, HostListens{port.value()});
  log(LogLevel::info, "worker started",
      {{"name", options.name},
       {"worker", id},
       {"listen", to_string(NodeAddress{options.listen.host, port.value()})},
       {"predictions", server == nullptr ? std::string("none") : server->endpoint()},
       {"metrics", monitoring->url()},
       {"slots", options.slots}});
  daemon.ready("worker " + options.name);
  const int signal = daemon.serve(monitoring->health(), kLook, [&] { monitoring->look(); });
  daemon.stopping("draining");
  log(LogLevel::info, "draining", {{"signal", signal}});
  drain(system->actors(), host, *health);
  host = nullptr;
  if (server != nullptr) server->stop();
  log(LogLevel::info, "worker stopped");
  return {};
}

}  // namespace
}  // namespace millrace

int main(int argc, char** argv) {
  // Blocks, pushes and views of up to a few MiB are freed and taken again all the time: the
  // allocator keeps their pages.
  mallopt(M_MMAP_THRESHOLD, 64 << 20);
  mallopt(M_TRIM_THRESHOLD, 128 << 20);
  const millrace::DaemonProgram program{
      .name = "millrace-worker",
      .description = "Hosts replicas and shards of jobs, and answers predictions",
      .keys = millrace::worker_keys(),
      .drain_max = millrace::kDrainMax,
      .run = millrace::run};
  return millrace::main_of_daemon(program, {argv, static_cast<std::size_t>(argc)});
}
