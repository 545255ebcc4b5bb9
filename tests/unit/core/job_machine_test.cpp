#include "tests/unit/core/job_fixture.hpp"

using namespace millrace;
using millrace::test::all;
using millrace::test::Effects;
using millrace::test::Job;

BOOST_AUTO_TEST_SUITE(coordinator_core_job_machine)

BOOST_AUTO_TEST_CASE(a_new_job_completes_cut_0_before_anything_starts) {
  Job job;
  job.run();
  BOOST_TEST((job.machine.state() == JobState::running));
  BOOST_TEST(job.log.size() == 2u);
  BOOST_TEST((job.log[1].kind == CommitKind::complete));
  BOOST_TEST(job.log[1].cut.value == 0u);
  BOOST_TEST(all<StartWorker>(job.seen)[0]->restored->cut.value == 0u);
}

BOOST_AUTO_TEST_CASE(a_cut_is_complete_when_all_reports_and_parts_are_in) {
  Job job;
  job.run();
  const CutId cut = job.trigger();
  job.report(cut, 5);
  BOOST_TEST(job.count<Publish>() == 0u);
  job.store_part(cut);
  BOOST_TEST(job.count<Publish>() == 1u);
  BOOST_TEST((job.machine.newest_complete() == cut));
}

BOOST_AUTO_TEST_CASE(a_retired_cut_is_removed_after_its_entry) {
  Job job;
  job.run();
  const CutId cut = job.trigger();
  job.report(cut, 5);
  job.store_part(cut);
  const auto removed = all<RemoveCut>(job.seen);
  BOOST_REQUIRE_EQUAL(removed.size(), 1u);
  BOOST_TEST(removed[0]->cut.value == 0u);
  BOOST_TEST((job.log.back().kind == CommitKind::retire));
}

BOOST_AUTO_TEST_CASE(reports_of_another_attempt_or_cut_change_nothing) {
  Job job;
  job.run();
  const CutId cut = job.trigger();
  const auto before = job.seen.size();
  job.feed(TrainerSnapshot{Attempt(9), cut, ReplicaId(0), {}, false});
  job.feed(ShardSnapshot{job.machine.attempt(), cut.next(), ShardId(0), {}});
  BOOST_TEST(job.seen.size() == before);
}

BOOST_AUTO_TEST_CASE(ledgers_that_disagree_lose_the_attempt_and_complete_nothing) {
  Job job;
  job.run();
  const CutId cut = job.trigger();
  for (std::uint32_t i = 0; i < 2; ++i) {
    SplitProgress split{SplitId(i), Offset(1), {}, false};
    split.learned.add(SplitId(i), Offset(0));
    job.feed(TrainerSnapshot{job.machine.attempt(), cut, ReplicaId(i), {split}, false});
  }
  job.feed(ShardSnapshot{job.machine.attempt(), cut, ShardId(0), {}});
  const Attempt before = job.machine.attempt();
  job.store_part(cut);
  BOOST_TEST(job.count<AuditFailed>() == 1u);
  BOOST_TEST((job.machine.attempt() > before));
  BOOST_TEST(job.machine.newest_complete()->value == 0u);
}

BOOST_AUTO_TEST_CASE(a_cut_that_takes_too_long_is_abandoned_and_its_id_never_used_again) {
  Job job;
  job.run();
  const CutId cut = job.trigger();
  job.feed(Tick{Milliseconds(5000)});
  BOOST_TEST(job.count<AbortCut>() == 1u);
  BOOST_TEST((job.log.back().kind == CommitKind::abandon));
  BOOST_TEST((job.trigger() > cut));
}

BOOST_AUTO_TEST_CASE(one_cut_is_in_flight_and_the_next_waits) {
  Job job;
  job.run();
  const CutId cut = job.trigger();
  job.feed(CutRequested{});
  BOOST_TEST((job.machine.cut_in_flight() == cut));
  job.report(cut, 5);
  job.store_part(cut);
  BOOST_TEST((*job.machine.cut_in_flight() == cut.next()));
}

BOOST_AUTO_TEST_CASE(a_lost_worker_raises_the_attempt_before_anything_restarts) {
  Job job;
  job.run();
  job.feed(WorkerRegistered{WorkerId(2)});
  const auto before = job.seen.size();
  job.feed(WorkerLost{WorkerId(1)});
  job.feed(Tick{Milliseconds(10'000)});
  const Effects after(job.seen.begin() + static_cast<std::ptrdiff_t>(before), job.seen.end());
  const auto starts = all<StartWorker>(after);
  BOOST_REQUIRE(!starts.empty());
  BOOST_TEST(starts[0]->attempt.value == 2u);
  BOOST_TEST((starts[0]->worker == WorkerId(2)));
  BOOST_TEST((job.log.back().kind == CommitKind::takeover));
}

BOOST_AUTO_TEST_CASE(restarts_without_progress_are_bounded) {
  Job job;
  job.run();
  Milliseconds now{0};
  for (int i = 0; i < 3; ++i) {
    job.feed(AttemptFailed{job.machine.attempt(), Status(Code::io_error, "disk")});
    job.feed(Tick{now += Milliseconds(60'000)});
  }
  BOOST_TEST((job.machine.state() == JobState::failed));
  BOOST_TEST(job.count<JobFailed>() == 1u);
}

BOOST_AUTO_TEST_CASE(an_error_that_would_only_come_again_fails_at_once) {
  Job job;
  job.run();
  job.feed(AttemptFailed{job.machine.attempt(), Status(Code::invalid_argument, "no such column")});
  BOOST_TEST((job.machine.state() == JobState::failed));
}

BOOST_AUTO_TEST_CASE(the_end_of_all_data_brings_a_final_cut_and_then_the_end) {
  Job job;
  job.run();
  for (std::uint32_t i = 0; i < 2; ++i) {
    job.feed(TrainerFinished{job.machine.attempt(), ReplicaId(i)});
  }
  const CutId cut = *job.machine.cut_in_flight();
  job.report(cut, 7, true);
  job.store_part(cut);
  BOOST_REQUIRE_EQUAL(job.count<JobFinished>(), 1u);
  BOOST_TEST(all<JobFinished>(job.seen)[0]->contents->is_final);
  BOOST_TEST(!all<JobFinished>(job.seen)[0]->was_stopped);
}

BOOST_AUTO_TEST_CASE(a_stop_takes_one_more_cut) {
  Job job;
  job.run();
  job.feed(StopRequested{});
  const CutId cut = *job.machine.cut_in_flight();
  job.report(cut, 3);
  job.store_part(cut);
  BOOST_REQUIRE_EQUAL(job.count<JobFinished>(), 1u);
  BOOST_TEST(all<JobFinished>(job.seen)[0]->was_stopped);
}

BOOST_AUTO_TEST_CASE(a_job_that_had_finished_says_so_again) {
  Job job;
  job.run();
  for (std::uint32_t i = 0; i < 2; ++i) {
    job.feed(TrainerFinished{job.machine.attempt(), ReplicaId(i)});
  }
  const CutId cut = *job.machine.cut_in_flight();
  job.report(cut, 7, true);
  job.store_part(cut);
  JobOptions options = Job::options();
  options.writer = "b";
  Job again(options);
  again.log = job.log;
  again.manifests = job.manifests;
  again.run();
  BOOST_TEST((again.machine.state() == JobState::finished));
  BOOST_TEST(again.count<StartWorker>() == 0u);
}

BOOST_AUTO_TEST_CASE(a_damaged_checkpoint_is_skipped_for_the_one_before_it_loudly) {
  JobOptions options = Job::options();
  options.retain = 3;
  Job job(options);
  job.run();
  for (std::uint64_t records : {5u, 9u}) {
    const CutId cut = job.trigger();
    job.report(cut, records);
    job.store_part(cut);
  }
  const CutId newest = *job.machine.newest_complete();
  options.writer = "b";
  Job again(options);
  again.log = job.log;
  again.manifests = job.manifests;
  again.manifests.erase(newest);
  again.run();
  BOOST_TEST((all<StartWorker>(again.seen)[0]->restored->cut.next() == newest));
  bool is_said = false;
  for (const Note* note : all<Note>(again.seen)) {
    is_said = is_said || (note->is_warning && note->text.find("damaged") != std::string::npos);
  }
  BOOST_TEST(is_said);
  BOOST_TEST((again.trigger() > newest));
}

BOOST_AUTO_TEST_CASE(a_deposed_coordinator_stops_and_publishes_nothing) {
  Job job;
  job.run();
  const CutId cut = job.trigger();
  job.report(cut, 5);
  JobMachine& machine = job.machine;
  PartDigest part;
  part.worker = WorkerId(1);
  (void)machine.on_event(WorkerPart{machine.attempt(), cut, part});
  (void)machine.on_event(ManifestWritten{machine.attempt(), cut, {}});
  (void)machine.on_event(LogWritten{job.log.size(), WriteOutcome::exists, {}});
  const CommitEntry other{CommitKind::takeover, Term(2), Attempt(2), cut.next(), "b"};
  const auto effects = machine.on_event(LogRead{job.log.size(), std::optional<CommitEntry>(other)});
  BOOST_TEST(all<JobDeposed>(effects).size() == 1u);
  BOOST_TEST(all<Publish>(effects).empty());
  BOOST_TEST((machine.state() == JobState::deposed));
}

BOOST_AUTO_TEST_CASE(splits_go_to_replicas_in_contiguous_runs_whatever_the_workers) {
  std::vector<SplitProgress> splits(5);
  for (std::uint32_t i = 0; i < 5; ++i) splits[i].split = SplitId(4 - i);
  const auto runs = assign_splits(splits, 3);
  std::uint32_t next = 0;
  for (const auto& run : runs) {
    for (const SplitProgress& split : run) BOOST_TEST(split.split.value == next++);
  }
  BOOST_TEST(next == 5u);
  BOOST_TEST(assign_splits(splits, 8).size() == 8u);
}

BOOST_AUTO_TEST_SUITE_END()
