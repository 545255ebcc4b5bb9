#include <boost/test/unit_test.hpp>

#include "common/ml/kernels/merge_kernels.hpp"
#include "tests/unit/ml/each_target.hpp"

namespace millrace {
namespace {

constexpr std::size_t kCount = 53;  // whole vectors and a rest

AlignedVector<float> ramp(float start, float step) {
  AlignedVector<float> values(kCount);
  for (std::size_t i = 0; i < kCount; ++i) values[i] = start + step * static_cast<float>(i);
  return values;
}

BOOST_AUTO_TEST_SUITE(unit_ml_merge_kernels)

BOOST_AUTO_TEST_CASE(gains_and_rebases_undo_each_other) {
  test::for_each_target([] {
    const auto start = ramp(1.0f, 0.5f);
    auto now = ramp(2.0f, 0.75f), base = start;
    AlignedVector<float> gain(kCount);
    kernels::take_gain(now.data(), kCount, base.data(), gain.data());
    BOOST_TEST(base == now, boost::test_tools::per_element());
    for (std::size_t i = 0; i < kCount; ++i) BOOST_TEST(gain[i] == now[i] - start[i]);
    now[7] += 3.0f;
    const auto answer = ramp(-4.0f, 0.25f);
    kernels::rebase(answer.data(), kCount, -1e30f, now.data(), base.data());
    for (std::size_t i = 0; i < kCount; ++i) {
      BOOST_TEST(now[i] == answer[i] + (i == 7 ? 3.0f : 0.0f));
      BOOST_TEST(base[i] == answer[i]);
    }
    kernels::rebase(answer.data(), kCount, 0.0f, now.data(), base.data());
    for (const float value : now) BOOST_TEST(value >= 0.0f);
  });
}

BOOST_AUTO_TEST_CASE(bounded_merges_stay_within_their_bounds) {
  test::for_each_target([] {
    const auto gain = ramp(-20.0f, 1.0f);
    auto floor = ramp(0.0f, 0.1f), top = ramp(5.0f, 0.0f);
    const auto before = floor;
    kernels::merge_non_negative(0.5f, gain.data(), kCount, floor.data());
    kernels::merge_max(gain.data(), kCount, top.data());
    for (std::size_t i = 0; i < kCount; ++i) {
      BOOST_TEST(floor[i] == std::max(0.0f, before[i] + 0.5f * gain[i]),
                 boost::test_tools::tolerance(1e-6f));
      BOOST_TEST(top[i] == std::max(5.0f, gain[i]));
    }
  });
}

BOOST_AUTO_TEST_CASE(what_is_pulled_together_moves_by_equal_steps) {
  test::for_each_target([] {
    auto centre = ramp(0.0f, 1.0f);
    const auto replica = ramp(8.0f, 1.0f);
    AlignedVector<float> move(kCount);
    kernels::pull_together(0.25f, replica.data(), kCount, centre.data(), move.data());
    for (std::size_t i = 0; i < kCount; ++i) {
      BOOST_TEST(centre[i] == static_cast<float>(i) + 2.0f);
      BOOST_TEST(move[i] == -2.0f);
    }
  });
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace millrace
