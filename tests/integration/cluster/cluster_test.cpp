// Jobs on a cluster of several actor systems: submitted by request, trained by hosts that come and
// go, and every record counted once.
#include "tests/integration/cluster/cluster.hpp"

namespace millrace {
namespace {

using RunState = control::JobState;
using test::CoordinatorNode;
using test::free_port;
using test::HostNode;
using test::job;

std::uint64_t counted(const control::JobStatus& status) {
  std::uint64_t sum = 0;
  for (const auto& row : status.evaluation.prequential.confusion_matrix) {
    for (const auto count : row) sum += count;
  }
  return sum;
}

void check_whole(const control::JobStatus& status, std::uint64_t records) {
  BOOST_TEST(status.records == records);
  BOOST_TEST(status.read == status.records + status.quarantined + status.skipped);
  BOOST_TEST(counted(status) == records);
  for (const auto& split : status.splits) {
    BOOST_TEST(split.is_finished);
    BOOST_TEST(split.lag == 0u);
  }
}

// A folder, a coordinator and its port; hosts are added by the test.
struct Cluster {
  test::TemporaryFolder folder;
  std::uint16_t port = free_port();
  std::unique_ptr<CoordinatorNode> coordinator =
      std::make_unique<CoordinatorNode>(folder.path(), port);

  std::unique_ptr<HostNode> host(const std::string& name, std::uint32_t slots,
                                 WorkerRoles roles = {}) const {
    return std::make_unique<HostNode>(folder.path(), port, test::HostSettings{name, slots, roles});
  }
  control::Submitted submit(const control::Submit& what) const {
    return coordinator->ask_for<control::Submitted>(what);
  }
  void restart_coordinator() {
    coordinator.reset();
    coordinator = std::make_unique<CoordinatorNode>(folder.path(), port);
  }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(integration_cluster)

BOOST_AUTO_TEST_CASE(a_submitted_job_trains_over_two_hosts_to_its_last_record) {
  Cluster cluster;
  const auto a = cluster.host("a", 1);
  const auto b = cluster.host("b", 1);
  cluster.coordinator->wait_for_workers(2);
  const auto submitted = cluster.submit(job("sea", 20'000, 2, 10'000));
  BOOST_TEST((submitted.outcome == control::SubmitOutcome::created));
  const auto running = cluster.coordinator->wait_for_state("sea", RunState::running);
  BOOST_TEST(running.workers.size() == 2u);
  const auto operation = cluster.coordinator->wait_for_operation(submitted.operation);
  BOOST_TEST((operation.state == control::OperationState::succeeded));
  const auto status = cluster.coordinator->wait_for_state("sea", RunState::finished);
  check_whole(status, 20'000);
  BOOST_TEST(status.attempt == 1u);
  BOOST_TEST(status.checkpoints_completed > 0u);
  BOOST_TEST(status.version > 0u);
  const auto workers = cluster.coordinator->ask_for<control::WorkerList>(control::ListWorkers{});
  for (const auto& row : workers.workers) BOOST_TEST(row.slots_used == 0u);
}

BOOST_AUTO_TEST_CASE(submitting_twice_is_one_job) {
  Cluster cluster;
  const auto first = cluster.submit(job("once", 1'000, 1));
  const auto again = cluster.submit(job("once", 1'000, 1));
  BOOST_TEST((again.outcome == control::SubmitOutcome::unchanged));
  BOOST_TEST(again.revision == first.revision);
  const auto other = cluster.coordinator->ask(job("once", 2'000, 1));
  BOOST_REQUIRE(std::holds_alternative<control::Error>(other));
  BOOST_TEST((std::get<control::Error>(other).code == Code::conflict));
  const auto jobs = cluster.coordinator->ask_for<control::JobList>(control::ListJobs{});
  BOOST_TEST(jobs.jobs.size() == 1u);
}

BOOST_AUTO_TEST_CASE(a_job_waits_for_slots_and_says_so) {
  Cluster cluster;
  const auto a = cluster.host("a", 2);
  cluster.submit(job("wide", 2'000, 3));
  const auto waiting = cluster.coordinator->wait_for("wide", [](const auto& status) {
    return status.state == RunState::waiting && status.message.find("slots") != std::string::npos;
  });
  BOOST_TEST(waiting.message == "needs 3 slots, 2 free");
  const auto b = cluster.host("b", 1);
  check_whole(cluster.coordinator->wait_for_state("wide", RunState::finished), 2'000);
}

BOOST_AUTO_TEST_CASE(two_jobs_share_the_slots) {
  Cluster cluster;
  const auto a = cluster.host("a", 1);
  const auto b = cluster.host("b", 1);
  cluster.coordinator->wait_for_workers(2);
  cluster.submit(job("one", 6'000, 1, 4'000));
  cluster.submit(job("two", 6'000, 1, 4'000));
  cluster.submit(job("three", 3'000, 2));
  const auto one = cluster.coordinator->wait_for_state("one", RunState::running);
  const auto two = cluster.coordinator->wait_for_state("two", RunState::running);
  BOOST_REQUIRE(one.workers.size() == 1u && two.workers.size() == 1u);
  BOOST_TEST(one.workers.front().id != two.workers.front().id);
  for (const auto* name : {"one", "two"}) {
    check_whole(cluster.coordinator->wait_for_state(name, RunState::finished), 6'000);
  }
  check_whole(cluster.coordinator->wait_for_state("three", RunState::finished), 3'000);
}

BOOST_AUTO_TEST_CASE(roles_say_who_hosts_replicas_and_who_hosts_shards) {
  Cluster cluster;
  const auto trainer = cluster.host("trainer", 1, {true, false, false});
  const auto keeper = cluster.host("keeper", 4, {false, true, false});
  cluster.submit(job("split", 4'000, 1, 2'000));
  const auto running = cluster.coordinator->wait_for_state("split", RunState::running);
  for (const auto& worker : running.workers) {
    const bool is_trainer = worker.name == "trainer";
    BOOST_TEST(worker.replicas.size() == (is_trainer ? 1u : 0u));
    BOOST_TEST(worker.shards.size() == (is_trainer ? 0u : 1u));
  }
  check_whole(cluster.coordinator->wait_for_state("split", RunState::finished), 4'000);
}

BOOST_AUTO_TEST_CASE(a_host_that_dies_costs_no_record_and_counts_none_twice) {
  Cluster cluster;
  const auto a = cluster.host("a", 1);
  auto b = cluster.host("b", 1);
  const auto c = cluster.host("c", 1);
  cluster.coordinator->wait_for_workers(3);
  cluster.submit(job("lossy", 30'000, 2, 10'000));
  const auto running = cluster.coordinator->wait_for("lossy", [](const auto& status) {
    return status.state == RunState::running && status.last_checkpoint >= 2;
  });
  BOOST_TEST(running.workers.size() == 2u);
  b.reset();
  const auto status = cluster.coordinator->wait_for_state("lossy", RunState::finished);
  check_whole(status, 30'000);
  BOOST_TEST(status.attempt > 1u);
  BOOST_TEST(status.recovery.count >= 1u);
}

BOOST_AUTO_TEST_CASE(a_new_coordinator_goes_on_with_what_the_old_one_ran) {
  Cluster cluster;
  const auto a = cluster.host("a", 1);
  const auto b = cluster.host("b", 1);
  cluster.submit(job("orphan", 30'000, 2, 10'000));
  cluster.coordinator->wait_for("orphan", [](const auto& status) {
    return status.state == RunState::running && status.last_checkpoint >= 2;
  });
  cluster.submit(job("queued", 1'000, 2));
  cluster.restart_coordinator();
  const auto status = cluster.coordinator->wait_for_state("orphan", RunState::finished);
  check_whole(status, 30'000);
  BOOST_TEST(status.term > 1u);
  check_whole(cluster.coordinator->wait_for_state("queued", RunState::finished), 1'000);
  // What has ended is known by the next one, too.
  cluster.restart_coordinator();
  const auto known = cluster.coordinator->wait_for(
      "orphan", [](const auto& now) { return now.records == 30'000 && now.version > 0; });
  BOOST_TEST((known.state == RunState::finished));
  BOOST_TEST(known.evaluation.prequential.accuracy.has_value());
  BOOST_TEST((cluster.submit(job("orphan", 30'000, 2, 10'000)).outcome ==
              control::SubmitOutcome::unchanged));
}

BOOST_AUTO_TEST_CASE(a_stopped_job_is_resumed_where_it_stood) {
  Cluster cluster;
  const auto a = cluster.host("a", 2);
  cluster.submit(job("paused", 20'000, 2, 8'000));
  cluster.coordinator->wait_for("paused", [](const auto& status) {
    return status.state == RunState::running && status.last_checkpoint >= 1;
  });
  const auto stop =
      cluster.coordinator->ask_for<control::Operation>(control::StopJob{"paused", ""});
  BOOST_TEST((cluster.coordinator->wait_for_operation(stop.id).state ==
              control::OperationState::succeeded));
  const auto stopped = cluster.coordinator->status("paused");
  BOOST_TEST((stopped.state == RunState::stopped));
  BOOST_TEST(stopped.records < 20'000u);
  cluster.restart_coordinator();
  cluster.coordinator->wait_for_workers(1);
  BOOST_TEST((cluster.coordinator->status("paused").state == RunState::stopped));
  cluster.coordinator->ask_for<control::Operation>(control::ResumeJob{"paused", ""});
  check_whole(cluster.coordinator->wait_for_state("paused", RunState::finished), 20'000);
}

void rescale(const Cluster& cluster, const std::string& name, std::uint32_t parallelism) {
  const auto before = cluster.coordinator->status(name);
  const auto asked =
      cluster.coordinator->ask_for<control::Operation>(control::RescaleJob{name, parallelism});
  const auto operation = cluster.coordinator->wait_for_operation(asked.id);
  BOOST_REQUIRE_MESSAGE(operation.state == control::OperationState::succeeded,
                        (operation.error ? operation.error->message : operation.result)
                            << "\n"
                            << cluster.coordinator->events(name));
  // A checkpoint of the new replicas, so that the next change starts from what they wrote.
  const auto status = cluster.coordinator->wait_for(name, [&](const auto& now) {
    return now.state == RunState::running && now.last_checkpoint > before.last_checkpoint + 1;
  });
  BOOST_TEST(status.parallelism == parallelism);
  BOOST_TEST(status.records >= before.records);
  std::size_t replicas = 0;
  for (const auto& worker : status.workers) replicas += worker.replicas.size();
  BOOST_TEST(replicas == parallelism);
}

// Each mode has its own way to hold parameters in shards and replicas.
BOOST_AUTO_TEST_CASE(a_job_goes_on_with_fewer_and_with_more_replicas_and_counts_every_record_once) {
  Cluster cluster;
  const auto a = cluster.host("a", 2);
  const auto b = cluster.host("b", 2);
  cluster.coordinator->wait_for_workers(2);
  for (const std::string mode :
       {"async_average", "async_sum", "async_gradient", "elastic", "synchronous"}) {
    control::Submit submit = job(mode, 40'000, 3, 8'000);
    submit.yaml += "merge: {mode: " + mode + "}\n";
    submit.overrides = {"source.splits=6"};
    cluster.submit(submit);
    cluster.coordinator->wait_for(mode, [](const auto& status) {
      return status.state == RunState::running && status.last_checkpoint >= 1;
    });
    rescale(cluster, mode, 2);
    rescale(cluster, mode, 4);
    const auto status = cluster.coordinator->wait_for_state(mode, RunState::finished);
    check_whole(status, 40'000);
    BOOST_TEST(status.splits.size() == 6u);
    BOOST_TEST(status.evaluation.window.records > 0u);
    const auto kept =
        cluster.coordinator->ask_for<control::CheckpointList>(control::ListCheckpoints{mode});
    for (const auto& row : kept.checkpoints) BOOST_TEST(row.name.empty());
  }
}

BOOST_AUTO_TEST_CASE(a_rescale_that_is_asked_for_again_or_cannot_be_done_changes_nothing) {
  Cluster cluster;
  const auto a = cluster.host("a", 2);
  cluster.submit(job("same", 20'000, 1, 8'000));
  cluster.coordinator->wait_for("same", [](const auto& status) {
    return status.state == RunState::running && status.last_checkpoint >= 1;
  });
  const auto code = [&](std::uint32_t parallelism) {
    const auto reply = cluster.coordinator->ask(control::RescaleJob{"same", parallelism});
    const auto* error = std::get_if<control::Error>(&reply);
    return error == nullptr ? Code::ok : error->code;
  };
  BOOST_TEST((code(0) == Code::invalid_argument));
  BOOST_TEST((code(3) == Code::resource_exhausted));
  const auto attempt = cluster.coordinator->status("same").attempt;
  const auto none =
      cluster.coordinator->ask_for<control::Operation>(control::RescaleJob{"same", 1});
  BOOST_TEST((none.state == control::OperationState::succeeded));
  BOOST_TEST(cluster.coordinator->status("same").attempt == attempt);
  const auto first =
      cluster.coordinator->ask_for<control::Operation>(control::RescaleJob{"same", 2});
  const auto again =
      cluster.coordinator->ask_for<control::Operation>(control::RescaleJob{"same", 2});
  BOOST_TEST((cluster.coordinator->wait_for_operation(first.id).state ==
              control::OperationState::succeeded));
  BOOST_TEST((cluster.coordinator->wait_for_operation(again.id).state ==
              control::OperationState::succeeded));
  check_whole(cluster.coordinator->wait_for_state("same", RunState::finished), 20'000);
  BOOST_TEST((code(1) == Code::conflict));
}

// Whenever the coordinator dies, the job runs at the old or at the new parallelism, and whole.
BOOST_AUTO_TEST_CASE(a_coordinator_that_dies_during_a_rescale_costs_no_record) {
  Cluster cluster;
  const auto a = cluster.host("a", 3);
  cluster.submit(job("struck", 150'000, 3, 10'000));
  cluster.coordinator->wait_for("struck", [](const auto& status) {
    return status.state == RunState::running && status.last_checkpoint >= 1;
  });
  cluster.coordinator->ask_for<control::Operation>(control::RescaleJob{"struck", 1});
  cluster.restart_coordinator();
  // What was answered is done, by whoever leads then.
  cluster.coordinator->wait_for("struck", [](const auto& now) {
    return now.state == RunState::running && now.parallelism == 1;
  });
  const auto second =
      cluster.coordinator->ask_for<control::Operation>(control::RescaleJob{"struck", 2});
  BOOST_TEST((cluster.coordinator->wait_for_operation(second.id).state ==
              control::OperationState::succeeded));
  cluster.restart_coordinator();
  const auto status = cluster.coordinator->wait_for_state("struck", RunState::finished);
  check_whole(status, 150'000);
  BOOST_TEST(status.parallelism == 2u);
}

BOOST_AUTO_TEST_CASE(a_cancelled_job_frees_its_slots_at_once) {
  Cluster cluster;
  const auto a = cluster.host("a", 1);
  cluster.submit(job("doomed", 1'000'000, 1, 1'000));
  cluster.coordinator->wait_for_state("doomed", RunState::running);
  cluster.submit(job("next", 1'000, 1));
  const auto cancel =
      cluster.coordinator->ask_for<control::Operation>(control::CancelJob{"doomed"});
  BOOST_TEST((cluster.coordinator->wait_for_operation(cancel.id).state ==
              control::OperationState::succeeded));
  BOOST_TEST((cluster.coordinator->status("doomed").state == RunState::cancelled));
  check_whole(cluster.coordinator->wait_for_state("next", RunState::finished), 1'000);
}

BOOST_AUTO_TEST_CASE(a_drained_worker_hosts_nothing_and_its_job_goes_on_elsewhere) {
  Cluster cluster;
  const auto a = cluster.host("a", 1);
  cluster.submit(job("moving", 20'000, 1, 8'000));
  cluster.coordinator->wait_for_state("moving", RunState::running);
  const auto b = cluster.host("b", 1);
  cluster.coordinator->wait_for_workers(2);
  const auto drain = cluster.coordinator->ask_for<control::Operation>(control::DrainWorker{"a"});
  BOOST_TEST((cluster.coordinator->wait_for_operation(drain.id).state ==
              control::OperationState::succeeded));
  const auto status = cluster.coordinator->wait_for_state("moving", RunState::finished);
  check_whole(status, 20'000);
  BOOST_TEST(status.attempt > 1u);
}

BOOST_AUTO_TEST_CASE(a_source_that_no_worker_can_read_fails_the_job_with_the_reason) {
  Cluster cluster;
  const auto a = cluster.host("a", 1);
  control::Submit submit;
  submit.file_name = "lost.yaml";
  submit.yaml = "version: 1\nname: lost\nsource: {path: /no/such/file.csv}\nschema: {label: y}\n";
  cluster.submit(submit);
  const auto status = cluster.coordinator->wait_for_state("lost", RunState::failed);
  BOOST_TEST(status.message.find("/no/such/file.csv") != std::string::npos, status.message);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace millrace
