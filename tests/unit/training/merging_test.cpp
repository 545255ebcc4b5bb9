#include "tests/unit/training/merging.hpp"

#include <cmath>
#include <limits>

#include "worker/training/message_codec.hpp"

namespace millrace {
namespace {

using test::Merging;

constexpr std::size_t kDense = 3;          // a float of the dense block
constexpr std::size_t kRow4 = 32 + 4 * 2;  // the first float of table row 4

BOOST_AUTO_TEST_SUITE(unit_training_merging)

BOOST_AUTO_TEST_CASE(a_view_replaces_what_was_pushed_and_keeps_what_was_learned_since) {
  for (const std::uint32_t shards : {1u, 3u}) {
    Merging m(MergeMode::async_average, PushKind::delta, OptimizerKind::sgd, shards);
    BOOST_TEST(m.theta(0)[kDense] == 3.0f);
    m.theta(0)[kDense] += 1.0f;
    m.theta(0)[kRow4] += 2.0f;
    m.replica(0).touched() = {4, 4};
    const auto push = m.replica(0).freeze();
    m.replica(0).sent(Sequence(2), push);
    m.theta(0)[kDense] += 10.0f;  // learned while the push is on its way
    m.apply(0, push, 0.5);
    BOOST_TEST(m.merged()[kDense] == 3.5f);
    BOOST_TEST(m.merged()[kRow4] == 41.0f);
    m.tell(0, Sequence(2), push);
    BOOST_TEST(m.theta(0)[kDense] == 13.5f);
    BOOST_TEST(m.theta(0)[kRow4] == 41.0f);
  }
}

BOOST_AUTO_TEST_CASE(a_push_still_under_way_is_not_lost_by_an_older_answer) {
  Merging m(MergeMode::async_sum, PushKind::delta, OptimizerKind::sgd, 2);
  m.theta(0)[kDense] += 1.0f;
  const auto first = m.replica(0).freeze();
  m.replica(0).sent(Sequence(2), first);
  m.theta(0)[kDense] += 5.0f;
  const auto second = m.replica(0).freeze();
  m.replica(0).sent(Sequence(3), second);
  m.apply(0, first, 1.0);
  m.tell(0, Sequence(2), first);
  BOOST_TEST(m.theta(0)[kDense] == 9.0f);
  m.apply(0, second, 1.0);
  m.tell(0, Sequence(3), second);
  BOOST_TEST(m.theta(0)[kDense] == 9.0f);
  BOOST_TEST(m.merged()[kDense] == 9.0f);
}

BOOST_AUTO_TEST_CASE(a_replica_hears_of_rows_that_others_changed) {
  Merging m(MergeMode::async_sum, PushKind::delta, OptimizerKind::sgd, 2);
  m.theta(1)[kRow4] += 8.0f;
  m.replica(1).touched() = {4};
  const auto theirs = m.replica(1).freeze();
  m.apply(1, theirs, 1.0);
  const auto mine = m.replica(0).freeze();
  m.replica(0).sent(Sequence(2), mine);
  m.apply(0, mine, 1.0);
  m.tell(0, Sequence(2), mine);
  BOOST_TEST(m.theta(0)[kRow4] == 48.0f);
}

BOOST_AUTO_TEST_CASE(an_answer_given_again_takes_no_row_from_the_next) {
  Merging m(MergeMode::async_sum, PushKind::delta, OptimizerKind::sgd, 2);
  m.theta(1)[kRow4] += 8.0f;
  m.replica(1).touched() = {4};
  m.apply(1, m.replica(1).freeze(), 1.0);
  m.answer(0, {});  // to an entry that came twice: the replica refuses it
  const auto mine = m.replica(0).freeze();
  m.replica(0).sent(Sequence(2), mine);
  m.apply(0, mine, 1.0);
  m.tell(0, Sequence(2), mine);
  BOOST_TEST(m.theta(0)[kRow4] == 48.0f);
}

BOOST_AUTO_TEST_CASE(a_push_whose_answer_was_overtaken_is_not_kept) {
  Merging m(MergeMode::async_sum, PushKind::delta, OptimizerKind::sgd, 2);
  auto first = m.replica(0).freeze();
  m.replica(0).sent(Sequence(2), first);
  const auto second = m.replica(0).freeze();
  m.replica(0).sent(Sequence(3), second);
  m.apply(0, first, 1.0);
  m.apply(0, second, 1.0);
  m.tell(0, Sequence(3), second);
  const std::weak_ptr<ParameterPush> overtaken = first[0];
  first.clear();
  BOOST_TEST(overtaken.expired());
}

BOOST_AUTO_TEST_CASE(a_push_is_kept_until_every_shard_has_answered) {
  constexpr std::size_t kOfShard1 = 20;
  Merging m(MergeMode::async_sum, PushKind::delta, OptimizerKind::sgd, 2);
  const auto first = m.replica(0).freeze();
  m.replica(0).sent(Sequence(2), first);
  m.theta(0)[kOfShard1] += 5.0f;
  const auto second = m.replica(0).freeze();
  m.replica(0).sent(Sequence(3), second);
  m.apply(0, first, 1.0);
  const auto early = m.answer(0, first);
  m.apply(0, second, 1.0);
  const auto late = m.answer(0, second);
  m.replica(0).rebase(ShardId(0), Sequence(3), late[0]);
  m.replica(0).rebase(ShardId(1), Sequence(2), early[1]);
  BOOST_TEST(m.theta(0)[kOfShard1] == 25.0f);
  m.replica(0).rebase(ShardId(1), Sequence(3), late[1]);
  BOOST_TEST(m.theta(0)[kOfShard1] == 25.0f);
}

BOOST_AUTO_TEST_CASE(slots_travel_only_where_replicas_step_the_optimiser) {
  Merging deltas(MergeMode::async_average, PushKind::delta, OptimizerKind::adam, 1);
  BOOST_TEST(deltas.answer(0, {})[0]->vectors.size() == 3u);
  Merging gradients(MergeMode::async_gradient, PushKind::gradient, OptimizerKind::adam, 1);
  BOOST_TEST(gradients.answer(0, {})[0]->vectors.size() == 1u);
}

// Of Adam with a filter, after each of `pushes` pushes that gained 1 in theta and in both slots.
std::vector<std::size_t> vectors_of(Merging& m, std::uint64_t pushes) {
  std::vector<std::size_t> vectors;
  for (std::uint64_t sequence = 2; sequence < pushes + 2; ++sequence) {
    auto& state = m.replica(0).state();
    state.theta[kDense] += 1.0f;
    for (auto& slot : state.slots) slot[kDense] += 1.0f;
    const auto push = m.replica(0).freeze(PushExtent::filtered);
    m.replica(0).sent(Sequence(sequence), push);
    m.apply(0, push, 0.5);
    const auto views = m.answer(0, push);
    BOOST_TEST(views[0]->vectors.size() == push[0]->vectors.size());
    m.replica(0).rebase(ShardId(0), Sequence(sequence), views[0]);
    vectors.push_back(push[0]->vectors.size());
  }
  return vectors;
}

BOOST_AUTO_TEST_CASE(slots_wait_for_a_push_that_takes_them_along) {
  Merging m(MergeMode::async_average, PushKind::delta, OptimizerKind::adam, 1, {.slots_every = 3},
            Merging::kWithoutTable);
  BOOST_TEST(vectors_of(m, 4) == (std::vector<std::size_t>{1, 1, 3, 1}),
             boost::test_tools::per_element());
  BOOST_TEST(m.merged()[kDense] == 5.0f);
  BOOST_TEST(m.shard(0).state().parameters.slots[0][kDense] == 1.5f);
  // Half of three gains was answered, and one has not been pushed.
  BOOST_TEST(m.replica(0).state().slots[0][kDense] == 2.5f);
  BOOST_TEST(m.replica(0).holds_back());
}

BOOST_AUTO_TEST_CASE(a_flush_leaves_no_slot_behind) {
  Merging m(MergeMode::async_average, PushKind::delta, OptimizerKind::adam, 1, {.slots_every = 100},
            Merging::kWithoutTable);
  (void)vectors_of(m, 4);
  const auto push = m.replica(0).freeze(PushExtent::whole);
  m.apply(0, push, 0.5);
  BOOST_TEST(m.shard(0).state().parameters.slots[1][kDense] == 2.0f);
  BOOST_TEST(!m.replica(0).holds_back());
}

BOOST_AUTO_TEST_CASE(slots_under_way_are_not_lost_by_an_answer_without_them) {
  Merging m(MergeMode::async_average, PushKind::delta, OptimizerKind::adam, 1, {.slots_every = 2},
            Merging::kWithoutTable);
  auto& slot = m.replica(0).state().slots[0];
  const auto push_next = [&](std::uint64_t sequence) {
    slot[kDense] += 1.0f;
    auto push = m.replica(0).freeze(PushExtent::filtered);
    m.replica(0).sent(Sequence(sequence), push);
    return push;
  };
  const auto bare = push_next(2);
  const auto full = push_next(3);
  const auto late = push_next(4);
  m.apply(0, bare, 0.5);
  m.tell(0, Sequence(2), bare);
  BOOST_TEST(slot[kDense] == 3.0f);
  m.apply(0, full, 0.5);
  m.apply(0, late, 0.5);
  m.tell(0, Sequence(4), late);  // the answer to `full` got lost
  BOOST_TEST(slot[kDense] == 3.0f);
  const auto last = push_next(5);
  m.apply(0, last, 0.5);
  m.tell(0, Sequence(5), last);
  BOOST_TEST(slot[kDense] == 2.0f);
  BOOST_TEST(m.shard(0).state().parameters.slots[0][kDense] == 2.0f);
}

// Two replicas' second moments decay alike from one base; what the first is told of and decays
// from there must not cost the shard more than is there.
BOOST_AUTO_TEST_CASE(averages_that_decay_between_rare_pushes_never_vanish) {
  Merging m(MergeMode::async_average, PushKind::delta, OptimizerKind::adam, 1, {},
            Merging::kWithoutTable);
  constexpr std::size_t kSecond = 1;
  const auto moment = [&](std::uint32_t id) -> float& {
    return m.replica(id).state().slots[kSecond][kDense];
  };
  const auto push = [&](std::uint32_t id, std::uint64_t sequence) {
    const auto payloads = m.replica(id).freeze();
    m.replica(id).sent(Sequence(sequence), payloads);
    m.apply(id, payloads, 0.5);
    m.tell(id, Sequence(sequence), payloads);
    return m.shard(0).state().parameters.slots[kSecond][kDense];
  };
  moment(0) = 100.0f;
  (void)push(0, 2);
  (void)push(1, 2);
  for (std::uint64_t round = 3; round < 40; ++round) {
    for (const std::uint32_t id : {0u, 1u}) {
      moment(id) *= 0.1f;
      BOOST_TEST(push(id, round) > 0.0f);
      BOOST_TEST(moment(id) > 0.0f);
    }
  }
  BOOST_TEST(moment(0) < 1e-3f);
}

// A replica that learns the same small step between pushes; afterwards the sums of what it learned
// and of what the shards took.
BOOST_AUTO_TEST_CASE(what_rounding_takes_off_a_push_comes_with_a_later_one) {
  for (const auto& layout : {Merging::kWithTable, Merging::kWithoutTable}) {
    Merging m(MergeMode::async_average, PushKind::delta, OptimizerKind::sgd, 2,
              {.precision = Precision::bfloat16}, layout);
    const auto start = m.merged();
    constexpr float kStep = 0.01234567f;
    for (std::uint64_t sequence = 2; sequence < 200; ++sequence) {
      m.theta(0)[kDense] += kStep;
      const bool is_last = sequence == 199;
      const auto push = m.replica(0).freeze(is_last ? PushExtent::whole : PushExtent::filtered);
      BOOST_TEST((push[0]->precision == (is_last ? Precision::float32 : Precision::bfloat16)));
      BOOST_TEST(m.replica(0).holds_back() == !is_last);
      m.replica(0).sent(Sequence(sequence), push);
      m.apply(0, push, 1.0);
      const auto views = m.answer(0, push);
      BOOST_TEST((views[1]->precision == push[1]->precision));
      for (std::uint32_t shard = 0; shard < 2; ++shard)
        m.replica(0).rebase(ShardId(shard), Sequence(sequence), views[shard]);
    }
    const float end = m.merged()[kDense];
    BOOST_TEST(end - start[kDense] == 198 * kStep, boost::test_tools::tolerance(1e-4f));
    BOOST_TEST(m.theta(0)[kDense] == end, boost::test_tools::tolerance(1e-6f));
  }
}

// Nothing would fetch the rest of a row that is never trained again.
BOOST_AUTO_TEST_CASE(rows_are_never_rounded) {
  Merging m(MergeMode::async_average, PushKind::delta, OptimizerKind::sgd, 1,
            {.precision = Precision::bfloat16});
  m.theta(0)[kRow4] += 0.3f;
  m.replica(0).touched() = {4};
  Entry entry;
  entry.sequence = Sequence(2);
  entry.payload = m.replica(0).freeze(PushExtent::filtered)[0];
  const auto arrived = decode_message<Entry>(encode_message(entry).value().join());
  BOOST_REQUIRE(arrived.is_ok());
  const auto& push = static_cast<const ParameterPush&>(*arrived.value().payload);
  BOOST_TEST((push.precision == Precision::bfloat16));
  BOOST_TEST(push.vectors[0].row_values[0] == 0.3f, boost::test_tools::tolerance(1e-4f));
}

// What arrives of a view in two bytes a number is what later gains are counted from.
BOOST_AUTO_TEST_CASE(a_rounded_answer_gains_nothing) {
  Merging m(MergeMode::async_average, PushKind::delta, OptimizerKind::sgd, 1,
            {.precision = Precision::bfloat16}, Merging::kWithoutTable);
  m.theta(0)[kDense] += 0.3f;
  const auto push = m.replica(0).freeze(PushExtent::filtered);
  m.replica(0).sent(Sequence(2), push);
  m.apply(0, push, 0.5);
  Answer answer;
  answer.sequence = Sequence(2);
  answer.values = m.answer(0, push)[0];
  const auto arrived = decode_message<Answer>(encode_message(answer).value().join());
  BOOST_REQUIRE(arrived.is_ok());
  const auto view = std::static_pointer_cast<const ParameterView>(arrived.value().values);
  const float exact = m.merged()[kDense], rounded = view->vectors[0].dense[kDense];
  BOOST_TEST(rounded != exact);
  BOOST_TEST(rounded == exact, boost::test_tools::tolerance(1.0f / 256));
  m.replica(0).rebase(ShardId(0), Sequence(2), view);
  const auto rest = m.replica(0).freeze(PushExtent::whole);
  // Only what the first push rounded off.
  BOOST_TEST(std::abs(rest[0]->vectors[0].dense[kDense]) < 0.3f / 256);
}

BOOST_AUTO_TEST_CASE(sums_and_rows_never_wait) {
  Merging sums(MergeMode::async_average, PushKind::delta, OptimizerKind::adagrad, 1,
               {.slots_every = 3}, Merging::kWithoutTable);
  Merging rows(MergeMode::async_average, PushKind::delta, OptimizerKind::adam, 1,
               {.slots_every = 3});
  BOOST_TEST(vectors_of(sums, 2) == (std::vector<std::size_t>{2, 2}),
             boost::test_tools::per_element());
  BOOST_TEST(vectors_of(rows, 2) == (std::vector<std::size_t>{3, 3}),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_gradient_is_applied_by_the_shard_and_theta_is_handed_over) {
  for (const std::uint32_t shards : {1u, 2u}) {
    Merging m(MergeMode::async_gradient, PushKind::gradient, OptimizerKind::sgd, shards);
    Gradient gradient;
    gradient.dense.assign(32, 0.0f);
    gradient.dense[kDense] = 2.0f;
    gradient.rows = {4};
    gradient.row_values.assign(2, 4.0f);
    const auto push = m.replica(0).freeze_gradient(std::move(gradient), 1.0);
    m.replica(0).sent(Sequence(2), push);
    m.apply(0, push, 1.0);
    m.tell(0, Sequence(2), push);
    BOOST_TEST(m.theta(0)[kDense] == 2.0f);
    BOOST_TEST(m.theta(0)[kRow4] == 38.0f);
    BOOST_TEST(m.theta(0)[kDense] == m.merged()[kDense]);
  }
}

BOOST_AUTO_TEST_CASE(elastic_centre_and_replica_meet_half_way) {
  Merging m(MergeMode::elastic, PushKind::position, OptimizerKind::sgd, 1);
  const auto start = m.merged();
  for (std::size_t i = 0; i < start.size(); ++i) m.theta(0)[i] = start[i];
  m.theta(0)[kDense] += 4.0f;
  const auto push = m.replica(0).freeze();
  m.replica(0).sent(Sequence(2), push);
  m.apply(0, push, 1.0);
  m.tell(0, Sequence(2), push);
  BOOST_TEST(m.merged()[kDense] == 5.0f);
  BOOST_TEST(m.theta(0)[kDense] == 5.0f);
}

BOOST_AUTO_TEST_CASE(second_moments_stay_non_negative) {
  Merging m(MergeMode::async_average, PushKind::delta, OptimizerKind::adam, 1);
  auto& moments = m.replica(0).state().slots[1];
  moments[kDense] -= 100.0f;
  const auto push = m.replica(0).freeze();
  m.apply(0, push, 1.0);
  BOOST_TEST(m.shard(0).state().parameters.slots[1][kDense] == 0.0f);
}

BOOST_AUTO_TEST_CASE(a_push_that_is_not_finite_is_refused_before_and_at_the_shard) {
  for (const float bad :
       {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(), 1e31f}) {
    Merging m(MergeMode::async_sum, PushKind::delta, OptimizerKind::sgd, 1);
    m.theta(0)[kDense] = bad;
    const auto push = m.replica(0).freeze();
    BOOST_TEST((check_bounded(*push[0]).code() == Code::job_failed));
    BOOST_TEST((m.shard(0).check(*push[0]).code() == Code::job_failed));
  }
}

BOOST_AUTO_TEST_CASE(scalars_and_statistics_that_are_not_finite_are_refused) {
  for (const double bad :
       {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) {
    ParameterPush push;
    BOOST_TEST(check_bounded(push).is_ok());
    push.scalars = {0.0, bad};
    BOOST_TEST((check_bounded(push).code() == Code::job_failed));
    push.scalars = {};
    push.statistics = {bad};
    BOOST_TEST((check_bounded(push).code() == Code::job_failed));
  }
}

BOOST_AUTO_TEST_CASE(a_push_of_another_shape_is_refused) {
  Merging m(MergeMode::async_average, PushKind::delta, OptimizerKind::adam, 1);
  BOOST_TEST(m.shard(0).check(*m.replica(0).freeze_nothing()[0]).is_ok());
  const auto refuses = [&](auto change) {
    const auto push = m.replica(0).freeze()[0];
    BOOST_REQUIRE(m.shard(0).check(*push).is_ok());
    change(*push);
    return m.shard(0).check(*push).code() == Code::invalid_argument;
  };
  BOOST_TEST(refuses([](ParameterPush& push) { push.vectors.push_back(push.vectors[0]); }));
  BOOST_TEST(refuses([](ParameterPush& push) { push.vectors.pop_back(); }));
  BOOST_TEST(refuses([](ParameterPush& push) { push.scalars.push_back(0.0); }));
  BOOST_TEST(refuses([](ParameterPush& push) { push.kind = PushKind::gradient; }));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace millrace
