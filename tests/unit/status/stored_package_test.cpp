#include "coordinator/registry/stored_package.hpp"

#include <boost/test/unit_test.hpp>

#include "common/config/job_file.hpp"
#include "tests/support/temporary_folder.hpp"

namespace millrace {
namespace {

SplitOutline outline(std::uint32_t id) {
  return {SplitId(id), "topic/" + std::to_string(id), Offset(id), Offset(~std::uint64_t{0})};
}

JoinedSplits joined(std::uint32_t begin, std::uint32_t end, char plan) {
  JoinedSplits splits;
  for (auto id = begin; id < end; ++id) splits.splits.push_back(outline(id));
  splits.split_plan = Bytes(3, std::byte(plan));
  return splits;
}

JobPackage package_of(std::uint32_t splits) {
  JobPackage package;
  for (std::uint32_t id = 0; id < splits; ++id) package.splits.push_back(outline(id));
  return package;
}

struct Stored {
  test::TemporaryFolder folder;
  std::unique_ptr<CheckpointStore> store =
      open_checkpoint_store("file://" + folder.path().string()).value();
};

BOOST_AUTO_TEST_SUITE(coordinator_registry_stored_package)

BOOST_FIXTURE_TEST_CASE(splits_join_behind_those_that_are_there, Stored) {
  JobPackage package = package_of(2);
  BOOST_REQUIRE(join_splits(*store, joined(2, 4, 'a'), package).is_ok());
  BOOST_TEST(package.splits.size() == 4u);
  BOOST_TEST(package.planned_splits() == 2u);
  BOOST_TEST((package.split_plan == Bytes(3, std::byte('a'))));
  // Found again, with another one: only that joins.
  BOOST_REQUIRE(join_splits(*store, joined(2, 5, 'b'), package).is_ok());
  JobPackage other = package_of(2);
  BOOST_TEST(add_stored_splits(*store, other).value());
  BOOST_TEST(other.splits.size() == 5u);
  BOOST_TEST((other.split_plan == Bytes(3, std::byte('b'))));
  BOOST_TEST(!add_stored_splits(*store, other).value());
}

BOOST_FIXTURE_TEST_CASE(what_another_one_stored_first_counts, Stored) {
  JobPackage first = package_of(2), second = package_of(2);
  BOOST_REQUIRE(join_splits(*store, joined(2, 3, 'a'), first).is_ok());
  BOOST_REQUIRE(join_splits(*store, joined(2, 4, 'b'), second).is_ok());
  BOOST_TEST(second.splits.size() == 4u);
  BOOST_REQUIRE(add_stored_splits(*store, first).is_ok());
  BOOST_TEST((first.splits.size() == 4u && first.split_plan == second.split_plan));
}

BOOST_FIXTURE_TEST_CASE(splits_that_leave_one_out_are_refused, Stored) {
  JobPackage package = package_of(2);
  BOOST_TEST((join_splits(*store, joined(3, 4, 'a'), package).code() == Code::corrupted));
  BOOST_TEST(package.splits.size() == 2u);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace millrace
