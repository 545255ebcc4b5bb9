// Worker hosts and whoever coordinates them, in actor systems of their own over TLS.
#include <atomic>
#include <condition_variable>
#include <deque>
#include <fstream>
#include <mutex>
#include <thread>

#include "common/actors/join_gate.hpp"
#include "common/config/job_file.hpp"
#include "common/store/job_folder.hpp"
#include "coordinator/actors/interfaces.hpp"
#include "coordinator/actors/job_master.hpp"
#include "tests/integration/cluster_tls/cluster_keys.hpp"
#include "worker/actors/worker_host.hpp"

namespace millrace {
namespace {

using test::ClusterFolder, test::start_system;

constexpr std::chrono::seconds kPatience{60};

// What an actor heard, for the thread of the test.
template <typename T>
class Heard {
 public:
  void add(T value) {
    {
      const std::lock_guard lock(mutex_);
      values_.push_back(std::move(value));
    }
    changed_.notify_all();
  }
  T wait(const char* what) {
    std::unique_lock lock(mutex_);
    BOOST_REQUIRE_MESSAGE(changed_.wait_for(lock, kPatience, [&] { return !values_.empty(); }),
                          "nothing is heard: " << what);
    T value = std::move(values_.front());
    values_.pop_front();
    return value;
  }
  bool is_empty() {
    const std::lock_guard lock(mutex_);
    return values_.empty();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<T> values_;
};

struct News {
  Heard<JoinCluster> joined;
  Heard<JobOpened> opened;
  Heard<JobPrepared> prepared;
  Heard<ServingNews> serving;
  Heard<LeaveCluster> leaving;
};

// Lets in whoever the gate lets in.
cluster_registry::behavior_type coordinate(cluster_registry::pointer self,
                                           std::shared_ptr<News> news, CredentialsPtr keys) {
  auto gate = std::make_shared<JoinGate>(std::move(keys), self->node());
  auto hosts = std::make_shared<std::map<WorkerId, worker_host>>();
  return {[=](const AskToJoin& asked) { self->send(asked.host, gate->challenge(asked)); },
          [=](const JoinCluster& join) {
            const auto status = gate->check(join, test::wall_now());
            if (!status.is_ok()) {
              return self->send(join.host, JoinRefused{join.outline.id, status});
            }
            hosts->insert_or_assign(join.outline.id, join.host);
            self->send(join.host, Welcome{join.outline.id, "coordinator", "0.1.0"});
            news->joined.add(join);
          },
          [=](const JobOpened& opened) { news->opened.add(opened); },
          [=](const JobPrepared& prepared) { news->prepared.add(prepared); },
          [=](const ServingNews& serving) { news->serving.add(serving); },
          [=](const LeaveCluster& leaving) {
            self->send(hosts->at(leaving.worker), Released{leaving.worker});
            news->leaving.add(leaving);
          },
          [=](const WorkerTick& tick) { self->send(hosts->at(tick.worker), tick); }};
}

class Coordinator {
 public:
  explicit Coordinator(CredentialsPtr keys, std::uint16_t port = 0)
      : system_(start_system(keys)),
        actor_(system_->actors().spawn(coordinate, news_, std::move(keys))) {
    const auto taken = system_->publish(actor_, {"127.0.0.1", port});
    BOOST_REQUIRE_MESSAGE(taken.is_ok(), taken.status().message());
    port_ = taken.value();
  }
  ~Coordinator() { caf::anon_send_exit(actor_, caf::exit_reason::user_shutdown); }
  Coordinator(const Coordinator&) = delete;
  Coordinator& operator=(const Coordinator&) = delete;

  NodeAddress address() const { return {"127.0.0.1", port_}; }
  News& news() { return *news_; }
  caf::actor_system& actors() { return system_->actors(); }

 private:
  std::shared_ptr<News> news_ = std::make_shared<News>();
  std::unique_ptr<ClusterSystem> system_;
  cluster_registry actor_;
  std::uint16_t port_ = 0;
};

class Host {
 public:
  struct Options {
    std::string name;
    WorkerId id;
    CredentialsPtr keys;
    NodeAddress coordinator;
    std::optional<DataRoots> roots = {};
  };
  explicit Host(const Options& options) : system_(start_system(options.keys)) {
    auto server = PredictionServer::start({});
    BOOST_REQUIRE_MESSAGE(server.is_ok(), server.status().message());
    WorkerHostOptions made;
    made.outline.id = options.id;
    made.outline.name = options.name;
    made.outline.slots = 1;
    made.outline.address.host = "127.0.0.1";
    made.coordinators = {options.coordinator};
    made.scratch = folder_.path();
    made.server = server_ = std::move(server).value();
    made.health = health_;
    made.membership.seed = options.id.value;
    if (options.roots) made.roots = *options.roots;
    host_ = spawn_worker_host(*system_, std::move(made));
    const auto port = system_->publish(caf::actor_cast<worker_host>(host_), {"127.0.0.1", 0});
    BOOST_REQUIRE_MESSAGE(port.is_ok(), port.status().message());
    caf::anon_send(host_, HostListens{port.value()});
  }
  ~Host() {
    caf::scoped_actor self(system_->actors());
    self->send_exit(host_, caf::exit_reason::user_shutdown);
    self->wait_for(host_);
  }
  Host(const Host&) = delete;
  Host& operator=(const Host&) = delete;

  const WorkerHealth& health() const { return *health_; }
  const PredictionServer& server() const { return *server_; }
  void leave() { caf::anon_send(host_, LeaveRequested{"test"}); }
  bool waits_for(const std::function<bool(const WorkerHealth&)>& what) const {
    for (int i = 0; i < 6'000 && !what(*health_); ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return what(*health_);
  }

 private:
  test::TemporaryFolder folder_;
  std::shared_ptr<WorkerHealth> health_ = std::make_shared<WorkerHealth>();
  std::shared_ptr<PredictionServer> server_;
  std::unique_ptr<ClusterSystem> system_;
  worker_host_actor host_;
};

JobSpec job(std::uint64_t records, const std::string& more = "") {
  const auto spec = parse_job(
      "version: 1\nname: hosted\nsource: {kind: generator, generator: {name: sea, records: " +
          std::to_string(records) +
          "}}\nschema: {label: label}\nparallelism: 2\n"
          "training: {mode: mini_batch, batch_size: 32}\n"
          "merge: {mode: synchronous, every: 8}\n"
          "checkpoint: {interval: 200ms, retain: 2}\nseed: 5\n" +
          more,
      "job.yaml", {});
  BOOST_REQUIRE_MESSAGE(spec.is_ok(), spec.status().message());
  return spec.value();
}

// A job master and the folder of its job, which it leads with the workers that are named.
class Job {
 public:
  Job(Coordinator& coordinator, JobPackagePtr package) {
    auto folder = JobFolder::open(state_.path().string(), package->spec.name);
    BOOST_REQUIRE_MESSAGE(folder.is_ok(), folder.status().message());
    folder_ = std::move(folder).value();
    SubmitJob submit;
    submit.job = std::move(package);
    submit.store_url = folder_->store_url();
    submit.models_folder = (folder_->path() / "models").string();
    submit.scratch_folder = (folder_->path() / "scratch").string();
    submit.watcher = [updates = updates_](const JobUpdate& update) { updates->add(update); };
    auto master = spawn_job_master(coordinator.actors(), submit);
    BOOST_REQUIRE_MESSAGE(master.is_ok(), master.status().message());
    master_ = master.value();
  }
  ~Job() { caf::anon_send_exit(master_, caf::exit_reason::user_shutdown); }
  Job(const Job&) = delete;
  Job& operator=(const Job&) = delete;

  void add(const JobOpened& opened) {
    caf::anon_send(master_, GrantWorker{{opened.worker, opened.handle}});
  }
  std::string store_url() const { return folder_->store_url(); }
  JobUpdate wait_for(const std::string& kind) {
    for (;;) {
      auto update = updates_->wait(kind.c_str());
      if (update.model != nullptr) model_ = update.model;
      if (update.kind == kind) return update;
      BOOST_REQUIRE_MESSAGE(update.kind != "failed", update.status.message());
    }
  }
  std::shared_ptr<const PublishedModel> model() const { return model_; }

 private:
  test::TemporaryFolder state_;
  std::unique_ptr<JobFolder> folder_;
  std::shared_ptr<Heard<JobUpdate>> updates_ = std::make_shared<Heard<JobUpdate>>();
  job_master_actor master_;
  std::shared_ptr<const PublishedModel> model_;
};

JobPackagePtr prepare(Coordinator& coordinator, const worker_host& host, const JobSpec& spec) {
  caf::anon_send(host, PrepareJob{1, spec, "/", nullptr});
  auto prepared = coordinator.news().prepared.wait("a prepared job");
  BOOST_REQUIRE_MESSAGE(prepared.status.is_ok(), prepared.status.message());
  BOOST_TEST(prepared.request == 1u);
  return prepared.package;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(integration_worker_host)

// Two hosts join, one prepares, both train, one serves what was learned, one leaves.
BOOST_AUTO_TEST_CASE(hosts_prepare_train_serve_and_leave) {
  const auto faults = message_faults().count;
  const ClusterFolder keys;
  Coordinator coordinator(keys.credentials("coordinator"));
  Host first({"worker-1", WorkerId(1), keys.credentials("worker-1"), coordinator.address()});
  const auto one = coordinator.news().joined.wait("the first host");
  BOOST_TEST(one.outline.name == "worker-1");
  BOOST_TEST(one.jobs.empty());
  BOOST_TEST(one.outline.address.port != 0);
  Host second({"worker-2", WorkerId(2), keys.credentials("worker-2"), coordinator.address()});
  const auto two = coordinator.news().joined.wait("the second host");

  Job running(coordinator, prepare(coordinator, one.host, job(8'000)));
  for (const auto& host : {one.host, two.host}) {
    caf::anon_send(host, OpenJob{"hosted", Term(1)});
    const auto opened = coordinator.news().opened.wait("an opened job");
    BOOST_REQUIRE_MESSAGE(opened.status.is_ok(), opened.status.message());
    running.add(opened);
  }
  const auto end = running.wait_for("finished");
  BOOST_TEST(end.totals.records == 8'000u);
  BOOST_REQUIRE(running.model() != nullptr);

  const auto& model = *running.model();
  const auto store = open_checkpoint_store(running.store_url());
  BOOST_REQUIRE(store.is_ok());
  BOOST_REQUIRE(store.value()->put_if_absent("models/1", model.encode()).is_ok());
  ServeVersion serve{"hosted",       running.store_url(), "models/1",
                     model.digest(), model.version(),     {{"production", model.version(), 5}}};
  serve.digest[0] = serve.digest[0] == '0' ? '1' : '0';
  caf::anon_send(two.host, serve);
  BOOST_TEST((coordinator.news().serving.wait("a refusal").status.code() == Code::corrupted));
  BOOST_TEST(second.server().models().empty());
  serve.digest = model.digest();
  caf::anon_send(two.host, serve);
  const auto served = coordinator.news().serving.wait("a served version");
  BOOST_TEST(served.status.is_ok(), served.status.message());
  serve.aliases[0].revision = 4;  // comes late
  caf::anon_send(two.host, serve);
  const auto late = coordinator.news().serving.wait("late news");
  BOOST_TEST(late.status.is_ok(), late.status.message());
  BOOST_REQUIRE(late.aliases.size() == 1u);
  BOOST_TEST(late.aliases[0].revision == 5u);

  second.leave();
  BOOST_TEST(second.waits_for([](const auto& health) { return health.is_released.load(); }));
  BOOST_TEST((coordinator.news().leaving.wait("a goodbye").worker == WorkerId(2)));
  caf::anon_send(two.host, OpenJob{"another", Term(1)});
  BOOST_TEST((coordinator.news().opened.wait("a refusal").status.code() == Code::conflict));
  BOOST_TEST(message_faults().count == faults, message_faults().last.message());
}

// Training goes on without a coordinator; the next one is told what runs, and adopts it.
BOOST_AUTO_TEST_CASE(a_host_outlives_its_coordinator_and_tells_the_next_what_runs) {
  const ClusterFolder keys;
  auto coordinator = std::make_unique<Coordinator>(keys.credentials("coordinator"));
  const auto address = coordinator->address();
  Host host({"worker-1", WorkerId(1), keys.credentials("worker-1"), address});
  const auto joined = coordinator->news().joined.wait("the host");
  auto endless = job(100'000'000);
  endless.source.max_records_per_second = 2'000.0;
  auto running = std::make_unique<Job>(*coordinator, prepare(*coordinator, joined.host, endless));
  caf::anon_send(joined.host, OpenJob{"hosted", Term(1)});
  running->add(coordinator->news().opened.wait("an opened job"));
  (void)running->wait_for("checkpoint");
  running.reset();
  coordinator.reset();
  BOOST_TEST(host.waits_for([](const auto& health) { return !health.is_joined; }));
  BOOST_TEST(host.health().jobs_running == 1u);

  Coordinator next(keys.credentials("coordinator"), address.port);
  const auto again = next.news().joined.wait("the host again");
  BOOST_REQUIRE(again.jobs.size() == 1u);
  const auto& hosted = again.jobs[0];
  BOOST_TEST(hosted.job == "hosted");
  BOOST_REQUIRE(hosted.running.has_value());
  BOOST_TEST(hosted.running->replicas.size() == 2u);
  BOOST_TEST((hosted.term > Term(0)));
  BOOST_TEST(host.waits_for([](const auto& health) { return health.joins == 2u; }));

  // Whoever leads now hears of progress from the attempt that never stopped.
  Heard<WorkerReport> reports;
  auto sink = next.actors().spawn([&reports]() -> report_sink::behavior_type {
    return {[&reports](const WorkerReport& report) { reports.add(report); }};
  });
  const auto attempt = hosted.running->attempt;
  caf::anon_send(hosted.handle, AdoptAttempt{hosted.term.next(), attempt, sink});
  for (bool has_progress = false, is_adopted = false; !(has_progress && is_adopted);) {
    const auto report = reports.wait("reports of the adopted attempt");
    BOOST_TEST((report.attempt == attempt));
    is_adopted |= std::holds_alternative<report::AttemptStarted>(report.what);
    has_progress |= std::holds_alternative<report::ReplicaProgress>(report.what);
  }
  // Nobody obeys the one that died.
  caf::anon_send(hosted.handle, order::StopAttempt{attempt, hosted.term});
  caf::anon_send(again.host, CloseJob{"hosted", Term(0)});
  BOOST_TEST(host.waits_for([](const auto& health) { return health.stale_terms_rejected >= 2; }));
  BOOST_TEST(host.health().jobs_running == 1u);
  caf::anon_send(again.host, CloseJob{"hosted", hosted.term.next()});
  BOOST_TEST(host.waits_for([](const auto& health) { return health.jobs_hosted == 0; }));
  caf::anon_send_exit(sink, caf::exit_reason::user_shutdown);
}

BOOST_AUTO_TEST_CASE(a_host_under_a_false_name_is_refused_and_goes_on_asking) {
  const ClusterFolder keys;
  Coordinator coordinator(keys.credentials("coordinator"));
  Host host({"worker-2", WorkerId(1), keys.credentials("worker-1"), coordinator.address()});
  BOOST_TEST(host.waits_for([](const auto& health) { return health.join_failures >= 2; }));
  BOOST_TEST(!host.health().is_joined);
  const std::uint64_t ticks = host.health().ticks;
  BOOST_TEST(host.waits_for([=](const auto& health) { return health.ticks > ticks; }));
  BOOST_TEST(coordinator.news().joined.is_empty());
}

BOOST_AUTO_TEST_CASE(files_outside_the_data_roots_are_refused) {
  const ClusterFolder keys;
  const test::TemporaryFolder data, secret;
  std::string rows = "a,b,y\n";
  for (int i = 0; i < 200; ++i) {
    rows +=
        std::to_string(i % 7) + "," + std::to_string(i % 5) + "," + std::to_string(i % 2) + "\n";
  }
  const auto inside = data.write("inside.csv", rows);
  const auto outside = secret.write("outside.csv", rows);
  std::filesystem::create_symlink(outside, data.path() / "link.csv");
  const auto roots = DataRoots::below({data.path().string()});
  BOOST_REQUIRE(roots.is_ok());
  Coordinator coordinator(keys.credentials("coordinator"));
  Host host({"worker-1", WorkerId(1), keys.credentials("worker-1"), coordinator.address(),
             roots.value()});
  const auto joined = coordinator.news().joined.wait("the host");
  const auto code_of = [&](const std::string& path) {
    const auto spec = parse_job(
        "version: 1\nname: hosted\nsource: {path: \"" + path + "\"}\nschema: {label: y}\n",
        "job.yaml", {});
    BOOST_REQUIRE_MESSAGE(spec.is_ok(), spec.status().message());
    caf::anon_send(joined.host, PrepareJob{1, spec.value(), "", nullptr});
    const auto prepared = coordinator.news().prepared.wait("an answer");
    BOOST_TEST((prepared.package != nullptr) == prepared.status.is_ok());
    return prepared.status.code();
  };
  BOOST_TEST((code_of(inside) == Code::ok));
  BOOST_TEST((code_of("inside.csv") == Code::ok));  // relative paths start at the first root
  BOOST_TEST((code_of(outside) == Code::permission_denied));
  BOOST_TEST((code_of((data.path() / "link.csv").string()) == Code::permission_denied));
  BOOST_TEST((code_of((data.path() / "*.csv").string()) == Code::permission_denied));
  BOOST_TEST((code_of("../" + secret.path().filename().string() + "/outside.csv") ==
              Code::permission_denied));
  BOOST_TEST((code_of("missing.csv") == Code::not_found));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace millrace
