// Splits that join a job while it runs.
#include "tests/unit/core/job_fixture.hpp"

using namespace millrace;
using millrace::test::all;
using millrace::test::Job;

namespace {

std::vector<SplitProgress> positions(std::uint32_t begin, std::uint32_t end) {
  std::vector<SplitProgress> splits(end - begin);
  for (std::uint32_t i = begin; i < end; ++i) splits[i - begin].split = SplitId(i);
  return splits;
}

void find(Job& job) {
  job.feed(SplitsFound{job.machine.attempt(), positions(2, 4)});
}

std::size_t splits_of(const StartWorker& start) {
  std::size_t count = 0;
  for (const auto& replica : start.replicas) count += replica.splits.size();
  return count;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(coordinator_core_job_splits)

BOOST_AUTO_TEST_CASE(found_splits_are_stored_before_anybody_reads_them) {
  Job job;
  job.run();
  const Attempt before = job.machine.attempt();
  find(job);
  BOOST_REQUIRE_EQUAL(job.count<StoreSplits>(), 1u);
  BOOST_TEST(all<StoreSplits>(job.seen)[0]->splits.size() == 2u);
  find(job);  // said again meanwhile
  BOOST_TEST(job.count<StoreSplits>() == 1u);
  BOOST_TEST(!job.machine.cut_in_flight());
  job.feed(SplitsStored{{}, positions(0, 4)});
  BOOST_REQUIRE(job.machine.cut_in_flight());
  BOOST_TEST((job.machine.attempt() == before));
  job.complete(*job.machine.cut_in_flight(), 5);
  BOOST_TEST((job.machine.attempt() == before.next()));
  BOOST_TEST((job.machine.state() == JobState::running));
  const auto& start = *all<StartWorker>(job.seen).back();
  BOOST_TEST(splits_of(start) == 4u);
  BOOST_REQUIRE_EQUAL(start.replicas.size(), 2u);
  // The old ones stay where they are and go on; the new ones begin.
  BOOST_TEST((start.replicas[0].splits[0].split == SplitId(0)));
  BOOST_TEST(start.replicas[0].splits[0].offset.value == 5u);
  BOOST_TEST((start.replicas[0].splits[1].split == SplitId(2)));
  BOOST_TEST(start.replicas[0].splits[1].offset.value == 0u);
  BOOST_TEST(job.warnings_with("lost") == 0u);
}

BOOST_AUTO_TEST_CASE(splits_that_cannot_be_stored_are_stored_when_they_are_found_again) {
  Job job;
  job.run();
  find(job);
  job.feed(SplitsStored{Status(Code::io_error, "full"), {}});
  BOOST_TEST(!job.machine.cut_in_flight());
  BOOST_TEST(job.warnings_with("could not be stored yet") == 1u);
  find(job);
  BOOST_TEST(job.count<StoreSplits>() == 2u);
}

BOOST_AUTO_TEST_CASE(whoever_takes_over_begins_with_all_splits_that_are_stored) {
  Job job;
  job.run();
  find(job);
  JobOptions options = Job::options();
  options.writer = "b";
  Job next(options);
  next.log = job.log;
  next.manifests = job.manifests;
  next.feed(JobStarted{positions(0, 4), {}, 2});
  next.feed(WorkerRegistered{WorkerId(1)});
  BOOST_TEST(splits_of(*all<StartWorker>(next.seen).back()) == 4u);
}

BOOST_AUTO_TEST_CASE(a_split_that_joins_goes_to_who_has_the_fewest_and_moves_no_other) {
  const auto two = assign_splits(positions(0, 2), 3, 2);
  const auto five = assign_splits(positions(0, 5), 3, 2);
  BOOST_TEST(two[0].empty());
  BOOST_TEST((five[0][0].split == SplitId(2)));
  for (std::size_t replica = 0; replica < 3; ++replica) {
    for (std::size_t i = 0; i < two[replica].size(); ++i)
      BOOST_TEST((five[replica][i].split == two[replica][i].split));
  }
  BOOST_TEST(five[0].size() + five[1].size() + five[2].size() == 5u);
}

BOOST_AUTO_TEST_SUITE_END()
