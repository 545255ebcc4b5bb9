// What a job does when its store refuses: patience where it cannot go on, none needed elsewhere.
#include "tests/unit/core/job_fixture.hpp"

using namespace millrace;
using millrace::test::all;
using millrace::test::full;
using millrace::test::Job;
using millrace::test::kPatience;

namespace {

const JobFailed* failure_of(const Job& job) {
  const auto failures = all<JobFailed>(job.seen);
  return failures.empty() ? nullptr : failures.front();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(coordinator_core_job_trouble)

BOOST_AUTO_TEST_CASE(trouble_while_it_trained_does_not_fail_a_job_at_its_end) {
  Job job(Job::without_interval());
  job.run();
  job.trigger();
  job.refuse_cut();
  job.pass(2 * kPatience);
  job.end_data();
  job.refuse_cut();
  job.pass(Milliseconds(1));
  BOOST_TEST((job.machine.state() == JobState::running));
  const CutId last = *job.machine.cut_in_flight();
  job.report(last, 7, true);
  job.store_part(last);
  BOOST_TEST((job.machine.state() == JobState::finished));
}

BOOST_AUTO_TEST_CASE(trouble_while_it_trained_does_not_fail_a_job_that_restarts) {
  Job job(Job::without_interval());
  job.run();
  job.trigger();
  job.refuse_cut();
  job.pass(2 * kPatience);
  job.hides_manifests = true;
  job.feed(AttemptFailed{job.machine.attempt(), Status(Code::io_error, "lost")});
  job.pass(Milliseconds(1));
  BOOST_TEST((job.machine.state() == JobState::preparing));
}

BOOST_AUTO_TEST_CASE(a_job_whose_last_cut_is_refused_fails_after_its_patience) {
  Job job(Job::without_interval());
  job.run();
  job.end_data();
  job.refuse_cut();
  job.pass(kPatience);
  BOOST_REQUIRE((job.machine.state() == JobState::running));  // the next one may be on its way
  job.refuse_cut();
  job.pass(Milliseconds(1));
  const JobFailed* failure = failure_of(job);
  BOOST_REQUIRE(failure != nullptr);
  BOOST_TEST(failure->status.message().find(full().message()) != std::string::npos);
  BOOST_TEST(failure->status.hint().find(full().hint()) != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_completed_cut_ends_all_trouble) {
  Job job(Job::without_interval());
  job.run();
  job.trigger();
  job.refuse_cut();
  const CutId cut = job.trigger();
  job.report(cut, 5);
  job.store_part(cut);
  job.end_data();
  job.pass(kPatience);
  job.refuse_cut();
  job.pass(Milliseconds(1));
  BOOST_TEST((job.machine.state() == JobState::running));
}

BOOST_AUTO_TEST_CASE(a_job_that_waits_for_workers_is_not_stuck_on_its_store) {
  Job job(Job::without_interval());
  job.run();
  job.feed(StopRequested{});
  job.refuse_cut();
  job.feed(WorkerLost{WorkerId(1)});
  job.pass(2 * kPatience);
  job.feed(WorkerRegistered{WorkerId(2)});
  job.refuse_cut();
  job.pass(Milliseconds(1));
  BOOST_TEST((job.machine.state() == JobState::running));
}

BOOST_AUTO_TEST_CASE(a_job_whose_cut_0_cannot_be_written_fails_after_its_patience) {
  Job job;
  job.refuses_manifests = true;
  job.run();
  job.pass(kPatience - Milliseconds(1));
  BOOST_TEST((job.machine.state() == JobState::preparing));
  job.pass(kPatience);
  const JobFailed* failure = failure_of(job);
  BOOST_REQUIRE(failure != nullptr);
  BOOST_TEST(failure->status.message().find(full().message()) != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_cut_0_that_was_refused_is_written_again_and_the_job_begins) {
  Job job;
  job.refuses_manifests = true;
  job.run();
  job.refuses_manifests = false;
  job.pass(Job::options().retry_interval);
  BOOST_TEST((job.machine.state() == JobState::running));
}

BOOST_AUTO_TEST_CASE(a_job_that_cannot_read_its_checkpoint_fails_after_its_patience) {
  Job job;
  job.run();
  job.hides_manifests = true;
  job.feed(AttemptFailed{job.machine.attempt(), Status(Code::io_error, "lost")});
  BOOST_TEST((job.machine.state() == JobState::preparing));
  job.pass(2 * kPatience);
  BOOST_TEST((job.machine.state() == JobState::failed));
}

BOOST_AUTO_TEST_CASE(
    a_log_that_cannot_be_written_is_tried_at_intervals_told_once_and_ends_the_job) {
  for (const WriteOutcome refusal : {WriteOutcome::failed, WriteOutcome::ambiguous}) {
    Job job;
    job.log_refusal = refusal;
    job.run();
    BOOST_TEST(job.count<WriteLog>() == 1u);
    job.pass(4 * Job::options().retry_interval);
    BOOST_TEST(job.count<WriteLog>() == 5u);
    BOOST_TEST((job.machine.state() == JobState::taking_over));
    BOOST_TEST(job.warnings_with(full().message()) == 1u);
    job.pass(2 * kPatience);
    BOOST_TEST((job.machine.state() == JobState::failed));
  }
}

BOOST_AUTO_TEST_SUITE_END()
