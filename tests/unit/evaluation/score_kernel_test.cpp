#include "common/ml/evaluation/score_kernel.hpp"

#include <hwy/highway.h>

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <limits>

#include "common/base/math.hpp"
#include "common/base/random.hpp"
#include "common/ml/evaluation/class_scores.hpp"
#include "tests/support/seed.hpp"

using namespace millrace;

BOOST_AUTO_TEST_SUITE(score_kernel)

BOOST_AUTO_TEST_CASE(the_logarithm_is_right_to_the_stated_error) {
  RandomStream random(test::seed());
  double worst = 0.0;
  for (int i = 0; i < 200'000; ++i) {
    const double exponent = 600.0 * (random.uniform() - 0.5);
    const double x = i % 2 == 0 ? std::exp(exponent) : 0.5 + random.uniform();
    const long double exact = std::log(static_cast<long double>(x));
    if (exact == 0.0L) continue;
    worst = std::max(worst, static_cast<double>(std::abs((deterministic_log(x) - exact) / exact)));
  }
  BOOST_TEST(worst < 0x1p-51);
  BOOST_TEST(deterministic_log(1.0) == 0.0);
}

BOOST_AUTO_TEST_CASE(every_instruction_set_gives_the_bits_of_the_scalar_twin) {
  RandomStream random(test::seed());
  const float corners[] = {0.0f,
                           1.0f,
                           0.5f,
                           -1.0f,
                           2.0f,
                           std::numeric_limits<float>::quiet_NaN(),
                           std::numeric_limits<float>::infinity(),
                           std::numeric_limits<float>::denorm_min(),
                           std::nextafter(1.0f, 0.0f)};
  for (const std::int64_t target : hwy::SupportedAndGeneratedTargets()) {
    hwy::SetSupportedTargetsForTest(target);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
    for (int round = 0; round < 200; ++round) {
      ScoreChunk chunk{};
      for (std::size_t i = 0; i < kScoreChunk; ++i) {
        const double tail = std::exp(-40.0 * random.uniform());
        chunk.probability[i] = i < std::size(corners) ? corners[i]
                               : i % 2 == 0           ? static_cast<float>(random.uniform())
                                                      : static_cast<float>(tail);
      }
      score_chunk(chunk);
      for (std::size_t i = 0; i < kScoreChunk; ++i) {
        for (const bool label : {false, true}) {
          const auto expected = score_binary(chunk.probability[i], label);
          BOOST_REQUIRE_EQUAL(fixed_loss(chunk.loss_of[label ? 1 : 0][i]), expected.loss);
          BOOST_REQUIRE_EQUAL(static_cast<std::uint32_t>(chunk.bin[i]), expected.bin);
        }
      }
    }
  }
  hwy::SetSupportedTargetsForTest(0);
  hwy::GetChosenTarget().Update(hwy::SupportedTargets());
}

BOOST_AUTO_TEST_CASE(a_wide_sum_carries) {
  WideSum sum;
  for (int i = 0; i < 4; ++i) sum.add(std::uint64_t{1} << 63);
  BOOST_TEST(sum.to_double() == 0x1p65);
  WideSum twice = sum;
  twice.add(sum);
  BOOST_TEST(twice.to_double() == 0x1p66);
}

BOOST_AUTO_TEST_SUITE_END()
