#include "worker/core/replica_core.hpp"

#include <boost/test/unit_test.hpp>

#include "tests/unit/core/ledger.hpp"

using namespace millrace;
using namespace millrace::test;

namespace {

Answer answer(std::uint32_t shard, std::uint64_t sequence, double number = 0) {
  Answer a;
  a.attempt = Attempt(1);
  a.shard = ShardId(shard);
  a.sequence = Sequence(sequence);
  a.slowest_active_round = Round(1'000'000);
  a.values = std::make_shared<NumberView>(number);
  return a;
}

ReplicaOptions options(std::uint32_t shards, MergeMode mode = MergeMode::async_average) {
  ReplicaOptions o;
  o.attempt = Attempt(1);
  o.shards = shards;
  o.mode = mode;
  o.max_staleness = 3;
  return o;
}

ReplicaCore ready_replica(std::uint32_t shards, MergeMode mode = MergeMode::async_average) {
  ReplicaCore replica(options(shards, mode));
  replica.start(Participation::active);
  for (std::uint32_t i = 0; i < shards; ++i) {
    Answer first = answer(i, 1);
    first.slowest_active_round = Round(0);
    replica.on_answer(first);
  }
  return replica;
}

PushContent content(std::uint32_t shards) {
  PushContent c;
  c.records = 1;
  c.payloads.assign(shards, std::make_shared<NumberPush>(1.0));
  return c;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(worker_core_replica_core)

BOOST_AUTO_TEST_CASE(nothing_is_trained_before_every_shard_has_answered) {
  ReplicaCore replica(options(2));
  BOOST_TEST(all<SendEntry>(replica.start(Participation::active)).size() == 2u);
  replica.on_answer(answer(0, 1));
  BOOST_TEST(replica.must_wait());
  replica.on_answer(answer(1, 1));
  BOOST_TEST(!replica.must_wait());
}

BOOST_AUTO_TEST_CASE(a_push_waits_until_all_entries_are_answered) {
  auto replica = ready_replica(2);
  replica.push(content(2));
  BOOST_TEST(!replica.can_push());
  replica.on_answer(answer(0, 2));
  BOOST_TEST(!replica.can_push());
  BOOST_TEST(all<OutboxDrained>(replica.on_answer(answer(1, 2))).size() == 1u);
  BOOST_TEST(replica.can_push());
}

BOOST_AUTO_TEST_CASE(an_outbox_holds_a_push_a_barrier_push_and_a_barrier_and_no_more) {
  auto replica = ready_replica(1);
  replica.push(content(1));
  replica.request_cut(CutId(1));
  const auto effects = replica.begin_cut(content(1));
  BOOST_TEST(all<TakeSnapshot>(effects).size() == 1u);
  BOOST_TEST(replica.unanswered(ShardId(0)) == 3u);
  replica.request_cut(CutId(2));
  BOOST_TEST(!replica.cut_due().has_value());
  replica.on_answer(answer(0, 3));
  BOOST_TEST((replica.cut_due() == CutId(2)));
}

BOOST_AUTO_TEST_CASE(what_is_sent_again_is_what_was_sent) {
  auto replica = ready_replica(1);
  const auto sent = replica.push(content(1));
  const auto again = replica.resend();
  const Entry& first = all<SendEntry>(sent)[0]->entry;
  const Entry& second = all<SendEntry>(again)[0]->entry;
  BOOST_TEST((first.payload == second.payload));
  BOOST_TEST((first.sequence == second.sequence));
  BOOST_TEST(first.weight == second.weight);
}

BOOST_AUTO_TEST_CASE(duplicate_and_old_answers_do_not_rebase) {
  auto replica = ready_replica(1);
  replica.push(content(1));
  BOOST_TEST(all<Rebase>(replica.on_answer(answer(0, 2))).size() == 1u);
  BOOST_TEST(all<Rebase>(replica.on_answer(answer(0, 2))).empty());
  BOOST_TEST(all<Rebase>(replica.on_answer(answer(0, 1))).empty());
  Answer old = answer(0, 3);
  old.attempt = Attempt(0);
  BOOST_TEST(all<Rebase>(replica.on_answer(old)).empty());
}

BOOST_AUTO_TEST_CASE(an_answer_stands_for_every_entry_through_its_number) {
  auto replica = ready_replica(1);
  replica.push(content(1));
  replica.request_cut(CutId(1));
  replica.begin_cut(content(1));
  const auto effects = replica.on_answer(answer(0, 4));
  BOOST_TEST(all<CutDrained>(effects).size() == 1u);
  BOOST_TEST(replica.is_drained());
}

BOOST_AUTO_TEST_CASE(no_elastic_answer_may_be_skipped) {
  auto replica = ready_replica(1, MergeMode::elastic);
  replica.push(content(1));
  replica.request_cut(CutId(1));
  replica.begin_cut(content(1));
  BOOST_TEST(all<Rebase>(replica.on_answer(answer(0, 3))).empty());
  BOOST_TEST(all<Rebase>(replica.on_answer(answer(0, 2))).size() == 1u);
  BOOST_TEST(all<Rebase>(replica.on_answer(answer(0, 3))).size() == 1u);
}

BOOST_AUTO_TEST_CASE(a_cut_is_taken_once_however_often_it_is_asked_for) {
  auto replica = ready_replica(1);
  replica.request_cut(CutId(1));
  replica.begin_cut(std::nullopt);
  replica.request_cut(CutId(1));
  replica.on_answer(answer(0, 2));
  BOOST_TEST(!replica.cut_due().has_value());
}

BOOST_AUTO_TEST_CASE(a_replica_waits_when_its_view_is_max_staleness_rounds_old) {
  auto replica = ready_replica(1);
  replica.push(content(1));
  Answer a = answer(0, 2);
  a.slowest_active_round = Round(0);
  for (int i = 0; i < 2; ++i) replica.end_round();
  BOOST_TEST(!replica.must_wait());
  replica.end_round();
  BOOST_TEST(replica.must_wait());
}

BOOST_AUTO_TEST_CASE(a_replica_that_leads_too_far_waits_and_asks_for_news) {
  auto replica = ready_replica(1);
  for (std::uint64_t i = 0; i < 4; ++i) {
    replica.end_round();
    replica.push(content(1));
    Answer a = answer(0, 2 + i);
    a.slowest_active_round = Round(0);
    replica.on_answer(a);
  }
  BOOST_TEST(replica.must_wait());
  BOOST_TEST(all<SendEntry>(replica.refresh()).size() == 1u);
  BOOST_TEST(replica.refresh().empty());
  Answer a = answer(0, 6);
  a.slowest_active_round = Round(1);
  replica.on_answer(a);
  BOOST_TEST(!replica.must_wait());
}

BOOST_AUTO_TEST_CASE(an_announcement_waits_for_an_empty_outbox) {
  auto replica = ready_replica(1);
  replica.push(content(1));
  BOOST_TEST(all<SendEntry>(replica.announce(Participation::idle)).empty());
  const auto effects = replica.on_answer(answer(0, 2));
  const auto sent = all<SendEntry>(effects);
  BOOST_REQUIRE_EQUAL(sent.size(), 1u);
  BOOST_TEST((sent[0]->entry.participation == Participation::idle));
}

BOOST_AUTO_TEST_CASE(the_weight_is_the_share_that_the_first_shard_told) {
  auto replica = ready_replica(2);
  replica.push(content(2));
  Answer a = answer(0, 2);
  a.recent_share = 0.25;
  replica.on_answer(a);
  replica.on_answer(answer(1, 2));
  const auto effects = replica.push(content(2));
  for (const SendEntry* send : all<SendEntry>(effects)) BOOST_TEST(send->entry.weight == 0.25);
}

BOOST_AUTO_TEST_CASE(in_synchronous_mode_a_cut_comes_right_after_the_named_round) {
  auto replica = ready_replica(1, MergeMode::synchronous);
  replica.request_cut(CutId(1));
  BOOST_TEST(!replica.cut_due().has_value());
  replica.push(content(1));
  BOOST_TEST(replica.must_wait());
  Answer a = answer(0, 2);
  a.cut_order = CutOrder{CutId(1), Round(2)};
  replica.on_answer(a);
  BOOST_TEST(!replica.cut_due().has_value());
  replica.push(content(1));
  BOOST_TEST((replica.cut_due() == CutId(1)));
  BOOST_TEST(all<TakeSnapshot>(replica.begin_cut(std::nullopt)).size() == 1u);
}

BOOST_AUTO_TEST_CASE(a_finished_replica_cuts_when_asked_even_in_synchronous_mode) {
  auto replica = ready_replica(1, MergeMode::synchronous);
  PushContent last = content(1);
  last.participation = Participation::finished;
  replica.push(last);
  replica.on_answer(answer(0, 2));
  replica.request_cut(CutId(1));
  BOOST_TEST((replica.cut_due() == CutId(1)));
}

BOOST_AUTO_TEST_SUITE_END()
