#include "coordinator/core/commit_log.hpp"

#include <boost/test/unit_test.hpp>

#include "tests/unit/core/ledger.hpp"

using namespace millrace;
using millrace::test::all;

namespace {

CommitEntry takeover(const std::string& writer, std::uint64_t term, std::uint64_t attempt,
                     std::uint64_t cut) {
  return {CommitKind::takeover, Term(term), Attempt(attempt), CutId(cut), writer};
}

LogRead found(std::uint64_t index, std::optional<CommitEntry> entry) {
  return {index, std::move(entry)};
}

CommitLog leading() {
  CommitLog log("a");
  (void)log.take_over();
  (void)log.on_read(found(0, std::nullopt));
  const auto effects = log.on_written({0, WriteOutcome::created, {}});
  BOOST_REQUIRE_EQUAL(all<LogCommitted>(effects).size(), 1u);
  return log;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(coordinator_core_commit_log)

BOOST_AUTO_TEST_CASE(a_term_is_minted_above_all_that_the_log_holds) {
  CommitLog log("b");
  (void)log.take_over();
  (void)log.on_read(found(0, takeover("a", 4, 9, 2)));
  const auto effects = log.on_read(found(1, std::nullopt));
  const auto writes = all<WriteLog>(effects);
  BOOST_REQUIRE_EQUAL(writes.size(), 1u);
  BOOST_TEST(writes[0]->entry.term.value == 5u);
  BOOST_TEST(writes[0]->entry.attempt.value == 10u);
  BOOST_TEST(writes[0]->entry.cut.value == 3u);
}

BOOST_AUTO_TEST_CASE(an_ambiguous_write_that_arrived_is_settled_by_reading_back) {
  auto log = leading();
  const auto writes = log.complete(CutId(2));
  const CommitEntry mine = all<WriteLog>(writes)[0]->entry;
  BOOST_TEST(all<ReadLog>(log.on_written({1, WriteOutcome::ambiguous, {}})).size() == 1u);
  BOOST_TEST(all<LogCommitted>(log.on_read(found(1, mine))).size() == 1u);
  BOOST_TEST((log.state().newest_complete() == CutId(2)));
}

BOOST_AUTO_TEST_CASE(an_ambiguous_write_that_did_not_arrive_is_written_again_later_unchanged) {
  auto log = leading();
  const CommitEntry mine = all<WriteLog>(log.complete(CutId(2)))[0]->entry;
  (void)log.on_written({1, WriteOutcome::ambiguous, {}});
  BOOST_TEST(log.on_read(found(1, std::nullopt)).empty());
  const auto effects = log.retry();
  BOOST_REQUIRE_EQUAL(all<WriteLog>(effects).size(), 1u);
  BOOST_TEST((all<WriteLog>(effects)[0]->entry == mine));
  BOOST_TEST(!log.state().newest_complete().has_value());
}

BOOST_AUTO_TEST_CASE(a_refused_write_is_neither_read_back_nor_written_again_at_once) {
  auto log = leading();
  const CommitEntry mine = all<WriteLog>(log.complete(CutId(2)))[0]->entry;
  BOOST_TEST(log.on_written({1, WriteOutcome::failed, {}}).empty());
  const auto effects = log.retry();
  BOOST_REQUIRE_EQUAL(all<WriteLog>(effects).size(), 1u);
  BOOST_TEST((all<WriteLog>(effects)[0]->entry == mine));
}

BOOST_AUTO_TEST_CASE(an_entry_of_another_coordinator_deposes_this_one_for_ever) {
  auto log = leading();
  (void)log.complete(CutId(2));
  (void)log.on_written({1, WriteOutcome::exists, {}});
  BOOST_TEST(all<LogDeposed>(log.on_read(found(1, takeover("b", 2, 2, 3)))).size() == 1u);
  BOOST_TEST(log.is_deposed());
  BOOST_TEST(log.abandon(CutId(2)).empty());
  BOOST_TEST(log.retry().empty());
}

BOOST_AUTO_TEST_CASE(who_loses_the_race_for_a_takeover_reads_on_and_goes_above_it) {
  CommitLog log("b");
  (void)log.take_over();
  (void)log.on_read(found(0, std::nullopt));
  (void)log.on_written({0, WriteOutcome::exists, {}});
  (void)log.on_read(found(0, takeover("a", 1, 1, 2)));
  const auto effects = log.on_read(found(1, std::nullopt));
  BOOST_TEST(all<WriteLog>(effects)[0]->entry.term.value == 2u);
}

BOOST_AUTO_TEST_CASE(entries_are_written_one_after_the_other) {
  auto log = leading();
  BOOST_TEST(all<WriteLog>(log.complete(CutId(2))).size() == 1u);
  BOOST_TEST(log.retire(CutId(2)).empty());
  const auto effects = log.on_written({1, WriteOutcome::created, {}});
  BOOST_TEST(all<WriteLog>(effects).size() == 1u);
  BOOST_TEST(all<WriteLog>(effects)[0]->index == 2u);
}

BOOST_AUTO_TEST_CASE(raising_the_attempt_passes_over_the_id_of_a_cut_that_may_be_open) {
  auto log = leading();
  const CutId open = log.state().next_cut();
  const auto effects = log.raise_attempt();
  BOOST_TEST((all<WriteLog>(effects)[0]->entry.cut > open));
  BOOST_TEST((all<WriteLog>(effects)[0]->entry.term == log.state().term()));
}

BOOST_AUTO_TEST_CASE(a_cut_id_is_closed_once) {
  LogState state;
  BOOST_TEST(state.apply(takeover("a", 1, 1, 2)).is_ok());
  const CommitEntry complete{CommitKind::complete, Term(1), Attempt(1), CutId(2), "a"};
  BOOST_TEST(state.apply(complete).is_ok());
  BOOST_TEST((state.apply(complete).code() == Code::corrupted));
  CommitEntry abandon = complete;
  abandon.kind = CommitKind::abandon;
  BOOST_TEST((state.apply(abandon).code() == Code::corrupted));
}

BOOST_AUTO_TEST_CASE(a_deposed_writers_entry_is_refused) {
  LogState state;
  BOOST_TEST(state.apply(takeover("a", 1, 1, 2)).is_ok());
  BOOST_TEST(state.apply(takeover("b", 2, 2, 3)).is_ok());
  const CommitEntry late{CommitKind::complete, Term(1), Attempt(1), CutId(3), "a"};
  BOOST_TEST((state.apply(late).code() == Code::corrupted));
}

BOOST_AUTO_TEST_SUITE_END()
