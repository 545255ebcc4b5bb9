// Whole jobs with the coordinator and each worker in an actor system of its own: what is learned is
// what one process learns, and nothing is shared but the checkpoint store.
#include <condition_variable>
#include <mutex>

#include "coordinator/actors/coordinator.hpp"
#include "coordinator/cli/embedded_job.hpp"
#include "tests/integration/actor_messages/nodes.hpp"
#include "tests/integration/embedded_cluster/embedded.hpp"
#include "worker/actors/worker.hpp"

namespace millrace {
namespace {

using test::Node;

constexpr std::uint64_t kRecords = 8'000;

// `layers` decides whether pushes of the two shards fit into one message.
std::string job(const std::string& mode, const std::string& layers) {
  return "version: 1\nname: spread\nsource: {kind: generator, generator: {name: sea, records: " +
         std::to_string(kRecords) +
         "}}\nschema: {label: label}\nparallelism: 2\n"
         "model: {kind: mlp, layers: [" +
         layers +
         "]}\noptimizer: {kind: adam, learning_rate: 0.001}\n"
         "training: {mode: mini_batch, batch_size: 32}\n"
         "merge: {mode: " +
         mode +
         ", every: 8}\ncheckpoint: {interval: 200ms, retain: 2}\n"
         "publish: {every: checkpoint}\nseed: 5\n";
}

// What the job master tells, for the thread of the test.
class Updates {
 public:
  void add(const JobUpdate& update) {
    {
      const std::lock_guard lock(mutex_);
      if (update.model != nullptr) model_ = update.model;
      if (update.kind == "warning") warnings_ += update.message + "\n";
      const bool is_end =
          update.kind == "finished" || update.kind == "stopped" || update.kind == "failed";
      if (is_end) end_ = update;
    }
    changed_.notify_all();
  }
  JobUpdate wait_for_end() {
    std::unique_lock lock(mutex_);
    const bool has_ended =
        changed_.wait_for(lock, test::kPatience, [&] { return end_.has_value(); });
    BOOST_REQUIRE_MESSAGE(has_ended, "the job does not end; " << warnings_);
    return *end_;
  }
  std::string digest() {
    const std::lock_guard lock(mutex_);
    return model_ == nullptr ? "none" : model_->digest();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<JobUpdate> end_;
  std::shared_ptr<const PublishedModel> model_;
  std::string warnings_;
};

// The actors of one worker process.
class WorkerNode {
 public:
  WorkerNode(WorkerId id, const std::filesystem::path& scratch, std::uint16_t coordinator) {
    worker_ = spawn_worker(node_.system(), {id, scratch, std::make_shared<LocalExchange>()});
    const auto control = caf::actor_cast<worker_control>(worker_);
    port_ = node_.publish(control);
    caf::anon_send(node_.find<worker_registry>(coordinator), RegisterWorker{id, control});
  }
  ~WorkerNode() {
    caf::scoped_actor self(node_.system());
    self->send_exit(worker_, caf::exit_reason::user_shutdown);
    self->wait_for(worker_);
  }
  WorkerNode(const WorkerNode&) = delete;
  WorkerNode& operator=(const WorkerNode&) = delete;

  // A connection of its own, so that messages between the two do not go by way of the coordinator.
  void connect_to(const WorkerNode& other) { (void)node_.find<worker_control>(other.port_); }

 private:
  Node<> node_;
  worker_actor worker_;
  std::uint16_t port_ = 0;
};

struct Outcome {
  JobUpdate end;
  std::string digest;
};

Outcome run_spread(const std::string& yaml, bool is_direct) {
  const auto faults_before = message_faults().count;
  const test::TemporaryFolder folder;
  const auto spec = parse_job(yaml, "job.yaml", {});
  BOOST_REQUIRE_MESSAGE(spec.is_ok(), spec.status().message());
  RunOptions options;
  options.state_folder = folder.path().string();
  const auto prepared = prepare_job(spec.value(), options);
  BOOST_REQUIRE_MESSAGE(prepared.is_ok(), prepared.status().message());
  const auto& job_folder = *prepared.value().folder;

  Updates updates;
  Node<> node;
  const auto coordinator = spawn_coordinator(node.system());
  const auto port = node.publish(caf::actor_cast<worker_registry>(coordinator));
  Outcome outcome;
  {
    WorkerNode first(WorkerId(1), job_folder.path() / "scratch" / "1", port);
    WorkerNode second(WorkerId(2), job_folder.path() / "scratch" / "2", port);
    if (is_direct) second.connect_to(first);
    SubmitJob submit;
    submit.job = prepared.value().package;
    submit.store_url = job_folder.store_url();
    submit.models_folder = (job_folder.path() / "models").string();
    submit.scratch_folder = (job_folder.path() / "scratch" / "publish").string();
    submit.watcher = [&updates](const JobUpdate& update) { updates.add(update); };
    caf::anon_send(coordinator, std::move(submit));
    outcome.end = updates.wait_for_end();
    outcome.digest = updates.digest();
  }
  caf::scoped_actor self(node.system());
  self->send_exit(coordinator, caf::exit_reason::user_shutdown);
  self->wait_for(coordinator);
  const auto faults = message_faults();
  BOOST_TEST(faults.count == faults_before, faults.last.message());
  return outcome;
}

void check_counts(const Outcome& outcome) {
  BOOST_TEST(outcome.end.kind == "finished", outcome.end.status.message());
  BOOST_TEST(outcome.end.totals.records == kRecords);
  std::uint64_t learned = 0;
  for (const auto& split : outcome.end.splits) learned += split.learned.count;
  BOOST_TEST(learned == kRecords);
}

std::string digest_in_one_process(const std::string& yaml) {
  const test::TemporaryFolder folder;
  RunOptions options;
  options.state_folder = folder.path().string();
  options.workers = 2;
  return test::run(yaml, options).model.digest;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(integration_spread_cluster)

BOOST_AUTO_TEST_CASE(a_job_over_three_systems_learns_what_one_process_learns) {
  const std::string yaml = job("synchronous", "16");
  const auto expected = digest_in_one_process(yaml);
  for (const bool is_direct : {false, true}) {
    const auto outcome = run_spread(yaml, is_direct);
    check_counts(outcome);
    BOOST_TEST(outcome.digest == expected);
  }
}

// Some 370,000 parameters with two moments each, over two shards: 2 MiB a push, in chunks.
BOOST_AUTO_TEST_CASE(pushes_in_chunks_are_merged_to_the_last_bit) {
  const std::string yaml = job("synchronous", "600, 600");
  const auto expected = digest_in_one_process(yaml);
  const auto outcome = run_spread(yaml, true);
  check_counts(outcome);
  BOOST_TEST(outcome.digest == expected);
}

BOOST_AUTO_TEST_CASE(every_mode_counts_each_record_once) {
  for (const char* mode : {"async_gradient", "async_average", "async_sum", "elastic"}) {
    for (const char* layers : {"16", "600, 600"}) {
      BOOST_TEST_CONTEXT(mode << ", layers " << layers) {
        const auto outcome = run_spread(job(mode, layers), true);
        check_counts(outcome);
        BOOST_TEST(outcome.digest != "none");
      }
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace millrace
