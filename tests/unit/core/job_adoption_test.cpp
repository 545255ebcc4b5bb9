// A coordinator that takes over while workers go on with the attempt that the log names as newest.
#include "tests/unit/core/job_fixture.hpp"

using namespace millrace;
using millrace::test::all;
using millrace::test::Job;

namespace {

constexpr Milliseconds kAdoptionPatience{3000};

JobOptions next_options() {
  JobOptions options = Job::options();
  options.writer = "b";
  options.adoption_patience = kAdoptionPatience;
  return options;
}

// What worker 1 runs of attempt 1, all of it.
RunningPart whole_part() {
  return {Attempt(1), {ReplicaId(0), ReplicaId(1)}, {ShardId(0)}, CutId(0), CutId(0)};
}

// A first coordinator had the job running, with one complete cut, and is gone.
struct Takeover {
  Job next{next_options()};
  CutId complete;

  Takeover() {
    Job first;
    first.run();
    complete = first.trigger();
    first.complete(complete, 5);
    next.log = first.log;
    next.manifests = first.manifests;
    next.feed(JobStarted{});
  }
  RunningPart part() const {
    RunningPart part = whole_part();
    part.newest_cut = complete;
    return part;
  }
  void hear(std::uint32_t worker, const RunningPart& part) {
    next.feed(WorkerRegistered{WorkerId(worker), {}, part});
  }
  JobState state() const { return next.machine.state(); }
  bool is_rolled_back() const { return next.machine.attempt() > Attempt(1); }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(coordinator_core_job_adoption)

BOOST_FIXTURE_TEST_CASE(what_runs_whole_is_adopted_in_a_higher_term_without_a_new_attempt,
                        Takeover) {
  BOOST_TEST((state() == JobState::adopting));
  hear(1, part());
  BOOST_TEST((state() == JobState::running));
  BOOST_TEST(!is_rolled_back());
  BOOST_TEST(next.machine.is_adopted());
  BOOST_TEST(next.machine.term().value == 2u);
  BOOST_TEST(next.count<StartWorker>() == 0u);
  BOOST_REQUIRE_EQUAL(next.count<AdoptWorker>(), 1u);
  BOOST_TEST((all<AdoptWorker>(next.seen)[0]->complete == complete));
}

BOOST_FIXTURE_TEST_CASE(parts_of_several_workers_make_one_attempt, Takeover) {
  RunningPart one = part();
  one.shards.clear();
  one.replicas = {ReplicaId(1)};
  RunningPart other = part();
  other.replicas = {ReplicaId(0)};
  hear(1, one);
  BOOST_TEST((state() == JobState::adopting));
  hear(2, other);
  BOOST_TEST((state() == JobState::running));
  BOOST_TEST(next.count<AdoptWorker>() == 2u);
}

BOOST_FIXTURE_TEST_CASE(a_missing_part_is_waited_for_and_then_the_attempt_is_raised, Takeover) {
  RunningPart most = part();
  most.shards.clear();
  hear(1, most);
  next.pass(kAdoptionPatience - Milliseconds(1));
  BOOST_TEST((state() == JobState::adopting));
  next.pass(Milliseconds(1));
  BOOST_TEST(is_rolled_back());
  BOOST_TEST((all<StartWorker>(next.seen)[0]->restored->cut == complete));
}

BOOST_FIXTURE_TEST_CASE(a_part_that_two_workers_run_raises_the_attempt_at_once, Takeover) {
  RunningPart half = part();
  half.shards.clear();
  hear(1, half);
  hear(2, half);
  BOOST_TEST(is_rolled_back());
}

BOOST_FIXTURE_TEST_CASE(an_attempt_that_the_log_does_not_know_raises_the_attempt, Takeover) {
  RunningPart newer = part();
  newer.attempt = Attempt(2);
  hear(1, newer);
  BOOST_TEST(is_rolled_back());
}

BOOST_FIXTURE_TEST_CASE(a_cut_that_the_log_does_not_know_raises_the_attempt, Takeover) {
  RunningPart ahead = part();
  ahead.newest_cut = CutId(99);
  hear(1, ahead);
  BOOST_TEST(is_rolled_back());
}

BOOST_AUTO_TEST_CASE(a_checkpoint_of_another_parallelism_is_restored_and_nothing_is_adopted) {
  Job first;
  first.run();
  const CutId complete = first.trigger();
  first.complete(complete, 5);
  for (const std::uint32_t parallelism : {1u, 3u}) {
    JobOptions options = next_options();
    options.parallelism = parallelism;
    options.shards = parallelism;
    Job next(options);
    next.log = first.log;
    next.manifests = first.manifests;
    next.feed(JobStarted{});
    BOOST_TEST((next.machine.attempt() == Attempt(2)));
    next.feed(WorkerRegistered{WorkerId(1), {}, whole_part()});
    BOOST_TEST(next.count<AdoptWorker>() == 0u);
    BOOST_REQUIRE_EQUAL(next.count<StartWorker>(), 1u);
    const StartWorker& start = *all<StartWorker>(next.seen)[0];
    BOOST_TEST((start.restored->cut == complete));
    BOOST_TEST(start.replicas.size() == parallelism);
    BOOST_TEST(start.shards.size() == parallelism);
    std::size_t splits = 0;
    for (const auto& replica : start.replicas) splits += replica.splits.size();
    BOOST_TEST(splits == 2u);
  }
}

// Its records lie behind a cut that it did not start from: that cut would be no cut of its history.
BOOST_AUTO_TEST_CASE(an_attempt_that_started_elsewhere_than_from_the_newest_cut_is_not_adopted) {
  Job first;
  first.run();
  const CutId newest = first.trigger();
  first.complete(newest, 5);
  first.feed(AttemptFailed{first.machine.attempt(), Status(Code::io_error, "lost")});
  first.pass(Milliseconds(2000));
  BOOST_REQUIRE((first.machine.attempt() == Attempt(2)));
  for (const bool follows : {true, false}) {
    Job next(next_options());
    next.log = first.log;
    next.manifests = first.manifests;
    next.feed(JobStarted{});
    RunningPart part = whole_part();
    part.attempt = Attempt(2);
    part.restored = follows ? newest : CutId(0);
    next.feed(WorkerRegistered{WorkerId(1), {}, part});
    BOOST_TEST(next.machine.is_adopted() == follows);
    BOOST_TEST((next.machine.attempt() > Attempt(2)) == !follows);
  }
}

BOOST_FIXTURE_TEST_CASE(a_part_of_an_older_attempt_is_told_to_stop, Takeover) {
  RunningPart older = part();
  older.attempt = Attempt(0);
  hear(2, older);
  BOOST_TEST(next.count<StopAttempt>() == 1u);
  BOOST_TEST((state() == JobState::adopting));
  hear(1, part());
  BOOST_TEST((state() == JobState::running));
}

BOOST_FIXTURE_TEST_CASE(the_id_of_a_cut_that_was_open_is_closed_everywhere_and_not_used_again,
                        Takeover) {
  RunningPart open = part();
  open.newest_cut = complete.next();
  hear(1, open);
  const auto* adopt = all<AdoptWorker>(next.seen)[0];
  BOOST_TEST((adopt->closed >= open.newest_cut));
  BOOST_TEST((next.trigger() > adopt->closed));
}

BOOST_FIXTURE_TEST_CASE(the_next_cut_of_what_was_adopted_is_audited_against_the_newest_complete_one,
                        Takeover) {
  hear(1, part());
  const CutId cut = next.trigger();
  next.complete(cut, 9);
  BOOST_TEST((next.machine.newest_complete() == cut));
  const CutId back = next.trigger();
  next.complete(back, 3);
  BOOST_TEST(next.count<AuditFailed>() == 1u);
}

BOOST_FIXTURE_TEST_CASE(replicas_that_finished_while_nobody_led_say_so_again, Takeover) {
  hear(1, part());
  next.end_data();
  next.complete(*next.machine.cut_in_flight(), 7, true);
  BOOST_TEST((state() == JobState::finished));
}

BOOST_FIXTURE_TEST_CASE(a_version_that_nobody_published_is_published_by_who_adopts, Takeover) {
  hear(1, part());
  BOOST_REQUIRE_EQUAL(next.count<PublishRestored>(), 1u);
  BOOST_TEST((all<PublishRestored>(next.seen)[0]->contents->cut == complete));
}

BOOST_FIXTURE_TEST_CASE(a_worker_that_obeys_a_higher_term_makes_the_coordinator_ask_the_log,
                        Takeover) {
  hear(1, part());
  next.feed(WorkerRefused{WorkerId(1), Attempt(1), Term(3)});
  BOOST_TEST((next.log.back().kind == CommitKind::takeover));
}

BOOST_FIXTURE_TEST_CASE(a_second_takeover_during_adoption_adopts_as_well, Takeover) {
  JobOptions options = next_options();
  options.writer = "c";
  Job third(options);
  third.log = next.log;
  third.manifests = next.manifests;
  third.feed(JobStarted{});
  third.feed(WorkerRegistered{WorkerId(1), {}, part()});
  BOOST_TEST((third.machine.state() == JobState::running));
  BOOST_TEST(third.machine.term().value == 3u);
  BOOST_TEST(third.machine.attempt().value == 1u);
}

BOOST_AUTO_TEST_CASE(a_job_that_began_under_this_coordinator_waits_for_nothing) {
  Job job(next_options());
  job.run();
  BOOST_TEST((job.machine.state() == JobState::running));
  BOOST_TEST((job.log[0].kind == CommitKind::takeover));
}

BOOST_AUTO_TEST_SUITE_END()
