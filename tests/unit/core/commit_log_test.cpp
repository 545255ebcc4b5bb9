#include "coordinator/core/commit_log.hpp"

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

CommitLog make_log(const std::string& writer, std::uint64_t snapshot_every = 32) {
  CommitLogOptions options;
  options.writer = writer;
  options.snapshot_every = snapshot_every;
  return CommitLog(options);
}

LogRead found(std::uint64_t index, std::optional<CommitEntry> entry) {
  return {index, std::move(entry)};
}

struct Leader {
  LogShelf shelf;
  CommitLog log = make_log("a");
  Leader() {
    const auto effects = shelf.drive(log, log.take_over());
    BOOST_REQUIRE_EQUAL(all<LogCommitted>(effects).size(), 1u);
  }
  // What the log asks for next, when the write under way was answered so.
  std::vector<LogEffect> written(WriteOutcome outcome) { return log.on_written({1, outcome, {}}); }
};

const CommitEntry& entry_of(const std::vector<LogEffect>& effects) {
  const auto writes = all<WriteLog>(effects);
  BOOST_REQUIRE_EQUAL(writes.size(), 1u);
  return writes[0]->entry;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(coordinator_core_commit_log)

BOOST_AUTO_TEST_CASE(a_term_is_minted_above_all_that_the_log_holds) {
  CommitLog log = make_log("b");
  (void)log.take_over();
  (void)log.on_listed({1, std::optional<std::uint64_t>(0)});
  const auto effects = log.on_read(found(0, takeover("a", 4, 9, 2)));
  BOOST_TEST(entry_of(effects).term.value == 5u);
  BOOST_TEST(entry_of(effects).attempt.value == 10u);
  BOOST_TEST(entry_of(effects).cut.value == 3u);
}

BOOST_FIXTURE_TEST_CASE(an_entry_counts_when_it_is_listed_as_the_last, Leader) {
  (void)log.complete(CutId(2));
  const auto asked = written(WriteOutcome::created);
  BOOST_REQUIRE_EQUAL(all<ListLog>(asked).size(), 1u);
  BOOST_TEST(all<LogCommitted>(asked).empty());
  const auto listed =
      log.on_listed({all<ListLog>(asked)[0]->query, std::optional<std::uint64_t>(1)});
  BOOST_TEST(all<LogCommitted>(listed).size() == 1u);
}

BOOST_FIXTURE_TEST_CASE(an_entry_with_another_above_it_deposes_its_writer, Leader) {
  (void)log.complete(CutId(2));
  const auto query = all<ListLog>(written(WriteOutcome::created))[0]->query;
  const auto asked = log.on_listed({query, std::optional<std::uint64_t>(40)});
  BOOST_REQUIRE_EQUAL(all<ReadLog>(asked).size(), 1u);
  BOOST_TEST(all<ReadLog>(asked)[0]->index == 40u);
  const auto effects = log.on_read(found(40, takeover("b", 2, 2, 3)));
  BOOST_TEST(all<LogDeposed>(effects).size() == 1u);
}

BOOST_FIXTURE_TEST_CASE(a_listing_that_was_asked_for_before_proves_nothing, Leader) {
  (void)log.complete(CutId(2));
  const auto query = all<ListLog>(written(WriteOutcome::created))[0]->query;
  BOOST_TEST(log.on_listed({query - 1, std::optional<std::uint64_t>(1)}).empty());
}

BOOST_FIXTURE_TEST_CASE(an_ambiguous_write_that_arrived_is_settled_by_reading_back, Leader) {
  const CommitEntry mine = entry_of(log.complete(CutId(2)));
  BOOST_TEST(all<ReadLog>(written(WriteOutcome::ambiguous)).size() == 1u);
  shelf.entries[1] = mine;
  const auto effects = shelf.drive(log, log.on_read(found(1, mine)));
  BOOST_TEST(all<LogCommitted>(effects).size() == 1u);
  BOOST_TEST((log.state().newest_complete() == CutId(2)));
}

BOOST_FIXTURE_TEST_CASE(an_ambiguous_write_that_did_not_arrive_is_written_again_later_unchanged,
                        Leader) {
  const CommitEntry mine = entry_of(log.complete(CutId(2)));
  (void)written(WriteOutcome::ambiguous);
  BOOST_TEST(log.on_read(found(1, std::nullopt)).empty());
  BOOST_TEST((entry_of(log.retry()) == mine));
  BOOST_TEST(!log.state().newest_complete().has_value());
}

BOOST_FIXTURE_TEST_CASE(a_refused_write_is_neither_read_back_nor_written_again_at_once, Leader) {
  const CommitEntry mine = entry_of(log.complete(CutId(2)));
  BOOST_TEST(written(WriteOutcome::failed).empty());
  BOOST_TEST((entry_of(log.retry()) == mine));
}

BOOST_FIXTURE_TEST_CASE(an_entry_of_another_coordinator_deposes_this_one_for_ever, Leader) {
  (void)log.complete(CutId(2));
  (void)written(WriteOutcome::exists);
  BOOST_TEST(all<LogDeposed>(log.on_read(found(1, takeover("b", 2, 2, 3)))).size() == 1u);
  BOOST_TEST(log.is_deposed());
  BOOST_TEST(log.abandon(CutId(2)).empty());
  BOOST_TEST(log.retry().empty());
}

BOOST_AUTO_TEST_CASE(who_loses_the_race_for_a_takeover_reads_on_and_goes_above_it) {
  CommitLog log = make_log("b");
  (void)log.take_over();
  (void)log.on_listed({1, std::optional<std::uint64_t>()});
  (void)log.on_written({0, WriteOutcome::exists, {}});
  LogShelf shelf;
  shelf.entries[0] = takeover("a", 1, 1, 2);
  (void)shelf.drive(log, log.on_read(found(0, takeover("a", 1, 1, 2))));
  BOOST_TEST(log.state().term().value == 2u);
}

BOOST_FIXTURE_TEST_CASE(entries_are_written_one_after_the_other, Leader) {
  const auto first = log.complete(CutId(2));
  BOOST_TEST(log.retire(CutId(2)).empty());
  const auto effects = shelf.drive(log, first);
  BOOST_TEST(all<LogCommitted>(effects).size() == 2u);
  BOOST_TEST((shelf.entries.at(2).kind == CommitKind::retire));
}

BOOST_FIXTURE_TEST_CASE(raising_the_attempt_passes_over_the_id_of_a_cut_that_may_be_open, Leader) {
  const CutId open = log.state().next_cut();
  const CommitEntry raised = entry_of(log.raise_attempt());
  BOOST_TEST((raised.cut > open));
  BOOST_TEST((raised.term == log.state().term()));
}

BOOST_AUTO_TEST_SUITE_END()
