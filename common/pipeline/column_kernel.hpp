// The numeric half of the pipeline as a kernel: learn moments, impute, standardize, row after row.
//
// Place: called by Pipeline per micro-batch. Written once and compiled for several instruction sets
// with run-time dispatch; the scalar twin gives the same bits, since columns are independent (no
// sum across lanes) and products and sums are never fused. Bound by arithmetic, about 25 operations
// and one division per 8 columns and record: column groups walk down a block of rows with their
// moments in registers, the block stays in the first-level cache.
//
// With n, s, q the count, sum and sum of squares of x - pivot over the present values:
//   z = (x - mean) / deviation = (n (x - pivot) - s) / sqrt(n q - s^2)      (population deviation)
// computed as sign * sqrt((n (x - pivot) - s)^2 / (n q - s^2)): one division in double, one square
// root in float.
#pragma once

#include <cstddef>
#include <cstdint>

#include "common/base/aligned.hpp"

namespace millrace {

// Arrays [columns rounded up to 16]; what lies past the last column is scratch.
struct Moments {
  AlignedVector<double> count, sum, squares;
};

struct ColumnState {
  std::size_t columns = 0;
  AlignedVector<double> pivot;
  AlignedVector<double> fill_shift;  // constant - pivot where `fills_before` is set, else 0
  AlignedVector<float> fill;         // what replaces a missing value when neither mask below is set
  AlignedVector<std::uint32_t> standardized;  // masks: all bits set or none
  AlignedVector<std::uint32_t> fills_before;  // the constant is standardized like a value
  AlignedVector<std::uint32_t> fills_mean;    // the mean learned so far, not standardized
  Moments held;                               // base + in flight
  Moments learned;                            // increments since the last push was frozen
};

// A variance that is below this share of the mean square around the pivot is rounding: the value is
// 0.
inline constexpr double kVarianceTolerance = 1e-12;

// rows [count, stride], row-major, 64-byte aligned; transformed in place. Values that are not
// finite are missing.
void learn_and_transform_columns(ColumnState& state, float* rows, std::size_t count,
                                 std::size_t stride);
void transform_columns(const ColumnState& state, float* rows, std::size_t count,
                       std::size_t stride);

// The twins, for tests and machines without vectors.
void learn_and_transform_columns_scalar(ColumnState& state, float* rows, std::size_t count,
                                        std::size_t stride);
void transform_columns_scalar(const ColumnState& state, float* rows, std::size_t count,
                              std::size_t stride);

}  // namespace millrace
