#include "coordinator/core/log_state.hpp"

#include <boost/test/unit_test.hpp>

#include "tests/unit/core/ledger.hpp"
#include "tests/unit/core/log_shelf.hpp"

using namespace millrace;
using millrace::test::all;
using millrace::test::LogShelf;

namespace {

CommitEntry takeover(const std::string& writer, std::uint64_t term, std::uint64_t attempt,
                     std::uint64_t cut) {
  return {CommitKind::takeover, Term(term), Attempt(attempt), CutId(cut), writer};
}

CommitEntry of_cut(CommitKind kind, std::uint64_t cut) {
  return {kind, Term(1), Attempt(1), CutId(cut), "a"};
}

CommitLog make_log(const std::string& writer) {
  CommitLogOptions options;
  options.writer = writer;
  options.snapshot_every = 4;
  return CommitLog(options);
}

// A log that was written for long: `cuts` of them completed, each retired by the next.
LogShelf long_log(std::uint64_t cuts) {
  LogShelf shelf;
  CommitLog log = make_log("a");
  (void)shelf.drive(log, log.take_over());
  for (std::uint64_t cut = 2; cut < 2 + cuts; ++cut) {
    (void)shelf.drive(log, log.complete(CutId(cut)));
    if (cut > 2) (void)shelf.drive(log, log.retire(CutId(cut - 1)));
  }
  return shelf;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(coordinator_core_log_state)

BOOST_AUTO_TEST_CASE(a_cut_id_is_closed_once) {
  LogState state;
  BOOST_TEST(state.apply(takeover("a", 1, 1, 2)).is_ok());
  BOOST_TEST(state.apply(of_cut(CommitKind::complete, 2)).is_ok());
  BOOST_TEST((state.apply(of_cut(CommitKind::complete, 2)).code() == Code::corrupted));
  BOOST_TEST((state.apply(of_cut(CommitKind::abandon, 2)).code() == Code::corrupted));
}

BOOST_AUTO_TEST_CASE(a_deposed_writers_entry_is_refused) {
  LogState state;
  BOOST_TEST(state.apply(takeover("a", 1, 1, 2)).is_ok());
  BOOST_TEST(state.apply(takeover("b", 2, 2, 3)).is_ok());
  BOOST_TEST((state.apply(of_cut(CommitKind::complete, 3)).code() == Code::corrupted));
}

BOOST_AUTO_TEST_CASE(a_snapshot_says_what_the_entries_before_it_said) {
  LogState told;
  BOOST_TEST(told.apply(takeover("a", 1, 1, 2)).is_ok());
  BOOST_TEST(told.apply(of_cut(CommitKind::complete, 0)).is_ok());
  BOOST_TEST(told.apply(of_cut(CommitKind::complete, 2)).is_ok());
  const CommitEntry snapshot = told.snapshot();
  LogState begun;
  BOOST_TEST(begun.apply(snapshot).is_ok());
  BOOST_TEST(told.apply(snapshot).is_ok());
  BOOST_TEST((begun.complete() == told.complete()));
  BOOST_TEST((begun.next_cut() == told.next_cut()));
  BOOST_TEST((begun.term() == told.term()));
  BOOST_TEST(begun.entries() == told.entries());
  BOOST_TEST(begun.is_cut_zero_complete());
}

BOOST_AUTO_TEST_CASE(a_snapshot_of_something_else_is_refused) {
  LogState state;
  BOOST_TEST(state.apply(takeover("a", 1, 1, 2)).is_ok());
  CommitEntry snapshot = state.snapshot();
  snapshot.complete.emplace(CutId(2), Attempt(1));
  BOOST_TEST((state.apply(snapshot).code() == Code::corrupted));
}

BOOST_AUTO_TEST_CASE(a_log_stays_short_however_long_it_is_written) {
  const LogShelf shelf = long_log(100);
  BOOST_TEST(shelf.entries.size() <= 10u);
  CommitLog next = make_log("b");
  LogShelf copy = shelf;
  (void)copy.drive(next, next.take_over());
  BOOST_TEST(next.state().term().value == 2u);
  BOOST_TEST(next.state().newest_complete()->value == 101u);
}

BOOST_AUTO_TEST_CASE(entries_go_only_below_the_snapshot_before_the_newest) {
  const LogShelf shelf = long_log(20);
  std::size_t snapshots = 0;
  for (const auto& [index, entry] : shelf.entries) {
    snapshots += entry.kind == CommitKind::snapshot ? 1 : 0;
  }
  BOOST_TEST(snapshots == 2u);
  BOOST_TEST((shelf.entries.begin()->second.kind == CommitKind::snapshot));
}

BOOST_AUTO_TEST_CASE(who_slept_while_its_place_was_deleted_begins_no_second_history) {
  LogShelf shelf;
  CommitLog sleeper = make_log("a");
  (void)shelf.drive(sleeper, sleeper.take_over());
  const auto asleep = sleeper.complete(CutId(2));
  const std::uint64_t place = all<WriteLog>(asleep)[0]->index;

  CommitLog other = make_log("b");
  (void)shelf.drive(other, other.take_over());
  for (std::uint64_t cut = 3; cut < 20; ++cut) (void)shelf.drive(other, other.complete(CutId(cut)));
  BOOST_REQUIRE(!shelf.entries.contains(place));

  const auto effects = shelf.drive(sleeper, asleep);
  BOOST_TEST(shelf.entries.contains(place));  // the store let it be made again
  BOOST_TEST(all<LogCommitted>(effects).empty());
  BOOST_TEST(all<LogDeposed>(effects).size() == 1u);
  CommitLog third = make_log("c");
  (void)shelf.drive(third, third.take_over());
  BOOST_TEST(third.state().term().value == 3u);
  BOOST_TEST(third.state().newest_complete()->value == 19u);
}

BOOST_AUTO_TEST_CASE(a_gap_that_does_not_heal_fails_and_is_named) {
  LogShelf shelf = long_log(10);
  const auto place = std::prev(shelf.entries.end(), 2)->first;
  shelf.entries.erase(place);
  CommitLog next = make_log("b");
  const auto effects = shelf.drive(next, next.take_over());
  BOOST_REQUIRE_EQUAL(all<LogFailed>(effects).size(), 1u);
  BOOST_TEST(all<LogFailed>(effects)[0]->status.message().find(std::to_string(place)) !=
             std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
