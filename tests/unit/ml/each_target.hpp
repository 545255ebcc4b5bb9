// Runs a test once for every instruction set that the kernels were compiled for and this machine
// has.
#pragma once

#include <hwy/targets.h>

#include <bit>

#include "common/base/aligned.hpp"
#include "common/base/random.hpp"

#include "common/ml/kernels/kernels.hpp"
#include "tests/support/seed.hpp"

namespace millrace::test {

template <typename Body>
void for_each_target(Body&& body) {
  for (const std::int64_t target :
       {std::int64_t{HWY_AVX3}, std::int64_t{HWY_AVX2}, std::int64_t{HWY_EMU128}}) {
    hwy::SetSupportedTargetsForTest(0);
    if (target != HWY_EMU128 && (hwy::SupportedTargets() & target) == 0) continue;
    hwy::SetSupportedTargetsForTest(target);
    hwy::GetChosenTarget().DeInit();
    BOOST_TEST_CONTEXT("target " << kernels::target_name()) {
      body();
    }
  }
  hwy::SetSupportedTargetsForTest(0);
  hwy::GetChosenTarget().DeInit();
}

// What `compute` returns must be the same bits on every target.
template <typename Compute>
void check_same_on_every_target(Compute&& compute) {
  AlignedVector<float> first;
  bool is_first = true;
  for_each_target([&] {
    const AlignedVector<float> values = compute();
    if (is_first) first = values;
    is_first = false;
    BOOST_REQUIRE_EQUAL(values.size(), first.size());
    std::size_t different = 0;
    for (std::size_t i = 0; i < values.size(); ++i) {
      different +=
          std::bit_cast<std::uint32_t>(values[i]) != std::bit_cast<std::uint32_t>(first[i]);
    }
    BOOST_TEST(different == 0u);
  });
}

// Uniform in [-1, 1].
inline AlignedVector<float> noise(std::size_t count, std::uint64_t key) {
  RandomStream random(seed(), key);
  AlignedVector<float> values(count);
  for (float& value : values) value = static_cast<float>(2.0 * random.uniform() - 1.0);
  return values;
}

}  // namespace millrace::test
