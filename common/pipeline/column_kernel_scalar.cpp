#include <cmath>
#include <limits>

#include "common/pipeline/column_kernel.hpp"

namespace millrace {
namespace {

struct Totals {
  double count, sum, squares;
};

Totals totals_of(const ColumnState& state, std::size_t column) {
  return {state.held.count[column] + state.learned.count[column],
          state.held.sum[column] + state.learned.sum[column],
          state.held.squares[column] + state.learned.squares[column]};
}

float standardize(double shift, const Totals& totals) {
  const double numerator = totals.count * shift - totals.sum;
  const double scaled = totals.count * totals.squares;
  const double variance = scaled - totals.sum * totals.sum;
  if (!(variance > kVarianceTolerance * scaled)) return 0.0f;
  const auto squared =
      static_cast<float>(std::copysign(numerator * numerator / variance, numerator));
  return std::copysign(std::sqrt(std::fabs(squared)), squared);
}

float transform_one(const ColumnState& state, std::size_t column, float x, bool is_present) {
  const Totals totals = totals_of(state, column);
  if (is_present) {
    return state.standardized[column] != 0
               ? standardize(static_cast<double>(x) - state.pivot[column], totals)
               : x;
  }
  if (state.fills_before[column] != 0) return standardize(state.fill_shift[column], totals);
  if (state.fills_mean[column] == 0) return state.fill[column];
  return totals.count > 0.0 ? static_cast<float>(state.pivot[column] + totals.sum / totals.count)
                            : 0.0f;
}

bool is_finite(float x) {
  return std::fabs(x) <= std::numeric_limits<float>::max();
}

}  // namespace

void learn_and_transform_columns_scalar(ColumnState& state, float* rows, std::size_t count,
                                        std::size_t stride) {
  for (std::size_t row = 0; row < count; ++row) {
    for (std::size_t column = 0; column < state.columns; ++column) {
      float& x = rows[row * stride + column];
      const bool is_present = is_finite(x);
      if (is_present) {
        const double shift = static_cast<double>(x) - state.pivot[column];
        state.learned.count[column] += 1.0;
        state.learned.sum[column] += shift;
        state.learned.squares[column] += shift * shift;
      }
      x = transform_one(state, column, x, is_present);
    }
  }
}

void transform_columns_scalar(const ColumnState& state, float* rows, std::size_t count,
                              std::size_t stride) {
  for (std::size_t row = 0; row < count; ++row) {
    for (std::size_t column = 0; column < state.columns; ++column) {
      float& x = rows[row * stride + column];
      x = transform_one(state, column, x, is_finite(x));
    }
  }
}

}  // namespace millrace
