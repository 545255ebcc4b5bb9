#include "common/pipeline/column_kernel.hpp"

#include <limits>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "common/pipeline/column_kernel.cpp"
#include "hwy/foreach_target.h"  // includes this file once per instruction set
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace millrace {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

// A group of columns: as many doubles as a register holds, and as many floats.
using Doubles = hn::CappedTag<double, 8>;
using Floats = hn::Rebind<float, Doubles>;
using Words = hn::Rebind<std::uint32_t, Doubles>;
using Double = hn::Vec<Doubles>;
using Float = hn::Vec<Floats>;
constexpr Doubles kDoubles;
constexpr Floats kFloats;
constexpr Words kWords;

// Rows that stay in the first-level cache while every column group walks down them.
constexpr std::size_t kBlockRows = 64;

HWY_INLINE auto load_mask(const AlignedVector<std::uint32_t>& mask, std::size_t column) {
  return hn::MaskFromVec(hn::BitCast(kFloats, hn::Load(kWords, mask.data() + column)));
}

struct Sums {
  Double count, sum, squares;
};

HWY_INLINE Sums load_sums(const Moments& moments, std::size_t column) {
  return {hn::Load(kDoubles, moments.count.data() + column),
          hn::Load(kDoubles, moments.sum.data() + column),
          hn::Load(kDoubles, moments.squares.data() + column)};
}

HWY_INLINE Sums add(const Sums& a, const Sums& b) {
  return {hn::Add(a.count, b.count), hn::Add(a.sum, b.sum), hn::Add(a.squares, b.squares)};
}

HWY_INLINE Float standardize(Double shift, const Sums& totals) {
  const auto numerator = hn::Sub(hn::Mul(totals.count, shift), totals.sum);
  const auto scaled = hn::Mul(totals.count, totals.squares);
  const auto variance = hn::Sub(scaled, hn::Mul(totals.sum, totals.sum));
  const auto is_spread = hn::Gt(variance, hn::Mul(hn::Set(kDoubles, kVarianceTolerance), scaled));
  const auto ratio = hn::CopySign(hn::Div(hn::Mul(numerator, numerator), variance), numerator);
  const auto squared = hn::DemoteTo(kFloats, hn::IfThenElseZero(is_spread, ratio));
  return hn::CopySign(hn::Sqrt(hn::Abs(squared)), squared);
}

// A row of the group with at least one missing value. `sums` learns only what is present.
template <bool kLearn>
HWY_NOINLINE Float transform_with_missing(const ColumnState& state, std::size_t column, Float x,
                                          const Sums& held, Sums& learned) {
  const auto limit = static_cast<double>(std::numeric_limits<float>::max());
  const auto wide = hn::PromoteTo(kDoubles, x);
  const auto is_wide_present = hn::Le(hn::Abs(wide), hn::Set(kDoubles, limit));
  const auto is_present = hn::Le(hn::Abs(x), hn::Set(kFloats, std::numeric_limits<float>::max()));
  const auto pivot = hn::Load(kDoubles, state.pivot.data() + column);
  const auto shift = hn::IfThenElseZero(is_wide_present, hn::Sub(wide, pivot));
  if (kLearn) {
    const auto one = hn::IfThenElseZero(is_wide_present, hn::Set(kDoubles, 1.0));
    learned = add(learned, {one, shift, hn::Mul(shift, shift)});
  }
  const Sums totals = add(held, learned);
  const auto fill_shift = hn::Load(kDoubles, state.fill_shift.data() + column);
  const auto z = standardize(hn::IfThenElse(is_wide_present, shift, fill_shift), totals);
  const auto mean = hn::Add(pivot, hn::Div(totals.sum, totals.count));
  const auto known_mean = hn::IfThenElseZero(hn::Gt(totals.count, hn::Zero(kDoubles)), mean);
  const auto present = hn::IfThenElse(load_mask(state.standardized, column), z, x);
  const auto constant =
      hn::IfThenElse(load_mask(state.fills_mean, column), hn::DemoteTo(kFloats, known_mean),
                     hn::Load(kFloats, state.fill.data() + column));
  const auto filled = hn::IfThenElse(load_mask(state.fills_before, column), z, constant);
  return hn::IfThenElse(is_present, present, filled);
}

template <bool kLearn>
HWY_INLINE void walk_group(const ColumnState& state, Moments& moments, std::size_t column,
                           float* rows, std::size_t count, std::size_t stride) {
  const Sums held = load_sums(state.held, column);
  Sums learned = load_sums(moments, column);
  const auto pivot = hn::Load(kDoubles, state.pivot.data() + column);
  const auto is_standardized = load_mask(state.standardized, column);
  const auto limit = hn::Set(kFloats, std::numeric_limits<float>::max());
  const auto one = hn::Set(kDoubles, 1.0);
  for (std::size_t row = 0; row < count; ++row) {
    float* at = rows + row * stride + column;
    const auto x = hn::Load(kFloats, at);
    if (HWY_UNLIKELY(!hn::AllTrue(kFloats, hn::Le(hn::Abs(x), limit)))) {
      hn::Store(transform_with_missing<kLearn>(state, column, x, held, learned), kFloats, at);
      continue;
    }
    const auto shift = hn::Sub(hn::PromoteTo(kDoubles, x), pivot);
    if (kLearn) learned = add(learned, {one, shift, hn::Mul(shift, shift)});
    const auto z = standardize(shift, add(held, learned));
    hn::Store(hn::IfThenElse(is_standardized, z, x), kFloats, at);
  }
  if (kLearn) {
    hn::Store(learned.count, kDoubles, moments.count.data() + column);
    hn::Store(learned.sum, kDoubles, moments.sum.data() + column);
    hn::Store(learned.squares, kDoubles, moments.squares.data() + column);
  }
}

template <bool kLearn>
HWY_INLINE void walk(const ColumnState& state, Moments& moments, float* rows, std::size_t count,
                     std::size_t stride) {
  for (std::size_t first = 0; first < count; first += kBlockRows) {
    const std::size_t block = HWY_MIN(kBlockRows, count - first);
    for (std::size_t column = 0; column < state.columns; column += hn::Lanes(kDoubles)) {
      walk_group<kLearn>(state, moments, column, rows + first * stride, block, stride);
    }
  }
}

}  // namespace

void learn_and_transform(ColumnState& state, float* rows, std::size_t count, std::size_t stride) {
  walk<true>(state, state.learned, rows, count, stride);
}

void transform(const ColumnState& state, float* rows, std::size_t count, std::size_t stride) {
  // Nothing is learned, so nothing is written: walk<false> never stores moments.
  walk<false>(state, const_cast<Moments&>(state.learned), rows, count, stride);
}

}  // namespace HWY_NAMESPACE
}  // namespace millrace
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace millrace {
namespace {
HWY_EXPORT(learn_and_transform);
HWY_EXPORT(transform);
}  // namespace

void learn_and_transform_columns(ColumnState& state, float* rows, std::size_t count,
                                 std::size_t stride) {
  HWY_DYNAMIC_DISPATCH(learn_and_transform)(state, rows, count, stride);
}

void transform_columns(const ColumnState& state, float* rows, std::size_t count,
                       std::size_t stride) {
  HWY_DYNAMIC_DISPATCH(transform)(state, rows, count, stride);
}

}  // namespace millrace
#endif
