#include "worker/sources/producer_ledger.hpp"

#include <boost/test/unit_test.hpp>

#include "common/base/limits.hpp"

namespace millrace {
namespace {

using Verdict = ProducerLedger::Verdict;

// Takes messages from..to of one line each and delivers them.
void take(ProducerLedger& ledger, const std::string& who, std::uint64_t from, std::uint64_t to) {
  for (auto number = from; number <= to; ++number) {
    BOOST_REQUIRE((ledger.arrive(who, 0, number).verdict == Verdict::take));
    ledger.deliver(who, number, 1, true);
  }
}

ProducerLedger restored(const ProducerLedger& ledger) {
  auto decoded = ProducerLedger::decode(ledger.encode());
  BOOST_REQUIRE(decoded.is_ok());
  return std::move(decoded).value();
}

BOOST_AUTO_TEST_SUITE(worker_sources_producer_ledger)

BOOST_AUTO_TEST_CASE(each_number_is_taken_once_and_in_order) {
  ProducerLedger ledger;
  BOOST_TEST((ledger.arrive("a", 0, 2).verdict == Verdict::gap));
  BOOST_TEST((ledger.arrive("a", 0, 1).verdict == Verdict::take));
  BOOST_TEST((ledger.arrive("a", 0, 1).verdict == Verdict::duplicate));
  const auto gap = ledger.arrive("a", 0, 3);
  BOOST_TEST((gap.verdict == Verdict::gap));
  BOOST_TEST(gap.progress.received == 1u);
  BOOST_TEST((ledger.arrive("b", 0, 1).verdict == Verdict::take));
}

BOOST_AUTO_TEST_CASE(nothing_is_acknowledged_before_its_cut_is_complete) {
  ProducerLedger ledger;
  take(ledger, "a", 1, 3);
  ledger.begin_cut(CutId(7));
  take(ledger, "a", 4, 5);
  BOOST_TEST(ledger.arrive("a", 0, 3).progress.acknowledged == 0u);
  const auto news = ledger.complete(CutId(7));
  BOOST_REQUIRE(news.size() == 1u);
  BOOST_TEST((news[0].second == wire::IngestProgress{5, 3}));
  BOOST_TEST(ledger.arrive("a", 0, 3).progress.acknowledged == 3u);
  BOOST_TEST(ledger.complete(CutId(7)).empty());
}

BOOST_AUTO_TEST_CASE(an_aborted_cut_acknowledges_nothing_and_a_later_one_all_of_it) {
  ProducerLedger ledger;
  take(ledger, "a", 1, 1);
  ledger.begin_cut(CutId(1));
  take(ledger, "a", 2, 2);
  ledger.begin_cut(CutId(2));
  const auto news = ledger.complete(CutId(2));
  BOOST_REQUIRE(news.size() == 1u);
  BOOST_TEST(news[0].second.acknowledged == 2u);
  BOOST_TEST(ledger.complete(CutId(1)).empty());
}

BOOST_AUTO_TEST_CASE(what_was_taken_but_not_delivered_is_asked_for_again_after_a_restore) {
  ProducerLedger ledger;
  take(ledger, "a", 1, 2);
  BOOST_REQUIRE((ledger.arrive("a", 0, 3).verdict == Verdict::take));
  auto after = restored(ledger);
  const auto greeted = after.greet("a", 0);
  BOOST_REQUIRE(greeted.is_ok());
  // All that a complete cut holds is acknowledged.
  BOOST_TEST((greeted.value() == wire::IngestProgress{2, 2}));
  BOOST_TEST((after.arrive("a", 0, 2).verdict == Verdict::duplicate));
  BOOST_TEST((after.arrive("a", 0, 3).verdict == Verdict::take));
}

BOOST_AUTO_TEST_CASE(the_lines_of_a_message_that_a_cut_divides_are_delivered_once) {
  ProducerLedger ledger;
  BOOST_REQUIRE((ledger.arrive("a", 0, 1).verdict == Verdict::take));
  ledger.deliver("a", 1, 30, false);
  ledger.begin_cut(CutId(1));
  BOOST_TEST(ledger.complete(CutId(1)).empty());  // not all of it: nothing to acknowledge
  auto after = restored(ledger);
  const auto again = after.arrive("a", 0, 1);
  BOOST_TEST((again.verdict == Verdict::take));
  BOOST_TEST(again.skipped_lines == 30u);
  after.deliver("a", 1, 100, true);
  after.begin_cut(CutId(2));
  BOOST_REQUIRE(after.complete(CutId(2)).size() == 1u);
}

// One that was forgotten, or comes to an endpoint whose state is gone, goes on.
BOOST_AUTO_TEST_CASE(an_unknown_producer_goes_on_behind_what_it_saw_acknowledged) {
  ProducerLedger ledger;
  BOOST_TEST((ledger.arrive("a", 40, 42).verdict == Verdict::gap));
  BOOST_TEST((ledger.arrive("a", 40, 41).verdict == Verdict::take));
  BOOST_TEST(ledger.take_warnings().empty());
}

BOOST_AUTO_TEST_CASE(what_an_older_cut_has_lost_is_told_and_does_not_stop_the_producer) {
  ProducerLedger ledger;
  take(ledger, "a", 1, 2);
  auto older = restored(ledger);
  BOOST_TEST((older.arrive("a", 5, 6).verdict == Verdict::take));
  const auto warnings = older.take_warnings();
  BOOST_REQUIRE(warnings.size() == 1u);
  BOOST_TEST(warnings[0].find("lost") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(the_producer_that_was_idle_longest_makes_room_and_none_that_is_under_way) {
  ProducerLedger ledger;
  const auto name = [](std::size_t i) { return "p" + std::to_string(i); };
  for (std::size_t i = 0; i < limits::kProducersMax; ++i) take(ledger, name(i), 1, 1);
  BOOST_TEST((ledger.arrive("late", 0, 1).verdict == Verdict::refused));
  BOOST_TEST((ledger.greet("late", 0).status().code() == Code::resource_exhausted));
  ledger.begin_cut(CutId(1));
  BOOST_TEST(ledger.complete(CutId(1)).size() == limits::kProducersMax);
  take(ledger, name(0), 2, 2);  // under way again, and used last
  BOOST_TEST((ledger.arrive("late", 0, 1).verdict == Verdict::take));
  BOOST_TEST(ledger.size() == limits::kProducersMax);
  BOOST_TEST(ledger.knows(name(0)));
  BOOST_TEST(!ledger.knows(name(1)));
  BOOST_TEST(restored(ledger).size() == limits::kProducersMax);
}

BOOST_AUTO_TEST_CASE(damaged_bytes_are_refused) {
  ProducerLedger ledger;
  take(ledger, "a", 1, 1);
  Bytes bytes = ledger.encode();
  bytes.pop_back();
  BOOST_TEST((ProducerLedger::decode(bytes).status().code() == Code::corrupted));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace millrace
