#include "common/pipeline/column_kernel.hpp"

#include <hwy/highway.h>
#include <boost/test/unit_test.hpp>
#include <cstring>

#include "tests/support/seed.hpp"
#include "tests/unit/pipeline/streams.hpp"

using namespace millrace;
using namespace millrace::test;

namespace {

constexpr std::uint32_t kAllBits = 0xFFFFFFFFu;

Moments make_moments(std::size_t padded) {
  Moments moments;
  for (auto* part : {&moments.count, &moments.sum, &moments.squares}) part->assign(padded, 0.0);
  return moments;
}

// Every combination of masks turns up among the columns.
ColumnState make_state(RandomStream& random, std::size_t columns) {
  const std::size_t padded = round_up(columns, kRowFloats);
  ColumnState state;
  state.columns = columns;
  state.pivot.assign(padded, 0.0);
  state.fill_shift.assign(padded, 0.0);
  state.fill.assign(padded, 0.0f);
  for (auto* mask : {&state.standardized, &state.fills_before, &state.fills_mean})
    mask->assign(padded, 0);
  state.held = make_moments(padded);
  state.learned = make_moments(padded);
  for (std::size_t i = 0; i < columns; ++i) {
    state.pivot[i] = random.uniform();
    state.fill_shift[i] = random.uniform();
    state.fill[i] = static_cast<float>(random.uniform());
    state.standardized[i] = random.below(4) != 0 ? kAllBits : 0;
    state.fills_before[i] = random.below(2) != 0 ? kAllBits : 0;
    state.fills_mean[i] = random.below(2) != 0 ? kAllBits : 0;
    if (random.below(2) == 0) continue;
    state.held.count[i] = 3.0;
    state.held.sum[i] = random.uniform();
    state.held.squares[i] = 1.0 + random.uniform();
  }
  return state;
}

bool same_bits(const AlignedVector<double>& a, const AlignedVector<double>& b, std::size_t count) {
  return std::memcmp(a.data(), b.data(), count * sizeof(double)) == 0;
}

struct EveryTarget {
  ~EveryTarget() {
    hwy::SetSupportedTargetsForTest(0);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
  }
  void choose(std::int64_t target) {
    hwy::SetSupportedTargetsForTest(target);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
  }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(column_kernel)

BOOST_AUTO_TEST_CASE(every_instruction_set_gives_the_bits_of_the_scalar_twin) {
  RandomStream random(seed());
  EveryTarget targets;
  for (const std::int64_t target : hwy::SupportedAndGeneratedTargets()) {
    targets.choose(target);
    for (std::size_t columns = 1; columns <= 40; ++columns) {
      auto vector_state = make_state(random, columns);
      auto scalar_state = vector_state;
      const double missing = columns % 3 == 0 ? 0.0 : columns % 3 == 1 ? 0.02 : 0.4;
      auto vector_rows = make_numbers(random, 150, static_cast<std::uint32_t>(columns), missing);
      auto scalar_rows = vector_rows;
      auto served_rows = vector_rows, served_twin = vector_rows;
      const std::size_t stride = vector_rows.numeric_stride, bytes = 150 * stride * sizeof(float);
      learn_and_transform_columns(vector_state, vector_rows.numeric.data(), 150, stride);
      learn_and_transform_columns_scalar(scalar_state, scalar_rows.numeric.data(), 150, stride);
      transform_columns(vector_state, served_rows.numeric.data(), 150, stride);
      transform_columns_scalar(scalar_state, served_twin.numeric.data(), 150, stride);
      BOOST_REQUIRE_MESSAGE(
          std::memcmp(vector_rows.numeric.data(), scalar_rows.numeric.data(), bytes) == 0 &&
              std::memcmp(served_rows.numeric.data(), served_twin.numeric.data(), bytes) == 0,
          hwy::TargetName(target) << ", " << columns << " columns");
      const auto &a = vector_state.learned, &b = scalar_state.learned;
      BOOST_REQUIRE(same_bits(a.count, b.count, columns) && same_bits(a.sum, b.sum, columns) &&
                    same_bits(a.squares, b.squares, columns));
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
