// Jobs with sinks: when their outputs are released, and what their end waits for.
#include "tests/unit/core/job_fixture.hpp"

using namespace millrace;
using millrace::test::all;
using millrace::test::Job;

namespace {

JobOptions with_sinks() {
  JobOptions options = Job::without_interval();
  options.has_sinks = true;
  return options;
}

Job running(const JobOptions& options = with_sinks()) {
  Job job(options);
  job.run();
  return job;
}

CutId take(Job& job, std::uint64_t records, bool is_final = false) {
  const CutId cut = *job.machine.cut_in_flight();
  job.complete(cut, records, is_final);
  return cut;
}

void release(Job& job, CutId cut) {
  for (std::uint32_t i = 0; i < 2; ++i)
    job.feed(OutputsReleased{job.machine.attempt(), ReplicaId(i), cut});
}

// The job of another coordinator that finds what this one left.
Job successor(const Job& job) {
  JobOptions options = with_sinks();
  options.writer = "b";
  Job next(options);
  next.log = job.log;
  next.manifests = job.manifests;
  next.feed(JobStarted{{}});
  next.feed(WorkerRegistered{WorkerId(1)});
  return next;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(coordinator_core_job_outputs)

BOOST_AUTO_TEST_CASE(outputs_are_released_after_the_entry_of_their_cut) {
  Job job = running();
  const CutId cut = job.trigger();
  job.report(cut, 5);
  BOOST_TEST(job.count<ReleaseOutputs>() == 0u);
  job.store_part(cut);
  const auto orders = all<ReleaseOutputs>(job.seen);
  BOOST_REQUIRE_EQUAL(orders.size(), 1u);
  BOOST_TEST((orders[0]->cut == cut));
  const auto position = [&](auto is_it) {
    return std::ranges::find_if(job.seen, is_it) - job.seen.begin();
  };
  const auto order = position(
      [](const JobEffect& effect) { return std::holds_alternative<ReleaseOutputs>(effect); });
  const auto entry = position([&](const JobEffect& effect) {
    const auto* write = std::get_if<WriteLog>(&effect);
    return write != nullptr && write->entry.kind == CommitKind::complete && write->entry.cut == cut;
  });
  BOOST_TEST(entry < order);
}

BOOST_AUTO_TEST_CASE(without_sinks_nothing_is_released) {
  Job job = running(Job::without_interval());
  job.trigger();
  (void)take(job, 5);
  job.pass(Milliseconds(5'000));
  BOOST_TEST(job.count<ReleaseOutputs>() == 0u);
  BOOST_TEST(!job.machine.cuts_unreleased());
}

BOOST_AUTO_TEST_CASE(the_order_is_repeated_until_every_replica_has_answered) {
  Job job = running();
  job.trigger();
  const CutId cut = take(job, 5);
  job.pass(Milliseconds(2'000));
  const auto before = job.count<ReleaseOutputs>();
  BOOST_TEST(before > 1u);
  job.feed(OutputsReleased{job.machine.attempt(), ReplicaId(0), cut});
  job.pass(Milliseconds(2'000));
  const auto half = job.count<ReleaseOutputs>();
  BOOST_TEST(half > before);
  BOOST_TEST(*job.machine.cuts_unreleased() == 1u);
  release(job, cut);
  job.pass(Milliseconds(2'000));
  BOOST_TEST(job.count<ReleaseOutputs>() == half);
  BOOST_TEST(*job.machine.cuts_unreleased() == 0u);
}

BOOST_AUTO_TEST_CASE(the_end_of_the_data_waits_for_the_sinks_however_long) {
  Job job = running();
  job.end_data();
  const CutId cut = take(job, 5, true);
  job.pass(Milliseconds(600'000));
  BOOST_TEST((job.machine.state() == JobState::running));
  BOOST_TEST(!job.machine.cut_in_flight());
  release(job, cut);
  BOOST_TEST((job.machine.state() == JobState::finished));
  BOOST_TEST(job.count<JobFinished>() == 1u);
}

BOOST_AUTO_TEST_CASE(a_stop_waits_for_the_sinks_but_not_for_ever) {
  Job job = running();
  job.feed(StopRequested{});
  const CutId cut = take(job, 5);
  BOOST_TEST((job.machine.state() == JobState::running));
  release(job, cut);
  BOOST_REQUIRE_EQUAL(job.count<JobFinished>(), 1u);
  BOOST_TEST(all<JobFinished>(job.seen)[0]->was_stopped);

  Job away = running();
  away.feed(StopRequested{});
  (void)take(away, 5);
  away.pass(with_sinks().release_patience + Milliseconds(1'000));
  BOOST_REQUIRE_EQUAL(away.count<JobFailed>(), 1u);
  BOOST_TEST((all<JobFailed>(away.seen)[0]->status.code() == Code::unreachable));
}

BOOST_AUTO_TEST_CASE(answers_of_another_attempt_or_replica_do_not_end_a_job) {
  Job job = running();
  job.end_data();
  const CutId cut = take(job, 5, true);
  for (std::uint32_t i = 0; i < 2; ++i) job.feed(OutputsReleased{Attempt(99), ReplicaId(i), cut});
  job.feed(OutputsReleased{job.machine.attempt(), ReplicaId(7), cut});
  job.feed(OutputsReleased{job.machine.attempt(), ReplicaId(0), cut});
  BOOST_TEST((job.machine.state() == JobState::running));
}

BOOST_AUTO_TEST_CASE(a_final_cut_whose_release_nobody_has_heard_of_starts_an_attempt_to_find_out) {
  Job job = running();
  job.end_data();
  const CutId cut = take(job, 5, true);
  Job next = successor(job);
  BOOST_TEST((next.machine.state() == JobState::running));
  const auto orders = all<ReleaseOutputs>(next.seen);
  BOOST_REQUIRE(!orders.empty());
  BOOST_TEST((orders[0]->cut == cut));
  next.end_data();
  next.pass(Milliseconds(2'000));
  BOOST_TEST(!next.machine.cut_in_flight());
  release(next, cut);
  BOOST_TEST((next.machine.state() == JobState::finished));
}

BOOST_AUTO_TEST_CASE(an_attempt_that_is_lost_while_its_end_waits_ends_in_the_next_one) {
  Job job = running();
  job.end_data();
  const CutId cut = take(job, 5, true);
  job.feed(OutputsReleased{job.machine.attempt(), ReplicaId(0), cut});
  job.feed(AttemptFailed{job.machine.attempt(), Status(Code::io_error, "killed")});
  job.pass(Milliseconds(2'000));
  BOOST_TEST((job.machine.state() == JobState::running));
  job.feed(OutputsReleased{job.machine.attempt(), ReplicaId(1), cut});
  BOOST_TEST((job.machine.state() == JobState::running));
  job.feed(OutputsReleased{job.machine.attempt(), ReplicaId(0), cut});
  BOOST_TEST((job.machine.state() == JobState::finished));
}

BOOST_AUTO_TEST_SUITE_END()
