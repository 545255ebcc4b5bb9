#include "coordinator/cli/embedded_summary.hpp"

#include <boost/test/unit_test.hpp>

#include "tests/support/temporary_folder.hpp"

using namespace millrace;

namespace {

class Recorder final : public ProgressSink {
 public:
  void on_event(const ProgressEvent& event) override { events.push_back(event); }
  std::vector<ProgressEvent> events;
};

// A prepared job of two splits whose store is empty.
class Run {
 public:
  Run() {
    prepared_.folder = JobFolder::open(folder_.path(), "job").value();
    prepared_.store = open_checkpoint_store(prepared_.folder->store_url()).value();
    auto package = std::make_shared<JobPackage>();
    package->spec.name = "job";
    package->spec.model.emplace();
    package->spec.training.emplace();
    package->splits = {{SplitId(0), "a.csv", Offset(0), Offset(1'000)},
                       {SplitId(1), "b.csv", Offset(0), Offset(1'000)}};
    prepared_.package = package;
    builder_.emplace(prepared_, 1, std::chrono::steady_clock::now() - std::chrono::seconds(1));
  }

  void tell(const char* kind, std::uint64_t records = 0) {
    builder_->take(update(kind, records), recorder);
  }
  RunSummary end(const char* kind, std::uint64_t records, std::uint64_t quarantined = 0) {
    JobUpdate ending = update(kind, records);
    ending.totals.quarantined = quarantined;
    ByteWriter writer;
    Evaluation(Task::binary, 2, 100).encode(writer);
    ending.evaluations = {std::make_shared<const Bytes>(std::move(writer).take())};
    auto summary = builder_->finish(ending, *prepared_.store, recorder);
    BOOST_REQUIRE_MESSAGE(summary.is_ok(), summary.status().message());
    return std::move(summary).value();
  }

  Recorder recorder;

 private:
  static JobUpdate update(const char* kind, std::uint64_t records) {
    JobUpdate update;
    update.kind = kind;
    update.totals.records = records;
    return update;
  }

  test::TemporaryFolder folder_;
  PreparedJob prepared_;
  std::optional<SummaryBuilder> builder_;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(coordinator_cli_embedded_summary)

BOOST_AUTO_TEST_CASE(a_run_went_on_from_what_it_restored_first) {
  Run run;
  run.tell("restored", 4'000);
  run.tell("checkpoint");
  run.tell("restored", 6'000);
  const auto summary = run.end("finished", 9'000);
  BOOST_TEST(summary.resumed_from == 4'000u);
  BOOST_TEST(summary.records_per_second > 0);
}

BOOST_AUTO_TEST_CASE(a_fresh_run_that_restores_its_own_checkpoint_went_on_from_nothing) {
  Run run;
  run.tell("checkpoint");  // cut 0, which no restore is told of
  run.tell("checkpoint");
  run.tell("restored", 3'000);
  BOOST_TEST(run.end("finished", 9'000).resumed_from == 0u);
}

BOOST_AUTO_TEST_CASE(a_damaged_checkpoint_that_was_passed_over_is_not_where_a_run_went_on_from) {
  Run run;
  run.tell("restored", 5'000);
  run.tell("restored", 4'000);
  BOOST_TEST(run.end("finished", 9'000).resumed_from == 4'000u);
}

BOOST_AUTO_TEST_CASE(a_run_that_ends_before_where_it_went_on_from_learned_nothing) {
  Run run;
  run.tell("restored", 5'000);
  run.tell("checkpoint");
  run.tell("restored", 3'000);
  run.tell("progress", 3'500);
  BOOST_TEST(run.end("stopped", 4'000).records_per_second == 0.0);
}

BOOST_AUTO_TEST_CASE(the_last_event_says_how_the_job_ended) {
  for (const char* kind : {"finished", "stopped"}) {
    Run run;
    run.tell("progress", 10);
    run.end(kind, 20);
    BOOST_TEST_REQUIRE(run.recorder.events.size() == 2u);
    BOOST_TEST(run.recorder.events[0].kind == "progress");
    BOOST_TEST(run.recorder.events[1].kind == kind);
    BOOST_TEST(run.recorder.events[1].records == 20u);
  }
}

BOOST_AUTO_TEST_CASE(broken_records_that_cannot_be_listed_do_not_spoil_a_finished_job) {
  Run run;
  const auto summary = run.end("finished", 20, 3);
  BOOST_TEST(summary.state == "finished");
  BOOST_TEST(summary.quarantined == 3u);
  BOOST_TEST(summary.quarantine.empty());
  BOOST_TEST_REQUIRE(summary.warnings.size() == 1u);
  BOOST_TEST(summary.warnings[0].find("quarantined records") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
