// Versions that something keeps from being published.
#include <caf/all.hpp>

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <utility>

#include "coordinator/actors/job_master.hpp"
#include "coordinator/cli/embedded_job.hpp"
#include "tests/integration/embedded_cluster/embedded.hpp"

namespace millrace {
namespace {

constexpr WorkerId kWorker{1};
constexpr std::chrono::seconds kHangs{60};  // an end that takes longer never comes

constexpr const char* kJob =
    "version: 1\nname: lost\nsource: {kind: generator, generator: {name: sea, records: 10}}\n"
    "schema: {label: label}\nparallelism: 1\ncheckpoint: {interval: 50ms}\nseed: 5\n";

// One replica and one shard that learn nothing. Wanted for publication the first time, the attempt
// fails instead; in the next one all data has ended.
struct FakeWorker {
  Attempt attempt;
  report_sink reports;
  std::vector<SplitProgress> splits;
  bool has_failed = false;
  static inline const char* name = "fake_worker";
};
using Self = worker_control::stateful_pointer<FakeWorker>;

template <typename What>
void tell(Self self, What what) {
  self->send(self->state.reports, WorkerReport{kWorker, self->state.attempt, std::move(what)});
}

void start(Self self, const order::StartAttempt& order) {
  auto& state = self->state;
  if (order.attempt == state.attempt) return;
  state.reports = order.routes->reports;
  state.attempt = order.attempt;
  state.splits = order.replicas.front().splits;
  for (auto& split : state.splits) split.is_finished = state.has_failed;
  tell(self, report::AttemptStarted{});
  if (state.has_failed) tell(self, report::ReplicaFinished{ReplicaId(0)});
}

void take_cut(Self self, const order::TriggerCut& order) {
  const auto& state = self->state;
  tell(self,
       report::ReplicaCut{order.cut, ReplicaId(0), state.splits, {}, nullptr, state.has_failed});
  tell(self, report::ShardCut{order.cut, ShardId(0), {}});
  tell(self, report::PartDurable{order.cut, PartDescriptor{.worker = kWorker}});
}

void send_shards(Self self, const order::SendShards& order) {
  if (!std::exchange(self->state.has_failed, true)) {
    tell(self, report::AttemptFailed{Status(Code::io_error, "lost by the test")});
    return;
  }
  // No shard that could be decoded: what matters here is that nobody waits.
  tell(self, report::ShardContent{order.cut, ShardId(0), std::make_shared<const Bytes>()});
}

worker_control::behavior_type behavior(Self self) {
  return {[self](const order::StartAttempt& order) { start(self, order); },
          [](const order::StopAttempt&) {},
          [self](const order::TriggerCut& order) { take_cut(self, order); },
          [](const order::AbortCut&) {},
          [self](const order::SendShards& order) { send_shards(self, order); },
          [](const order::ReleaseOutputs&) {},
          [](const AdoptAttempt&) {}};
}

// What the job master's thread says, for the test's own.
class Watch {
 public:
  void hear(const JobUpdate& update) {
    const std::lock_guard lock(mutex_);
    if (update.kind == "warning") warnings_ += update.message + "\n";
    const bool is_end = update.kind == "finished" || update.kind == "failed";
    if (!is_end) return;
    end_ = update.kind;
    changed_.notify_all();
  }
  std::string end() {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, kHangs, [&] { return !end_.empty(); });
    return end_;
  }
  std::string warnings() {
    const std::lock_guard lock(mutex_);
    return warnings_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::string end_, warnings_;
};

BOOST_AUTO_TEST_SUITE(integration_embedded_cluster)

BOOST_AUTO_TEST_CASE(a_version_lost_with_its_attempt_is_told_and_does_not_hold_up_the_end) {
  const test::TemporaryFolder folder;
  const auto spec = parse_job(kJob, "job.yaml", {});
  BOOST_REQUIRE_MESSAGE(spec.is_ok(), spec.status().message());
  RunOptions options;
  options.state_folder = folder.path().string();
  const auto prepared = prepare_job(spec.value(), options);
  BOOST_REQUIRE_MESSAGE(prepared.is_ok(), prepared.status().message());

  Watch watch;
  caf::actor_system_config config;
  caf::actor_system system(config);
  {
    SubmitJob submit;
    submit.job = prepared.value().package;
    submit.store_url = prepared.value().folder->store_url();
    submit.models_folder = (folder.path() / "models").string();
    submit.scratch_folder = (folder.path() / "scratch").string();
    submit.watcher = [&watch](const JobUpdate& update) { watch.hear(update); };
    const worker_control worker = system.spawn(behavior);
    const auto master = spawn_job_master(system, submit);
    BOOST_REQUIRE_MESSAGE(master.is_ok(), master.status().message());
    caf::anon_send(master.value(), GrantWorker{{kWorker, worker}});
    BOOST_TEST(watch.end() == "finished");
    BOOST_TEST(watch.warnings().find("was not published: ") != std::string::npos, watch.warnings());
    caf::anon_send_exit(master.value(), caf::exit_reason::user_shutdown);
    caf::anon_send_exit(worker, caf::exit_reason::user_shutdown);
  }
  system.await_all_actors_done();
}

// As after a kill between the last checkpoint's entry in the log and the version that follows it.
BOOST_AUTO_TEST_CASE(a_complete_checkpoint_that_was_not_published_is_published_by_the_next_run) {
  const test::TemporaryFolder folder;
  RunOptions options;
  options.state_folder = folder.path().string();
  const std::string job =
      "version: 1\nname: lost\nsource: {kind: generator, generator: {name: sea, records: 20000}}\n"
      "schema: {label: label}\nparallelism: 2\nseed: 5\n";
  const RunSummary first = test::run(job, options);
  BOOST_REQUIRE(!first.model.digest.empty());
  const auto models = folder.path() / "lost" / "models";
  BOOST_REQUIRE(std::filesystem::exists(models));
  std::filesystem::remove_all(models);

  const RunSummary second = test::run(job, options);
  BOOST_TEST(second.state == "finished");
  BOOST_TEST(second.model.version == first.model.version);
  BOOST_TEST(second.model.digest == first.model.digest);
  BOOST_TEST(!std::filesystem::exists(folder.path() / "lost" / "scratch" / "publish"));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace millrace
