#include "coordinator/status/job_figures.hpp"

#include <boost/test/unit_test.hpp>

namespace millrace {
namespace {

using std::chrono::milliseconds;

JobFigures::Now at(int ms) {
  return {std::chrono::steady_clock::time_point(milliseconds(ms)),
          static_cast<std::uint64_t>(1'000'000 + ms)};
}

JobPackagePtr package() {
  auto job = std::make_shared<JobPackage>();
  job->spec.name = "sea";
  job->spec.parallelism = 2;
  job->spec.model.emplace();
  job->spec.training.emplace();
  job->schema.task = Task::binary;
  job->schema.classes = {"0", "1"};
  for (std::uint32_t i = 0; i < 4; ++i) {
    job->splits.push_back({SplitId(i), "part", Offset(0), Offset(100)});
  }
  return job;
}

// Figures of so many records; the evaluation is not looked at.
JobUpdate progress(std::uint64_t records, JobState state = JobState::running) {
  JobUpdate update;
  update.kind = "progress";
  update.totals = {records, records, 0, 0};
  update.splits = {{SplitId(0), Offset(records), {}, false}};
  update.evaluations = {nullptr};
  update.state = state;
  update.cut = CutId(4);
  return update;
}
JobUpdate warning(const std::string& text, JobState state) {
  JobUpdate update;
  update.kind = "warning";
  update.message = text;
  update.state = state;
  return update;
}

control::JobStatus status_of(const JobFigures& figures, const JobFigures::Now& now,
                             control::JobState state = control::JobState::running) {
  control::JobStatus status;
  status.state = state;
  figures.fill(status, now);
  return status;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(unit_status_job_figures)

BOOST_AUTO_TEST_CASE(the_rate_is_that_of_the_last_seconds_and_falls_when_nothing_comes) {
  JobFigures figures;
  figures.set_package(package());
  for (int second = 0; second <= 20; ++second) {
    figures.take(progress(second < 10 ? 0 : static_cast<std::uint64_t>(second - 10) * 10),
                 at(second * 1000));
  }
  const double rate = status_of(figures, at(20'000)).records_per_second;
  BOOST_TEST(rate == 10.0, boost::test_tools::tolerance(0.01));
  BOOST_TEST(status_of(figures, at(60'000)).records_per_second < rate / 2);
}

BOOST_AUTO_TEST_CASE(an_ended_job_has_the_rate_of_its_whole_run) {
  JobFigures figures;
  figures.set_package(package());
  figures.take(progress(0), at(0));
  figures.take(progress(50), at(1'000));
  figures.take(progress(100), at(4'000));
  const auto status = status_of(figures, at(90'000), control::JobState::finished);
  BOOST_TEST(status.seconds == 4.0);
  BOOST_TEST(status.records_per_second == 25.0);
}

BOOST_AUTO_TEST_CASE(a_resumed_job_does_not_count_what_an_earlier_run_learned) {
  JobFigures figures;
  figures.set_package(package());
  JobUpdate restored = progress(80, JobState::preparing);
  restored.kind = "restored";
  figures.take(restored, at(0));
  figures.take(progress(100), at(2'000));
  const auto status = status_of(figures, at(9'000), control::JobState::finished);
  BOOST_TEST(status.records == 100u);
  BOOST_TEST(status.records_per_second == 10.0);
}

BOOST_AUTO_TEST_CASE(splits_tell_lag_and_replica) {
  JobFigures figures;
  figures.set_package(package());
  figures.take(progress(30), at(0));
  const auto splits = figures.splits();
  BOOST_REQUIRE_EQUAL(splits.size(), 4u);
  BOOST_TEST(splits[0].offset == 30u);
  BOOST_TEST(splits[0].lag == 70u);
  BOOST_TEST(splits[1].replica == 0u);
  BOOST_TEST(splits[2].replica == 1u);
  BOOST_TEST(status_of(figures, at(0)).lag == 370u);
}

BOOST_AUTO_TEST_CASE(a_recovery_is_measured_from_the_loss_until_all_train_again) {
  JobFigures figures;
  figures.set_package(package());
  figures.take(progress(10), at(0));
  figures.take(warning("attempt 1 is lost: worker 7 was lost", JobState::preparing), at(1'000));
  BOOST_TEST(!figures.is_running());
  figures.take(progress(10), at(3'500));
  const auto recovery = status_of(figures, at(4'000)).recovery;
  BOOST_TEST(recovery.count == 1u);
  BOOST_TEST(recovery.last_seconds == 2.5);
  BOOST_TEST(recovery.from_cut == 4u);
  BOOST_TEST(recovery.reason == "attempt 1 is lost: worker 7 was lost");
}

BOOST_AUTO_TEST_CASE(an_end_without_figures_leaves_those_that_were_heard) {
  JobFigures figures;
  figures.set_package(package());
  figures.take(progress(60), at(0));
  JobUpdate end;
  end.kind = "stopped";
  end.state = JobState::finished;
  figures.take(end, at(10));
  BOOST_TEST(status_of(figures, at(20)).records == 60u);
}

BOOST_AUTO_TEST_CASE(stored_figures_stand_in_for_those_of_a_job_that_ended_before) {
  Manifest manifest;
  manifest.cut = CutId(9);
  manifest.totals = {110, 100, 8, 2};
  manifest.metadata["metric.accuracy"] = "0.875";
  JobFigures figures;
  figures.take_stored(manifest);
  const auto status = status_of(figures, at(0), control::JobState::finished);
  BOOST_TEST(status.records == 100u);
  BOOST_TEST(status.quarantined == 8u);
  BOOST_TEST(status.last_checkpoint == 9u);
  BOOST_REQUIRE(status.evaluation.prequential.accuracy.has_value());
  BOOST_TEST(*status.evaluation.prequential.accuracy == 0.875);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace millrace
