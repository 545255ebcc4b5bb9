// Savepoints, stopping with one, cancelling, and going on from an older cut.
#include "tests/unit/core/job_fixture.hpp"

using namespace millrace;
using millrace::test::all;
using millrace::test::Job;

namespace {

CutId take(Job& job, std::uint64_t records) {
  const CutId cut = job.machine.cut_in_flight() ? *job.machine.cut_in_flight() : job.trigger();
  job.complete(cut, records);
  return cut;
}

Job resumed(const Job& job, std::optional<StartFrom> from) {
  JobOptions options = Job::options();
  options.writer = "b";
  Job next(options);
  next.log = job.log;
  next.manifests = job.manifests;
  next.feed(JobStarted{{}, std::move(from)});
  next.feed(WorkerRegistered{WorkerId(1)});
  return next;
}

CutId restored_by(const Job& job) {
  const auto starts = all<StartWorker>(job.seen);
  BOOST_REQUIRE(!starts.empty());
  return starts.back()->restored->cut;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(coordinator_core_job_savepoints)

BOOST_AUTO_TEST_CASE(a_savepoint_is_a_complete_cut_with_a_name_in_the_log) {
  Job job;
  job.run();
  job.feed(SavepointRequested{"before-upgrade"});
  const CutId cut = take(job, 5);
  BOOST_REQUIRE_EQUAL(job.count<SavepointTaken>(), 1u);
  BOOST_TEST((all<SavepointTaken>(job.seen)[0]->contents->cut == cut));
  BOOST_TEST((job.machine.savepoints().at("before-upgrade") == cut));
}

BOOST_AUTO_TEST_CASE(a_savepoint_is_kept_until_it_is_released) {
  Job job;
  job.run();
  job.feed(SavepointRequested{"kept"});
  const CutId kept = take(job, 5);
  for (std::uint64_t records : {6u, 7u, 8u}) take(job, records);
  BOOST_TEST(job.machine.complete_cuts().contains(kept));
  BOOST_TEST(job.machine.complete_cuts().size() == 2u);
  job.feed(ReleaseRequested{"kept"});
  BOOST_TEST(job.count<SavepointReleased>() == 1u);
  BOOST_TEST(!job.machine.complete_cuts().contains(kept));
  job.feed(ReleaseRequested{"kept"});
  BOOST_REQUIRE_EQUAL(job.count<ReleaseFailed>(), 1u);
  BOOST_TEST((all<ReleaseFailed>(job.seen)[0]->status.code() == Code::not_found));
}

BOOST_AUTO_TEST_CASE(a_savepoint_of_a_rescale_is_released_when_a_later_attempt_has_a_checkpoint) {
  Job job;
  job.run();
  job.feed(SavepointRequested{"rescale-2"});
  job.feed(SavepointRequested{"kept"});
  take(job, 5);
  const CutId kept = take(job, 6);
  BOOST_TEST(job.machine.savepoints().contains("rescale-2"));
  Job next = resumed(job, std::nullopt);
  BOOST_TEST(next.machine.savepoints().contains("rescale-2"));
  take(next, 7);
  BOOST_TEST(!next.machine.savepoints().contains("rescale-2"));
  BOOST_TEST((next.machine.savepoints().at("kept") == kept));
  BOOST_REQUIRE_EQUAL(next.count<SavepointReleased>(), 1u);
  take(next, 8);
  BOOST_TEST(next.count<SavepointReleased>() == 1u);
}

BOOST_AUTO_TEST_CASE(a_name_is_used_once_and_must_be_one) {
  Job job;
  job.run();
  job.feed(SavepointRequested{"s"});
  job.feed(SavepointRequested{"s"});
  take(job, 5);
  job.feed(SavepointRequested{"s"});
  job.feed(SavepointRequested{"../s"});
  const auto failed = all<SavepointFailed>(job.seen);
  BOOST_REQUIRE_EQUAL(failed.size(), 3u);
  BOOST_TEST((failed[0]->status.code() == Code::conflict));
  BOOST_TEST((failed[1]->status.code() == Code::conflict));
  BOOST_TEST((failed[2]->status.code() == Code::invalid_argument));
  BOOST_TEST(job.count<SavepointTaken>() == 1u);
}

BOOST_AUTO_TEST_CASE(a_savepoint_whose_cut_was_refused_fails_with_the_reason) {
  Job job;
  job.run();
  job.feed(SavepointRequested{"s"});
  job.refuse_cut();
  BOOST_REQUIRE_EQUAL(job.count<SavepointFailed>(), 1u);
  const Status& why = all<SavepointFailed>(job.seen)[0]->status;
  BOOST_TEST(why.message().find(millrace::test::full().message()) != std::string::npos);
  take(job, 5);
  BOOST_TEST(job.count<SavepointTaken>() == 0u);
}

BOOST_AUTO_TEST_CASE(a_savepoint_outlives_the_attempt_that_was_to_take_it) {
  Job job;
  job.run();
  job.feed(SavepointRequested{"s"});
  job.feed(AttemptFailed{job.machine.attempt(), Status(Code::io_error, "lost")});
  job.pass(Milliseconds(2000));
  take(job, 5);
  BOOST_TEST(job.count<SavepointTaken>() == 1u);
}

BOOST_AUTO_TEST_CASE(a_stop_with_a_savepoint_ends_after_its_name_is_durable) {
  Job job;
  job.run();
  job.feed(StopRequested{"end"});
  take(job, 5);
  BOOST_TEST((job.machine.state() == JobState::finished));
  BOOST_TEST(job.machine.savepoints().contains("end"));
  BOOST_TEST(
      (job.log.back().kind == CommitKind::savepoint || job.log.back().kind == CommitKind::retire));
  BOOST_TEST(all<JobFinished>(job.seen)[0]->was_stopped);
}

BOOST_AUTO_TEST_CASE(a_cancelled_job_stops_its_workers_at_once_and_fails_what_is_asked_for) {
  Job job;
  job.run();
  job.feed(SavepointRequested{"s"});
  job.feed(CancelRequested{});
  BOOST_TEST((job.machine.state() == JobState::cancelled));
  BOOST_TEST(job.count<JobCancelled>() == 1u);
  BOOST_TEST(job.count<StopAttempt>() == 1u);
  BOOST_REQUIRE_EQUAL(job.count<SavepointFailed>(), 1u);
  BOOST_TEST((all<SavepointFailed>(job.seen)[0]->status.code() == Code::cancelled));
}

BOOST_AUTO_TEST_CASE(a_job_goes_on_from_a_savepoint_and_keeps_to_that_branch) {
  Job job;
  job.run();
  job.feed(SavepointRequested{"good"});
  const CutId good = take(job, 5);
  const CutId bad = take(job, 9);
  Job next = resumed(job, StartFrom{std::nullopt, "good", "request-1"});
  BOOST_TEST((restored_by(next) == good));
  // Another coordinator that knows nothing of the request keeps to it, and so does the same
  // request.
  BOOST_TEST((restored_by(resumed(next, std::nullopt)) == good));
  BOOST_TEST((restored_by(resumed(next, StartFrom{std::nullopt, "good", "request-1"})) == good));
  const CutId later = take(next, 6);
  BOOST_TEST((later > bad));
  BOOST_TEST(!next.machine.complete_cuts().contains(bad));
  Job last = resumed(next, StartFrom{std::nullopt, "good", "request-1"});
  BOOST_TEST((restored_by(last) == later));
}

BOOST_AUTO_TEST_CASE(what_a_branch_left_stays_until_there_is_a_cut_behind_it) {
  Job job;
  job.run();
  job.feed(SavepointRequested{"good"});
  take(job, 5);
  const CutId bad = take(job, 9);
  Job next = resumed(job, StartFrom{std::nullopt, "good", "request-1"});
  BOOST_TEST(next.machine.complete_cuts().contains(bad));
}

BOOST_AUTO_TEST_CASE(a_checkpoint_that_is_not_there_fails_the_job_and_is_named) {
  Job job;
  job.run();
  take(job, 5);
  const Job next = resumed(job, StartFrom{CutId(77), "", "request-1"});
  const auto failures = all<JobFailed>(next.seen);
  BOOST_REQUIRE_EQUAL(failures.size(), 1u);
  BOOST_TEST((failures[0]->status.code() == Code::not_found));
  BOOST_TEST(failures[0]->status.message().find("77") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
