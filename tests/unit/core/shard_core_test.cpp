#include "worker/core/shard_core.hpp"

#include <boost/test/unit_test.hpp>
#include <limits>

#include "tests/unit/core/ledger.hpp"

using namespace millrace;
using namespace millrace::test;

namespace {

ShardCore make_shard(std::uint32_t replicas, MergeMode mode = MergeMode::async_sum,
                     std::size_t second_view = 1000) {
  ShardOptions options;
  options.attempt = Attempt(1);
  options.replicas = replicas;
  options.mode = mode;
  options.second_view_bytes_max = second_view;
  return ShardCore(options, std::make_unique<NumberValues>(0, mode == MergeMode::elastic), {},
                   CutId(0));
}

double answered(ShardCore& shard, const Entry& entry) {
  const auto effects = shard.on_entry(entry);
  const auto answers = all<SendAnswer>(effects);
  BOOST_REQUIRE(!answers.empty());
  return value_of(answers.back()->answer);
}

IgnoreReason ignored(ShardCore& shard, const Entry& entry) {
  const auto effects = shard.on_entry(entry);
  const auto reasons = all<EntryIgnored>(effects);
  BOOST_REQUIRE_EQUAL(reasons.size(), 1u);
  return reasons[0]->reason;
}

const NumberValues& values(const CutReady& ready) {
  return static_cast<const NumberValues&>(*ready.values);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(worker_core_shard_core)

BOOST_AUTO_TEST_CASE(a_duplicate_is_answered_and_not_applied) {
  auto shard = make_shard(1);
  BOOST_TEST(answered(shard, push_entry(0, 1, 5)) == 5.0);
  BOOST_TEST(answered(shard, push_entry(0, 1, 5)) == 5.0);
  BOOST_TEST(shard.live_ledger().pushes == 1u);
}

BOOST_AUTO_TEST_CASE(an_answer_again_names_the_last_entry_that_its_values_contain) {
  auto shard = make_shard(1);
  shard.on_entry(push_entry(0, 1, 5));
  shard.on_entry(push_entry(0, 2, 7));
  const auto effects = shard.on_entry(push_entry(0, 1, 5));
  const auto answers = all<SendAnswer>(effects);
  BOOST_TEST(answers[0]->answer.sequence.value == 2u);
  BOOST_TEST(value_of(answers[0]->answer) == 12.0);
}

BOOST_AUTO_TEST_CASE(an_elastic_push_that_comes_twice_gets_its_own_answer_again) {
  auto shard = make_shard(1, MergeMode::elastic);
  shard.on_entry(push_entry(0, 1, 5));
  shard.on_entry(push_entry(0, 2, 7));
  BOOST_TEST(answered(shard, push_entry(0, 1, 5)) == 5.0);
}

BOOST_AUTO_TEST_CASE(a_gap_is_never_skipped) {
  auto shard = make_shard(1);
  BOOST_TEST((ignored(shard, push_entry(0, 2, 5)) == IgnoreReason::gap));
  BOOST_TEST(shard.live_ledger().pushes == 0u);
}

BOOST_AUTO_TEST_CASE(an_entry_of_another_attempt_changes_nothing) {
  auto shard = make_shard(1);
  Entry entry = push_entry(0, 1, 5);
  entry.attempt = Attempt(2);
  BOOST_TEST((ignored(shard, entry) == IgnoreReason::old_attempt));
  entry.attempt = Attempt(0);
  BOOST_TEST((ignored(shard, entry) == IgnoreReason::old_attempt));
}

BOOST_AUTO_TEST_CASE(an_entry_for_another_shard_or_of_an_unknown_replica_changes_nothing) {
  auto shard = make_shard(1);
  Entry entry = push_entry(0, 1, 5);
  entry.shard = ShardId(1);
  BOOST_TEST((ignored(shard, entry) == IgnoreReason::wrong_address));
  BOOST_TEST((ignored(shard, push_entry(1, 1, 5)) == IgnoreReason::wrong_address));
}

BOOST_AUTO_TEST_CASE(a_refused_push_fails_the_attempt_and_nothing_more_is_applied) {
  auto shard = make_shard(1);
  const auto effects = shard.on_entry(push_entry(0, 1, std::numeric_limits<double>::quiet_NaN()));
  BOOST_TEST(all<ShardFailed>(effects).size() == 1u);
  BOOST_TEST((ignored(shard, push_entry(0, 1, 5)) == IgnoreReason::failed));
  BOOST_TEST(shard.live_ledger().pushes == 0u);
}

BOOST_AUTO_TEST_CASE(the_cut_holds_pushes_before_each_barrier_and_none_after) {
  auto shard = make_shard(2);
  shard.on_entry(push_entry(0, 1, 1));
  shard.on_entry(barrier_entry(0, 2, 1));
  shard.on_entry(push_entry(0, 3, 10));
  shard.on_entry(push_entry(1, 1, 100));
  const auto effects = shard.on_entry(barrier_entry(1, 2, 1));
  const auto ready = all<CutReady>(effects);
  BOOST_REQUIRE_EQUAL(ready.size(), 1u);
  BOOST_TEST(values(*ready[0]).number() == 101.0);
  BOOST_TEST(ready[0]->ledger.pushes == 2u);
  BOOST_TEST(shard.live_ledger().pushes == 3u);
}

BOOST_AUTO_TEST_CASE(a_replica_before_the_barrier_is_answered_from_the_cut) {
  auto shard = make_shard(2);
  shard.on_entry(barrier_entry(0, 1, 1));
  BOOST_TEST(answered(shard, push_entry(0, 2, 10)) == 10.0);
  BOOST_TEST(answered(shard, push_entry(1, 1, 1)) == 1.0);
  BOOST_TEST(answered(shard, barrier_entry(1, 2, 1)) == 11.0);
}

BOOST_AUTO_TEST_CASE(there_is_no_second_view_until_a_push_comes_from_behind_the_cut) {
  auto shard = make_shard(2);
  shard.on_entry(barrier_entry(0, 1, 1));
  shard.on_entry(push_entry(1, 1, 1));
  BOOST_TEST(!shard.has_second_view());
  shard.on_entry(push_entry(0, 2, 1));
  BOOST_TEST(shard.has_second_view());
}

BOOST_AUTO_TEST_CASE(a_second_view_beyond_its_memory_is_refused_and_training_goes_on) {
  auto shard = make_shard(2, MergeMode::async_sum, 99);
  shard.on_entry(barrier_entry(0, 1, 1));
  const auto effects = shard.on_entry(push_entry(0, 2, 10));
  BOOST_TEST(all<CutRefused>(effects).size() == 1u);
  BOOST_TEST(value_of(all<SendAnswer>(effects)[0]->answer) == 10.0);
  const auto late = shard.on_entry(barrier_entry(1, 1, 1));
  BOOST_TEST(all<CutReady>(late).empty());
}

BOOST_AUTO_TEST_CASE(a_late_barrier_of_an_aborted_cut_only_advances_the_count) {
  auto shard = make_shard(2);
  shard.on_entry(barrier_entry(0, 1, 1));
  shard.abort_cut(CutId(1));
  BOOST_TEST(all<CutReady>(shard.on_entry(barrier_entry(1, 1, 1))).empty());
  BOOST_TEST(!shard.aligning().has_value());
  BOOST_TEST(answered(shard, push_entry(1, 2, 3)) == 3.0);
}

BOOST_AUTO_TEST_CASE(a_newer_barrier_says_that_the_open_cut_was_aborted) {
  auto shard = make_shard(2);
  shard.on_entry(barrier_entry(0, 1, 1));
  shard.on_entry(push_entry(0, 2, 10));
  shard.on_entry(barrier_entry(1, 1, 2));
  BOOST_TEST((shard.aligning() == CutId(2)));
  const auto effects = shard.on_entry(barrier_entry(0, 3, 2));
  const auto ready = all<CutReady>(effects);
  BOOST_REQUIRE_EQUAL(ready.size(), 1u);
  BOOST_TEST(values(*ready[0]).number() == 10.0);
}

BOOST_AUTO_TEST_CASE(a_round_is_applied_in_replica_order_once_all_are_there) {
  ShardOptions options;
  options.attempt = Attempt(1);
  options.replicas = 2;
  options.mode = MergeMode::synchronous;
  auto owned = std::make_unique<NumberValues>(0);
  const NumberValues& numbers = *owned;
  ShardCore shard(options, std::move(owned), {}, CutId(0));
  BOOST_TEST(shard.on_entry(push_entry(1, 1, 8, 3)).empty());
  const auto effects = shard.on_entry(push_entry(0, 1, 4, 1));
  BOOST_TEST(all<SendAnswer>(effects).size() == 2u);
  BOOST_TEST(numbers.number() == 4 * 0.25 + 8 * 0.75);
  BOOST_TEST((numbers.order == std::vector<ReplicaId>{ReplicaId(0), ReplicaId(1)}));
}

BOOST_AUTO_TEST_CASE(a_round_does_not_wait_for_finished_replicas_who_still_take_barriers) {
  auto shard = make_shard(2, MergeMode::synchronous);
  Entry last = push_entry(1, 1, 8);
  last.participation = Participation::finished;
  shard.on_entry(last);
  BOOST_TEST(all<SendAnswer>(shard.on_entry(push_entry(0, 1, 4))).size() == 2u);
  BOOST_TEST(all<SendAnswer>(shard.on_entry(push_entry(0, 2, 4))).size() == 1u);
  BOOST_TEST(all<CutReady>(shard.on_entry(barrier_entry(0, 3, 1))).empty());
  BOOST_TEST(all<CutReady>(shard.on_entry(barrier_entry(1, 2, 1))).size() == 1u);
}

BOOST_AUTO_TEST_CASE(the_first_shard_names_the_round_after_which_all_cut) {
  auto shard = make_shard(2, MergeMode::synchronous);
  shard.request_cut(CutId(1));
  shard.on_entry(push_entry(0, 1, 1));
  const auto effects = shard.on_entry(push_entry(1, 1, 1));
  for (const SendAnswer* send : all<SendAnswer>(effects)) {
    BOOST_REQUIRE(send->answer.cut_order.has_value());
    BOOST_TEST((*send->answer.cut_order == CutOrder{CutId(1), Round(1)}));
  }
}

BOOST_AUTO_TEST_CASE(a_barrier_waits_for_the_round_before_it) {
  auto shard = make_shard(2, MergeMode::synchronous);
  shard.on_entry(push_entry(0, 1, 1));
  BOOST_TEST(shard.on_entry(barrier_entry(0, 2, 1)).empty());
  shard.on_entry(push_entry(1, 1, 1));
  BOOST_TEST(all<CutReady>(shard.on_entry(barrier_entry(1, 2, 1))).size() == 1u);
}

BOOST_AUTO_TEST_CASE(a_lone_replica_has_a_share_of_exactly_one) {
  auto shard = make_shard(2);
  Entry bye = push_entry(1, 1, 1);
  bye.participation = Participation::finished;
  shard.on_entry(bye);
  const auto effects = shard.on_entry(push_entry(0, 1, 1, 7));
  BOOST_TEST(all<SendAnswer>(effects)[0]->answer.recent_share == 1.0);
}

BOOST_AUTO_TEST_CASE(equal_replicas_get_equal_shares) {
  auto shard = make_shard(2);
  double share = 0;
  for (std::uint64_t i = 1; i <= 100; ++i) {
    for (std::uint32_t replica : {0u, 1u}) {
      const auto effects = shard.on_entry(push_entry(replica, i, 1, 32));
      share = all<SendAnswer>(effects)[0]->answer.recent_share;
    }
  }
  BOOST_TEST(share == 0.5, boost::test_tools::tolerance(0.01));
}

BOOST_AUTO_TEST_CASE(idle_replicas_do_not_count_as_slowest_and_rejoin_at_the_round_of_the_others) {
  auto shard = make_shard(2);
  Entry idle = push_entry(1, 1, 1);
  idle.participation = Participation::idle;
  shard.on_entry(idle);
  Entry entry = push_entry(0, 1, 1);
  entry.round = Round(9);
  auto effects = shard.on_entry(entry);
  BOOST_TEST(all<SendAnswer>(effects)[0]->answer.slowest_active_round.value == 9u);
  effects = shard.on_entry(push_entry(1, 2, 1));
  BOOST_TEST(all<SendAnswer>(effects)[0]->answer.slowest_active_round.value == 9u);
}

BOOST_AUTO_TEST_SUITE_END()
