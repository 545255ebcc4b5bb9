#include "common/ml/kernels/merge_kernels.hpp"

#include <bit>
#include <cstring>
#include <limits>

#include "common/ml/kernels/targets.hpp"
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "common/ml/kernels/merge_kernels.cpp"
#include <hwy/foreach_target.h>
// Highway includes this file once per target.
#include "common/ml/kernels/lanes_inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace millrace::kernels {
namespace HWY_NAMESPACE {

void non_negative_kernel(float weight, float keep, const float* gain, std::size_t count,
                         float* now) {
  const F16 factor = set(weight), share = set(keep);
  std::size_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    const F16 present = load(now + i);
    store(max(fma(factor, load(gain + i), present), mul(share, present)), now + i);
  }
  for (; i < count; ++i) now[i] = max(fma(weight, gain[i], now[i]), keep * now[i]);
}

void max_kernel(const float* gain, std::size_t count, float* now) {
  std::size_t i = 0;
  for (; i + kLanes <= count; i += kLanes) store(max(load(gain + i), load(now + i)), now + i);
  for (; i < count; ++i) now[i] = max(gain[i], now[i]);
}

void gain_kernel(const float* now, std::size_t count, float* base, float* gain) {
  std::size_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    const F16 present = load(now + i);
    store(sub(present, load(base + i)), gain + i);
    store(present, base + i);
  }
  for (; i < count; ++i) {
    gain[i] = now[i] - base[i];
    base[i] = now[i];
  }
}

// Sixteen bits of a float32 and a carry: the sum of exponent and mantissa rounds over into the next
// binade by itself.
HWY_INLINE std::uint32_t rounded_bits(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  return (bits + 0x7fffu + ((bits >> 16) & 1u)) & 0xffff0000u;
}
HWY_INLINE float widened(const std::byte* rounded) {
  std::uint16_t bits;
  std::memcpy(&bits, rounded, sizeof(bits));
  return std::bit_cast<float>(std::uint32_t{bits} << 16);
}

using WideTag = hn::ScalableTag<std::int32_t>;
using NarrowTag = hn::Rebind<std::int16_t, WideTag>;
using ValueTag = hn::Rebind<float, WideTag>;

template <typename Bits>
HWY_INLINE Bits rounded_lanes(WideTag tag, Bits bits) {
  const auto odd = hn::And(hn::ShiftRight<16>(bits), hn::Set(tag, 1));
  return hn::Add(bits, hn::Add(odd, hn::Set(tag, 0x7fff)));
}

void rounded_gain_kernel(const float* now, std::size_t count, float* base, float* gain) {
  const WideTag wide;
  const ValueTag values;
  const auto upper = hn::Set(wide, static_cast<std::int32_t>(0xffff0000u));
  const std::size_t lanes = hn::Lanes(wide);
  std::size_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    const auto from = hn::LoadU(values, base + i);
    const auto whole = hn::Sub(hn::LoadU(values, now + i), from);
    const auto bits = hn::And(rounded_lanes(wide, hn::BitCast(wide, whole)), upper);
    const auto rounded = hn::BitCast(values, bits);
    hn::StoreU(rounded, values, gain + i);
    hn::StoreU(hn::Add(from, rounded), values, base + i);
  }
  for (; i < count; ++i) {
    gain[i] = std::bit_cast<float>(rounded_bits(now[i] - base[i]));
    base[i] += gain[i];
  }
}

void round_kernel(const float* values, std::size_t count, std::uint16_t* rounded) {
  const WideTag wide;
  const NarrowTag narrow;
  const std::size_t lanes = hn::Lanes(wide);
  auto* out = reinterpret_cast<std::int16_t*>(rounded);
  std::size_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    const auto bits = hn::BitCast(wide, hn::LoadU(ValueTag(), values + i));
    // An arithmetic shift leaves what sixteen bits hold, so that nothing saturates.
    const auto upper = hn::ShiftRight<16>(rounded_lanes(wide, bits));
    hn::StoreU(hn::DemoteTo(narrow, upper), narrow, out + i);
  }
  for (; i < count; ++i) rounded[i] = static_cast<std::uint16_t>(rounded_bits(values[i]) >> 16);
}

void widen_kernel(const std::byte* rounded, std::size_t count, float* values) {
  const WideTag wide;
  const NarrowTag narrow;
  const std::size_t lanes = hn::Lanes(wide);
  const auto* in = reinterpret_cast<const std::int16_t*>(rounded);  // read as bytes only
  std::size_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    const auto bits = hn::ShiftLeft<16>(hn::PromoteTo(wide, hn::LoadU(narrow, in + i)));
    hn::StoreU(hn::BitCast(ValueTag(), bits), ValueTag(), values + i);
  }
  for (; i < count; ++i) values[i] = widened(rounded + i * sizeof(std::uint16_t));
}

void rebase_kernel(const float* next_base, std::size_t count, float* now, float* base) {
  std::size_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    const F16 next = load(next_base + i);
    store(add(next, sub(load(now + i), load(base + i))), now + i);
    store(next, base + i);
  }
  for (; i < count; ++i) {
    now[i] = next_base[i] + (now[i] - base[i]);
    base[i] = next_base[i];
  }
}

// What is left of 1 after the fall, times the next base, and the rise.
template <typename V>
HWY_INLINE V carried_over(V next, V now, V base, V one, V zero, V least) {
  const V fall = div(max(sub(base, now), zero), max(base, least));
  return add(mul(next, sub(one, fall)), max(sub(now, base), zero));
}

void rebase_non_negative_kernel(const float* next_base, std::size_t count, float* now,
                                float* base) {
  constexpr float kLeast = std::numeric_limits<float>::min();
  const F16 one = set(1.0f), zero = set(0.0f), least = set(kLeast);
  std::size_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    const F16 next = load(next_base + i);
    store(carried_over(next, load(now + i), load(base + i), one, zero, least), now + i);
    store(next, base + i);
  }
  for (; i < count; ++i) {
    now[i] = carried_over(next_base[i], now[i], base[i], 1.0f, 0.0f, kLeast);
    base[i] = next_base[i];
  }
}

void pull_kernel(float alpha, const float* replica, std::size_t count, float* centre, float* move) {
  const F16 share = set(alpha), zero = set(0.0f);
  std::size_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    const F16 step = mul(share, sub(load(replica + i), load(centre + i)));
    store(add(load(centre + i), step), centre + i);
    store(sub(zero, step), move + i);
  }
  for (; i < count; ++i) {
    const float step = alpha * (replica[i] - centre[i]);
    centre[i] += step;
    move[i] = 0.0f - step;
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace millrace::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace millrace::kernels {

HWY_EXPORT(non_negative_kernel);
HWY_EXPORT(max_kernel);
HWY_EXPORT(gain_kernel);
HWY_EXPORT(rounded_gain_kernel);
HWY_EXPORT(round_kernel);
HWY_EXPORT(widen_kernel);
HWY_EXPORT(rebase_kernel);
HWY_EXPORT(rebase_non_negative_kernel);
HWY_EXPORT(pull_kernel);

void merge_non_negative(float weight, float keep, const float* gain, std::size_t count,
                        float* now) {
  HWY_DYNAMIC_DISPATCH(non_negative_kernel)(weight, keep, gain, count, now);
}
void merge_max(const float* gain, std::size_t count, float* now) {
  HWY_DYNAMIC_DISPATCH(max_kernel)(gain, count, now);
}
void take_gain(const float* now, std::size_t count, float* base, float* gain) {
  HWY_DYNAMIC_DISPATCH(gain_kernel)(now, count, base, gain);
}
void take_rounded_gain(const float* now, std::size_t count, float* base, float* gain) {
  HWY_DYNAMIC_DISPATCH(rounded_gain_kernel)(now, count, base, gain);
}
void round_to_bfloat16(const float* values, std::size_t count, std::uint16_t* rounded) {
  HWY_DYNAMIC_DISPATCH(round_kernel)(values, count, rounded);
}
void widen_bfloat16(const std::byte* rounded, std::size_t count, float* values) {
  HWY_DYNAMIC_DISPATCH(widen_kernel)(rounded, count, values);
}
void rebase(const float* next_base, std::size_t count, float* now, float* base) {
  HWY_DYNAMIC_DISPATCH(rebase_kernel)(next_base, count, now, base);
}
void rebase_non_negative(const float* next_base, std::size_t count, float* now, float* base) {
  HWY_DYNAMIC_DISPATCH(rebase_non_negative_kernel)(next_base, count, now, base);
}
void pull_together(float alpha, const float* replica, std::size_t count, float* centre,
                   float* move) {
  HWY_DYNAMIC_DISPATCH(pull_kernel)(alpha, replica, count, centre, move);
}

}  // namespace millrace::kernels
#endif
