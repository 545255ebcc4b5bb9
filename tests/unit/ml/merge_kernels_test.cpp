#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstring>
#include <limits>
#include <span>

#include "common/base/bytes.hpp"
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
    kernels::rebase(answer.data(), kCount, now.data(), base.data());
    for (std::size_t i = 0; i < kCount; ++i) {
      BOOST_TEST(now[i] == answer[i] + (i == 7 ? 3.0f : 0.0f));
      BOOST_TEST(base[i] == answer[i]);
    }
  });
}

BOOST_AUTO_TEST_CASE(what_is_not_negative_falls_by_a_share_and_rises_by_a_difference) {
  test::for_each_target([] {
    const auto answer = ramp(1e-6f, 0.25f);
    AlignedVector<float> base(kCount, 8.0f), now(kCount, 2.0f);  // decayed to a quarter
    now[0] = 11.0f;
    now[1] = base[1];
    now[2] = base[2] = 0.0f;
    now[3] = 0.0f;
    base[4] = 0.0f;
    kernels::rebase_non_negative(answer.data(), kCount, now.data(), base.data());
    BOOST_TEST(base == answer, boost::test_tools::per_element());
    BOOST_TEST(now[0] == answer[0] + 3.0f);
    BOOST_TEST(now[1] == answer[1]);
    BOOST_TEST(now[2] == answer[2]);
    BOOST_TEST(now[3] == 0.0f);
    BOOST_TEST(now[4] == answer[4] + 2.0f);
    for (std::size_t i = 5; i < kCount; ++i) BOOST_TEST(now[i] == answer[i] / 4);
  });
}

float nearest_bfloat16(float value) {  // written without bits: 8 binary places, ties to even
  if (value == 0.0f || !std::isfinite(value)) return value;
  int exponent = 0;
  const double mantissa = std::frexp(static_cast<double>(value), &exponent);
  return static_cast<float>(std::ldexp(std::nearbyint(std::ldexp(mantissa, 8)), exponent - 8));
}

BOOST_AUTO_TEST_CASE(a_rounded_gain_leaves_its_rest_between_base_and_present) {
  test::for_each_target([] {
    const auto start = ramp(1.0f, 0.5f);
    const auto now = ramp(1.1f, 0.5123f);
    auto base = start;
    AlignedVector<float> gain(kCount);
    kernels::take_rounded_gain(now.data(), kCount, base.data(), gain.data());
    for (std::size_t i = 0; i < kCount; ++i) {
      BOOST_TEST(gain[i] == nearest_bfloat16(now[i] - start[i]));
      BOOST_TEST(base[i] == start[i] + gain[i]);
    }
    auto rest = base;
    kernels::take_gain(now.data(), kCount, rest.data(), gain.data());
    for (std::size_t i = 0; i < kCount; ++i) {
      BOOST_TEST(std::abs(gain[i]) <= std::abs(now[i] - start[i]) / 256 + 1e-6f);
    }
  });
}

BOOST_AUTO_TEST_CASE(bfloat16_is_the_nearest_and_survives_the_way_there_and_back) {
  auto values = ramp(-3.0f, 0.123f);
  values[0] = 0.0f;
  values[1] = -0.0f;
  values[2] = 1.0f + 1.0f / 256;  // a tie: down to even
  values[3] = 1.0f + 3.0f / 256;  // a tie: up to even
  values[4] = 1.9999f;            // into the next binade
  values[5] = 3e30f;
  values[6] = std::numeric_limits<float>::infinity();
  values[7] = -1e-30f;
  test::for_each_target([&] {
    AlignedVector<std::uint16_t> rounded(kCount), again(kCount);
    kernels::round_to_bfloat16(values.data(), kCount, rounded.data());
    Bytes bytes(kCount * sizeof(std::uint16_t) + 1);
    std::memcpy(bytes.data() + 1, rounded.data(), kCount * sizeof(std::uint16_t));  // unaligned
    AlignedVector<float> widened(kCount);
    kernels::widen_bfloat16(bytes.data() + 1, kCount, widened.data());
    for (std::size_t i = 0; i < kCount; ++i) BOOST_TEST(widened[i] == nearest_bfloat16(values[i]));
    BOOST_TEST(std::signbit(widened[1]));
    kernels::round_to_bfloat16(widened.data(), kCount, again.data());
    BOOST_TEST(again == rounded, boost::test_tools::per_element());
    const float nan = std::numeric_limits<float>::quiet_NaN();
    kernels::round_to_bfloat16(&nan, 1, again.data());
    kernels::widen_bfloat16(std::as_bytes(std::span(again)).data(), 1, widened.data());
    BOOST_TEST(std::isnan(widened[0]));
  });
}

BOOST_AUTO_TEST_CASE(bounded_merges_stay_within_their_bounds) {
  test::for_each_target([] {
    const auto gain = ramp(-20.0f, 1.0f);
    auto floor = ramp(0.0f, 0.1f), top = ramp(5.0f, 0.0f), half = floor;
    const auto before = floor;
    kernels::merge_non_negative(0.5f, 0.0f, gain.data(), kCount, floor.data());
    kernels::merge_non_negative(0.5f, 0.5f, gain.data(), kCount, half.data());
    kernels::merge_max(gain.data(), kCount, top.data());
    for (std::size_t i = 0; i < kCount; ++i) {
      BOOST_TEST(half[i] == std::max(0.5f * before[i], before[i] + 0.5f * gain[i]),
                 boost::test_tools::tolerance(1e-6f));
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
