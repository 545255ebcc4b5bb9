#include "worker/core/release_plan.hpp"

#include <boost/test/unit_test.hpp>

namespace millrace {
namespace {

using Effects = std::vector<ReleaseEffect>;
using Mark = std::optional<LaneMark>;

constexpr std::uint64_t kMine = 7, kOther = 8;

template <typename Effect>
std::size_t count(const Effects& effects) {
  return static_cast<std::size_t>(std::ranges::count_if(
      effects, [](const auto& effect) { return std::holds_alternative<Effect>(effect); }));
}
std::optional<CutId> written(const Effects& effects) {
  for (const auto& effect : effects) {
    if (const auto* write = std::get_if<release::Write>(&effect)) return write->cut;
  }
  return std::nullopt;
}
std::optional<CutId> released(const Effects& effects) {
  for (const auto& effect : effects) {
    if (const auto* done = std::get_if<release::Released>(&effect)) return done->cut;
  }
  return std::nullopt;
}

ReleasePlan fresh() {
  return ReleasePlan({.incarnation = kMine});
}
// Restored from cut 5, which holds what was put out before cuts 3 and 5.
ReleasePlan restored(bool is_claimed = true) {
  return ReleasePlan({.incarnation = kMine,
                      .is_claimed = is_claimed,
                      .complete = CutId(5),
                      .batches = {CutId(3), CutId(5)}});
}
Effects opened(ReleasePlan& plan, Mark mark = std::nullopt) {
  BOOST_TEST(count<release::Open>(plan.start()) == 1u);
  return plan.on_opened(mark);
}

const Status kAway(Code::unreachable, "no broker");

}  // namespace

BOOST_AUTO_TEST_SUITE(worker_core_release_plan)

BOOST_AUTO_TEST_CASE(a_batch_waits_for_its_cut_to_be_complete) {
  auto plan = fresh();
  BOOST_TEST(opened(plan).empty());
  plan.on_batch(CutId(1));
  BOOST_TEST(plan.on_tick(ReleasePlan::Milliseconds(100'000)).empty());
  BOOST_TEST((written(plan.on_complete(CutId(1))) == CutId(1)));
  BOOST_TEST((released(plan.on_written({})) == CutId(1)));
  BOOST_TEST(plan.batches().empty());
  BOOST_TEST(!plan.is_behind());
}

BOOST_AUTO_TEST_CASE(an_abandoned_cuts_batch_goes_with_the_next_complete_one) {
  auto plan = fresh();
  (void)opened(plan);
  plan.on_batch(CutId(1));  // abandoned
  plan.on_batch(CutId(2));
  BOOST_TEST((written(plan.on_complete(CutId(2))) == CutId(1)));
  const auto next = plan.on_written({});
  BOOST_TEST((written(next) == CutId(2)));
  BOOST_TEST(!released(next));
  BOOST_TEST((released(plan.on_written({})) == CutId(2)));
}

BOOST_AUTO_TEST_CASE(a_cut_without_outputs_is_released_without_a_transaction) {
  auto plan = fresh();
  (void)opened(plan);
  const auto effects = plan.on_complete(CutId(4));
  BOOST_TEST((released(effects) == CutId(4)));
  BOOST_TEST(effects.size() == 1u);
}

BOOST_AUTO_TEST_CASE(what_the_mark_says_is_there_is_not_written_again) {
  auto plan = restored();
  BOOST_TEST((written(opened(plan, LaneMark{kMine, CutId(3)})) == CutId(5)));
  auto all = restored();
  const auto effects = opened(all, LaneMark{kMine, CutId(5)});
  BOOST_TEST(!written(effects));
  BOOST_TEST((released(effects) == CutId(5)));
}

BOOST_AUTO_TEST_CASE(without_anything_written_before_a_foreign_mark_means_nothing) {
  auto plan = restored(false);
  BOOST_TEST((written(opened(plan, LaneMark{kOther, CutId(90)})) == CutId(3)));
}

BOOST_AUTO_TEST_CASE(a_lane_that_another_job_has_taken_is_left_alone) {
  auto plan = restored();
  const auto effects = opened(plan, LaneMark{kOther, CutId(1)});
  BOOST_TEST(count<release::Overtaken>(effects) == 1u);
  BOOST_TEST(effects.size() == 1u);
  BOOST_TEST(plan.on_complete(CutId(6)).empty());
  BOOST_TEST(plan.on_tick(ReleasePlan::Milliseconds(100'000)).empty());
}

BOOST_AUTO_TEST_CASE(a_fenced_writer_that_was_replaced_finds_out_before_it_writes_again) {
  auto plan = fresh();
  (void)opened(plan);
  plan.on_batch(CutId(1));
  (void)plan.on_complete(CutId(1));
  (void)plan.on_written({});
  plan.on_batch(CutId(2));
  BOOST_TEST((written(plan.on_complete(CutId(2))) == CutId(2)));
  (void)plan.on_written(Status(Code::conflict, "fenced"));
  BOOST_TEST(count<release::Open>(plan.on_tick(ReleasePlan::kBackoffFirst)) == 1u);
  const auto effects = plan.on_opened(Mark(LaneMark{kOther, CutId(1)}));
  BOOST_TEST(count<release::Overtaken>(effects) == 1u);
  BOOST_TEST(!written(effects));
}

BOOST_AUTO_TEST_CASE(a_commit_without_answer_is_settled_by_the_mark) {
  for (const bool has_arrived : {false, true}) {
    auto plan = fresh();
    (void)opened(plan);
    plan.on_batch(CutId(1));
    (void)plan.on_complete(CutId(1));
    const auto failed = plan.on_written(Status(Code::timed_out, "no answer"));
    BOOST_TEST(count<release::Trouble>(failed) == 1u);
    BOOST_TEST(count<release::Open>(plan.on_tick(ReleasePlan::kBackoffFirst)) == 1u);
    const auto effects = plan.on_opened(has_arrived ? Mark(LaneMark{kMine, CutId(1)}) : Mark());
    BOOST_TEST(written(effects).has_value() == !has_arrived);
    BOOST_TEST(released(effects).has_value() == has_arrived);
  }
}

BOOST_AUTO_TEST_CASE(a_sink_that_is_away_is_tried_again_ever_more_rarely) {
  auto plan = fresh();
  (void)plan.start();
  auto now = ReleasePlan::Milliseconds(0);
  auto pause = ReleasePlan::kBackoffFirst;
  for (int i = 0; i < 12; ++i) {
    (void)plan.on_opened(kAway);
    BOOST_TEST(plan.on_tick(now + pause - ReleasePlan::Milliseconds(1)).empty());
    now += pause;
    BOOST_TEST(count<release::Open>(plan.on_tick(now)) == 1u);
    pause = std::min(pause * 2, ReleasePlan::kBackoffLast);
  }
  BOOST_TEST((pause == ReleasePlan::kBackoffLast));
}

BOOST_AUTO_TEST_CASE(the_lane_is_taken_over_even_where_nothing_is_left_to_write) {
  ReleasePlan plan({.incarnation = kMine, .is_claimed = true, .complete = CutId(5)});
  BOOST_TEST(count<release::Open>(plan.start()) == 1u);
  BOOST_TEST(!released(plan.on_complete(CutId(5))));  // others may still be writing
  BOOST_TEST((released(plan.on_opened(Mark(LaneMark{kMine, CutId(4)}))) == CutId(5)));
}

BOOST_AUTO_TEST_CASE(a_mark_of_a_later_cut_than_the_restored_one_is_told) {
  auto plan = restored();
  const auto effects = opened(plan, LaneMark{kMine, CutId(9)});
  BOOST_TEST(count<release::Repeated>(effects) == 1u);
  BOOST_TEST(!written(effects));
  plan.on_batch(CutId(10));
  BOOST_TEST((written(plan.on_complete(CutId(10))) == CutId(10)));
}

BOOST_AUTO_TEST_CASE(a_mark_that_was_forgotten_is_told_and_what_is_in_hand_is_written) {
  auto plan = restored();
  const auto effects = opened(plan);
  BOOST_TEST(count<release::Repeated>(effects) == 1u);
  BOOST_TEST((written(effects) == CutId(3)));
}

BOOST_AUTO_TEST_CASE(answers_that_nobody_waits_for_change_nothing) {
  auto plan = fresh();
  BOOST_TEST(plan.on_opened(Mark()).empty());
  BOOST_TEST(plan.on_written({}).empty());
  (void)opened(plan);
  plan.on_batch(CutId(1));
  BOOST_TEST(plan.on_written({}).empty());
  BOOST_TEST(plan.batches().size() == 1u);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace millrace
