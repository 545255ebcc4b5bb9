#include "common/ml/evaluation/score_kernel.hpp"

#include "common/ml/evaluation/class_scores.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "common/ml/evaluation/score_kernel.cpp"
#include "hwy/foreach_target.h"  // includes this file once per instruction set
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace millrace {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

using Doubles = hn::CappedTag<double, 8>;
using Words = hn::Rebind<std::uint64_t, Doubles>;
using Double = hn::Vec<Doubles>;
constexpr Doubles kDoubles;
constexpr Words kWords;

HWY_INLINE Double constant(double value) {
  return hn::Set(kDoubles, value);
}

// deterministic_log (common/base/math.hpp), step for step.
HWY_INLINE Double log_of(Double x) {
  const auto offset = hn::Sub(hn::BitCast(kWords, x), hn::Set(kWords, 0x3FE6A09E667F3BCDull));
  // The exponent as a double without a 64-bit conversion: biased to be positive, put into the
  // mantissa of 2^52.
  const auto exponent = hn::ShiftRight<52>(hn::Add(offset, hn::Set(kWords, 0x4000000000000000ull)));
  const auto k =
      hn::Sub(hn::BitCast(kDoubles, hn::Or(exponent, hn::Set(kWords, 0x4330000000000000ull))),
              constant(0x1p52 + 1024.0));
  const auto mantissa = hn::And(offset, hn::Set(kWords, 0x000FFFFFFFFFFFFFull));
  const auto m = hn::BitCast(kDoubles, hn::Add(mantissa, hn::Set(kWords, 0x3FE6A09E667F3BCDull)));
  const auto f = hn::Sub(m, constant(1.0));
  const auto s = hn::Div(f, hn::Add(constant(2.0), f));
  const auto z = hn::Mul(s, s);
  const auto w = hn::Mul(z, z);
  auto odd = constant(2.0 / 19);
  for (const double term : {2.0 / 15, 2.0 / 11, 2.0 / 7, 2.0 / 3})
    odd = hn::Add(constant(term), hn::Mul(w, odd));
  auto even = constant(2.0 / 21);
  for (const double term : {2.0 / 17, 2.0 / 13, 2.0 / 9, 2.0 / 5})
    even = hn::Add(constant(term), hn::Mul(w, even));
  const auto series = hn::Add(hn::Mul(z, odd), hn::Mul(w, even));
  const auto half_square = hn::Mul(hn::Mul(constant(0.5), f), f);
  const auto tail = hn::Mul(k, constant(0x1.cf79abc9e3b3ap-40));
  const auto head = hn::Mul(k, constant(0x1.62e42fefa0000p-1));
  const auto corrected = hn::Add(hn::Mul(s, hn::Add(half_square, series)), tail);
  return hn::Add(hn::Add(hn::Sub(corrected, half_square), f), head);
}

}  // namespace

void score(ScoreChunk& chunk) {
  const hn::Rebind<float, Doubles> floats;
  const hn::Rebind<std::int32_t, Doubles> ints;
  const auto lowest = constant(kProbabilityMin), highest = constant(kProbabilityMax);
  for (std::size_t i = 0; i < kScoreChunk; i += hn::Lanes(kDoubles)) {
    const auto probability = hn::PromoteTo(kDoubles, hn::Load(floats, chunk.probability + i));
    const auto above = hn::IfThenElse(hn::Gt(probability, lowest), probability, lowest);
    const auto one = hn::IfThenElse(hn::Lt(above, highest), above, highest);
    const auto log_one = log_of(one);
    const auto log_zero = log_of(hn::Sub(constant(1.0), one));
    const auto is_number = hn::Eq(probability, probability);
    const auto place =
        hn::Mul(hn::Add(hn::Sub(log_one, log_zero), constant(kLogitMax)), constant(kBinsPerLogit));
    const auto bounded = hn::Min(hn::Max(place, constant(0.0)), constant(ClassScores::kBins - 1.0));
    hn::Store(hn::Neg(log_one), kDoubles, chunk.loss_of[1] + i);
    hn::Store(hn::Neg(hn::IfThenElse(is_number, log_zero, log_one)), kDoubles,
              chunk.loss_of[0] + i);
    hn::Store(hn::DemoteTo(ints, bounded), ints, chunk.bin + i);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace millrace
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace millrace {
namespace {
HWY_EXPORT(score);
}  // namespace

void score_chunk(ScoreChunk& chunk) {
  HWY_DYNAMIC_DISPATCH(score)(chunk);
}

}  // namespace millrace
#endif
