#include "tests/integration/cluster/cluster.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <future>
#include <random>
#include <thread>

namespace millrace::test {
namespace {

std::unique_ptr<ClusterSystem> start_system(void (*add_messages)(caf::actor_system_config&)) {
  ClusterSystemOptions options;
  options.add_messages = add_messages;
  options.scheduler_threads = 2;
  auto system = ClusterSystem::start(options);
  BOOST_REQUIRE_MESSAGE(system.is_ok(), system.status().message());
  return std::move(system).value();
}

template <typename Handle>
void end_actor(ClusterSystem& system, Handle& actor) {
  caf::scoped_actor self(system.actors());
  self->send_exit(actor, caf::exit_reason::user_shutdown);
  self->wait_for(actor);
  actor = nullptr;
}

}  // namespace

std::uint16_t free_port() {
  const int file = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* plain = reinterpret_cast<sockaddr*>(&address);
  BOOST_REQUIRE(file >= 0 && ::bind(file, plain, size) == 0);
  BOOST_REQUIRE(::getsockname(file, plain, &size) == 0);
  ::close(file);
  return ntohs(address.sin_port);
}

CoordinatorNode::CoordinatorNode(const std::filesystem::path& folder, std::uint16_t port)
    : system_(start_system(add_control_messages)) {
  auto catalog = JobCatalog::open(folder / "state" / "jobs");
  BOOST_REQUIRE_MESSAGE(catalog.is_ok(), catalog.status().message());
  CoordinatorOptions options;
  options.name = "coordinator";
  options.state = folder / "state";
  options.checkpoints = "file://" + (folder / "store").string();
  options.catalog = std::make_shared<JobCatalog>(std::move(catalog).value());
  coordinator_ = spawn_coordinator(system_->actors(), std::move(options));
  const auto taken = system_->publish(caf::actor_cast<cluster_registry>(coordinator_),
                                      net::Endpoint{"127.0.0.1", port});
  BOOST_REQUIRE_MESSAGE(taken.is_ok(), taken.status().message());
}

CoordinatorNode::~CoordinatorNode() {
  end_actor(*system_, coordinator_);
}

control::ReplyKind CoordinatorNode::ask(control::RequestKind what) {
  const auto promise = std::make_shared<std::promise<ControlReplyPtr>>();
  auto future = promise->get_future();
  auto request = std::make_shared<control::Request>();
  request->client = "tester";
  request->what = std::move(what);
  caf::anon_send(coordinator_, AskControl{request, [promise](const ControlReplyPtr& reply) {
                                            promise->set_value(reply);
                                          }});
  BOOST_REQUIRE_MESSAGE(future.wait_for(kPatience) == std::future_status::ready, "no answer");
  return future.get()->what;
}

control::JobStatus CoordinatorNode::status(const std::string& job) {
  return ask_for<control::JobStatus>(control::GetStatus{job});
}

std::string CoordinatorNode::events(const std::string& job) {
  std::string text;
  for (const auto& event : ask_for<control::EventList>(control::ListEvents{job, 0, 60}).events) {
    text += event.severity + " " + event.kind + ": " + event.message + "\n";
  }
  return text;
}

control::JobStatus CoordinatorNode::wait_for_state(const std::string& job,
                                                   control::JobState state) {
  return wait_for(job, [&](const control::JobStatus& now) {
    const bool has_failed = now.state == control::JobState::failed && state != now.state;
    BOOST_REQUIRE_MESSAGE(!has_failed, job << " failed: " << now.message << "\n" << events(job));
    return now.state == state;
  });
}

control::Operation CoordinatorNode::wait_for_operation(const std::string& id) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (true) {
    auto now = ask_for<control::Operation>(control::GetOperation{id});
    if (now.state != control::OperationState::running) return now;
    BOOST_REQUIRE_MESSAGE(std::chrono::steady_clock::now() < deadline, id << " goes on");
    pause();
  }
}

void CoordinatorNode::wait_for_workers(std::size_t ready) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (true) {
    std::size_t found = 0;
    for (const auto& row : ask_for<control::WorkerList>(control::ListWorkers{}).workers) {
      if (row.state == "ready") ++found;
    }
    if (found == ready) return;
    BOOST_REQUIRE_MESSAGE(std::chrono::steady_clock::now() < deadline, found << " workers");
    pause();
  }
}

void CoordinatorNode::pause() {
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
}

HostNode::HostNode(const std::filesystem::path& folder, std::uint16_t coordinator,
                   const HostSettings& settings)
    : system_(start_system(add_worker_messages)) {
  WorkerHostOptions options;
  options.outline.id = WorkerId(std::random_device{}() | 1u);
  options.outline.name = settings.name;
  options.outline.slots = settings.slots;
  options.outline.roles = settings.roles;
  options.outline.address = {"127.0.0.1", 0};
  options.outline.version = "test";
  options.coordinators = {{"127.0.0.1", coordinator}};
  options.scratch = folder / "scratch" / settings.name;
  options.membership.backoff_max = Milliseconds(200);
  if (settings.is_answering) {
    auto server = PredictionServer::start({});
    BOOST_REQUIRE_MESSAGE(server.is_ok(), server.status().message());
    server_ = std::move(server).value();
    options.server = server_;
    options.outline.predictions = server_->endpoint();
  }
  host_ = spawn_worker_host(*system_, std::move(options));
  const auto taken =
      system_->publish(caf::actor_cast<worker_host>(host_), net::Endpoint{"127.0.0.1", 0});
  BOOST_REQUIRE_MESSAGE(taken.is_ok(), taken.status().message());
  caf::anon_send(host_, HostListens{taken.value()});
}

HostNode::~HostNode() {
  end_actor(*system_, host_);
}

control::Submit job(const std::string& name, std::uint64_t records, std::uint32_t parallelism,
                    std::uint64_t rate) {
  control::Submit submit;
  submit.file_name = name + ".yaml";
  submit.yaml =
      "version: 1\nname: " + name +
      "\nsource: {kind: generator, generator: {name: sea, records: " + std::to_string(records) +
      "}";
  if (rate != 0) submit.yaml += ", max_records_per_second: " + std::to_string(rate);
  submit.yaml += "}\nschema: {label: label}\nparallelism: " + std::to_string(parallelism) +
                 "\ncheckpoint: {interval: 200ms, retain: 2}\nseed: 5\n";
  return submit;
}

}  // namespace millrace::test
