// Sixteen virtual float lanes, the unit in which every kernel thinks: one AVX-512 register, two
// AVX2 registers, or sixteen scalars.
//
// Place: included by kernel sources inside Highway's foreach_target loop, once per target. Each
// operation exists for F16 and for float, so that a tail element is computed as a lane would be.
// `lane_sum` adds in one fixed tree (l with l+8, l+4, l+2, l+1).
//
// Invariant: every operation rounds each lane as IEEE-754 says, so all targets agree bit for bit.
#if defined(MILLRACE_LANES_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef MILLRACE_LANES_INL
#undef MILLRACE_LANES_INL
#else
#define MILLRACE_LANES_INL
#endif

#include "common/ml/kernels/one_lane_inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace millrace::kernels {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

inline constexpr std::size_t kLanes = 16;

#undef MILLRACE_LIFT1
#undef MILLRACE_LIFT2
#undef MILLRACE_LIFT3
#if HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX2

#if HWY_TARGET == HWY_AVX3
using FloatTag = hn::CappedTag<float, 16>;
using IntTag = hn::CappedTag<std::int32_t, 16>;
#else
using FloatTag = hn::CappedTag<float, 8>;
using IntTag = hn::CappedTag<std::int32_t, 8>;
#endif
using FloatPart = hn::Vec<FloatTag>;
using IntPart = hn::Vec<IntTag>;
using MaskPart = hn::Mask<FloatTag>;

HWY_INLINE FloatPart add_part(FloatPart a, FloatPart b) {
  return hn::Add(a, b);
}
HWY_INLINE FloatPart sub_part(FloatPart a, FloatPart b) {
  return hn::Sub(a, b);
}
HWY_INLINE FloatPart mul_part(FloatPart a, FloatPart b) {
  return hn::Mul(a, b);
}
HWY_INLINE FloatPart div_part(FloatPart a, FloatPart b) {
  return hn::Div(a, b);
}
HWY_INLINE FloatPart root_part(FloatPart a) {
  return hn::Sqrt(a);
}
HWY_INLINE FloatPart fma_part(FloatPart a, FloatPart b, FloatPart c) {
  return hn::MulAdd(a, b, c);
}
HWY_INLINE FloatPart fnma_part(FloatPart a, FloatPart b, FloatPart c) {
  return hn::NegMulAdd(a, b, c);
}
HWY_INLINE FloatPart min_part(FloatPart a, FloatPart b) {
  return hn::Min(a, b);
}
HWY_INLINE FloatPart max_part(FloatPart a, FloatPart b) {
  return hn::Max(a, b);
}
HWY_INLINE FloatPart abs_part(FloatPart a) {
  return hn::Abs(a);
}
HWY_INLINE MaskPart less_part(FloatPart a, FloatPart b) {
  return hn::Lt(a, b);
}
HWY_INLINE FloatPart select_part(MaskPart m, FloatPart a, FloatPart b) {
  return hn::IfThenElse(m, a, b);
}
HWY_INLINE IntPart bits_of_part(FloatPart a) {
  return hn::BitCast(IntTag(), a);
}
HWY_INLINE FloatPart from_bits_part(IntPart a) {
  return hn::BitCast(FloatTag(), a);
}
HWY_INLINE FloatPart to_float_part(IntPart a) {
  return hn::ConvertTo(FloatTag(), a);
}
HWY_INLINE IntPart add_part(IntPart a, IntPart b) {
  return hn::Add(a, b);
}
HWY_INLINE IntPart mul_part(IntPart a, IntPart b) {
  return hn::Mul(a, b);
}
HWY_INLINE IntPart bit_and_part(IntPart a, IntPart b) {
  return hn::And(a, b);
}
HWY_INLINE IntPart bit_or_part(IntPart a, IntPart b) {
  return hn::Or(a, b);
}
HWY_INLINE IntPart bit_xor_part(IntPart a, IntPart b) {
  return hn::Xor(a, b);
}
#endif

#if HWY_TARGET == HWY_AVX3
struct F16 {
  FloatPart v;
};
struct I16 {
  IntPart v;
};
struct M16 {
  MaskPart v;
};
#define MILLRACE_LIFT1(R, name, A) \
  HWY_INLINE R name(A a) {         \
    return R{name##_part(a.v)};    \
  }
#define MILLRACE_LIFT2(R, name, A, B) \
  HWY_INLINE R name(A a, B b) {       \
    return R{name##_part(a.v, b.v)};  \
  }
#define MILLRACE_LIFT3(R, name, A, B, C)  \
  HWY_INLINE R name(A a, B b, C c) {      \
    return R{name##_part(a.v, b.v, c.v)}; \
  }

HWY_INLINE F16 load(const float* p) {
  return {hn::LoadU(FloatTag(), p)};
}
HWY_INLINE void store(F16 a, float* p) {
  hn::StoreU(a.v, FloatTag(), p);
}
HWY_INLINE F16 set(float a) {
  return {hn::Set(FloatTag(), a)};
}
HWY_INLINE I16 set(std::int32_t a) {
  return {hn::Set(IntTag(), a)};
}
HWY_INLINE I16 iota(std::int32_t first) {
  return {hn::Iota(IntTag(), first)};
}
HWY_INLINE bool any(M16 m) {
  return !hn::AllFalse(FloatTag(), m.v);
}
template <int kBits>
HWY_INLINE I16 shift_right(I16 a) {
  return {hn::ShiftRight<kBits>(a.v)};
}
template <int kBits>
HWY_INLINE I16 shift_left(I16 a) {
  return {hn::ShiftLeft<kBits>(a.v)};
}
HWY_INLINE hn::Vec<hn::CappedTag<float, 8>> sum_to_8(F16 a) {
  const hn::Half<FloatTag> half;
  return hn::Add(hn::LowerHalf(half, a.v), hn::UpperHalf(half, a.v));
}

#elif HWY_TARGET == HWY_AVX2
struct F16 {
  FloatPart lo, hi;
};
struct I16 {
  IntPart lo, hi;
};
struct M16 {
  MaskPart lo, hi;
};
#define MILLRACE_LIFT1(R, name, A)                  \
  HWY_INLINE R name(A a) {                          \
    return R{name##_part(a.lo), name##_part(a.hi)}; \
  }
#define MILLRACE_LIFT2(R, name, A, B)                           \
  HWY_INLINE R name(A a, B b) {                                 \
    return R{name##_part(a.lo, b.lo), name##_part(a.hi, b.hi)}; \
  }
#define MILLRACE_LIFT3(R, name, A, B, C)                                    \
  HWY_INLINE R name(A a, B b, C c) {                                        \
    return R{name##_part(a.lo, b.lo, c.lo), name##_part(a.hi, b.hi, c.hi)}; \
  }

HWY_INLINE F16 load(const float* p) {
  return {hn::LoadU(FloatTag(), p), hn::LoadU(FloatTag(), p + 8)};
}
HWY_INLINE void store(F16 a, float* p) {
  hn::StoreU(a.lo, FloatTag(), p);
  hn::StoreU(a.hi, FloatTag(), p + 8);
}
HWY_INLINE F16 set(float a) {
  return {hn::Set(FloatTag(), a), hn::Set(FloatTag(), a)};
}
HWY_INLINE I16 set(std::int32_t a) {
  return {hn::Set(IntTag(), a), hn::Set(IntTag(), a)};
}
HWY_INLINE I16 iota(std::int32_t first) {
  return {hn::Iota(IntTag(), first), hn::Iota(IntTag(), first + 8)};
}
HWY_INLINE bool any(M16 m) {
  return !hn::AllFalse(FloatTag(), m.lo) || !hn::AllFalse(FloatTag(), m.hi);
}
template <int kBits>
HWY_INLINE I16 shift_right(I16 a) {
  return {hn::ShiftRight<kBits>(a.lo), hn::ShiftRight<kBits>(a.hi)};
}
template <int kBits>
HWY_INLINE I16 shift_left(I16 a) {
  return {hn::ShiftLeft<kBits>(a.lo), hn::ShiftLeft<kBits>(a.hi)};
}
HWY_INLINE FloatPart sum_to_8(F16 a) {
  return hn::Add(a.lo, a.hi);
}

#else  // the scalar twin
struct F16 {
  float v[kLanes];
};
struct I16 {
  std::int32_t v[kLanes];
};
struct M16 {
  bool v[kLanes];
};
#define MILLRACE_LIFT1(R, name, A)                                  \
  HWY_INLINE R name(const A& a) {                                   \
    R r;                                                            \
    for (std::size_t l = 0; l < kLanes; ++l) r.v[l] = name(a.v[l]); \
    return r;                                                       \
  }
#define MILLRACE_LIFT2(R, name, A, B)                                       \
  HWY_INLINE R name(const A& a, const B& b) {                               \
    R r;                                                                    \
    for (std::size_t l = 0; l < kLanes; ++l) r.v[l] = name(a.v[l], b.v[l]); \
    return r;                                                               \
  }
#define MILLRACE_LIFT3(R, name, A, B, C)                                            \
  HWY_INLINE R name(const A& a, const B& b, const C& c) {                           \
    R r;                                                                            \
    for (std::size_t l = 0; l < kLanes; ++l) r.v[l] = name(a.v[l], b.v[l], c.v[l]); \
    return r;                                                                       \
  }

HWY_INLINE F16 load(const float* p) {
  F16 r;
  for (std::size_t l = 0; l < kLanes; ++l) r.v[l] = p[l];
  return r;
}
HWY_INLINE void store(const F16& a, float* p) {
  for (std::size_t l = 0; l < kLanes; ++l) p[l] = a.v[l];
}
HWY_INLINE F16 set(float a) {
  F16 r;
  for (float& lane : r.v) lane = a;
  return r;
}
HWY_INLINE I16 set(std::int32_t a) {
  I16 r;
  for (std::int32_t& lane : r.v) lane = a;
  return r;
}
HWY_INLINE I16 iota(std::int32_t first) {
  I16 r;
  for (std::size_t l = 0; l < kLanes; ++l) r.v[l] = first + static_cast<std::int32_t>(l);
  return r;
}
HWY_INLINE bool any(const M16& m) {
  bool result = false;
  for (bool lane : m.v) result = result || lane;
  return result;
}
template <int kBits>
HWY_INLINE I16 shift_right(const I16& a) {
  I16 r;
  for (std::size_t l = 0; l < kLanes; ++l) r.v[l] = shift_right<kBits>(a.v[l]);
  return r;
}
template <int kBits>
HWY_INLINE I16 shift_left(const I16& a) {
  I16 r;
  for (std::size_t l = 0; l < kLanes; ++l) r.v[l] = shift_left<kBits>(a.v[l]);
  return r;
}
#endif

MILLRACE_LIFT2(F16, add, F16, F16)
MILLRACE_LIFT2(F16, sub, F16, F16)
MILLRACE_LIFT2(F16, mul, F16, F16)
MILLRACE_LIFT2(F16, div, F16, F16)
MILLRACE_LIFT1(F16, root, F16)
MILLRACE_LIFT3(F16, fma, F16, F16, F16)
MILLRACE_LIFT3(F16, fnma, F16, F16, F16)
MILLRACE_LIFT2(F16, min, F16, F16)
MILLRACE_LIFT2(F16, max, F16, F16)
MILLRACE_LIFT1(F16, abs, F16)
MILLRACE_LIFT2(M16, less, F16, F16)
MILLRACE_LIFT3(F16, select, M16, F16, F16)
MILLRACE_LIFT1(I16, bits_of, F16)
MILLRACE_LIFT1(F16, from_bits, I16)
MILLRACE_LIFT1(F16, to_float, I16)
MILLRACE_LIFT2(I16, add, I16, I16)
MILLRACE_LIFT2(I16, mul, I16, I16)
MILLRACE_LIFT2(I16, bit_and, I16, I16)
MILLRACE_LIFT2(I16, bit_or, I16, I16)
MILLRACE_LIFT2(I16, bit_xor, I16, I16)

#if HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX2
// Four lanes folded as l with l+2, then l+1.
HWY_INLINE float lane_sum(F16 a) {
  const auto eight = sum_to_8(a);
  const hn::CappedTag<float, 4> quad;
  auto four = hn::Add(hn::LowerHalf(quad, eight), hn::UpperHalf(quad, eight));
  four = hn::Add(four, hn::Shuffle1032(four));
  four = hn::Add(four, hn::Shuffle2301(four));
  return hn::GetLane(four);
}
#else
HWY_INLINE float lane_sum(const F16& a) {
  float v[kLanes];
  store(a, v);
  for (std::size_t half = kLanes / 2; half != 0; half /= 2) {
    for (std::size_t l = 0; l < half; ++l) v[l] += v[l + half];
  }
  return v[0];
}
#endif

// A constant of the same kind as `like`, so that one formula serves F16 and float.
HWY_INLINE float same(float, float value) {
  return value;
}
HWY_INLINE std::int32_t same(float, std::int32_t value) {
  return value;
}
HWY_INLINE F16 same(const F16&, float value) {
  return set(value);
}
HWY_INLINE I16 same(const F16&, std::int32_t value) {
  return set(value);
}

// Largest of `count` floats; -infinity when there are none. The order does not change the result.
HWY_INLINE float largest(const float* values, std::size_t count) {
  float result = -__builtin_inff();
  for (std::size_t i = 0; i < count; ++i) result = max(values[i], result);
  return result;
}

// Lane l adds elements l, l + 16, ...; a tail is padded with zeros.
HWY_INLINE float dot_lanes(const float* a, const float* b, std::size_t count) {
  F16 sum = set(0.0f);
  std::size_t i = 0;
  for (; i + kLanes <= count; i += kLanes) sum = fma(load(a + i), load(b + i), sum);
  if (i < count) {
    alignas(64) float tail_a[kLanes] = {};
    alignas(64) float tail_b[kLanes] = {};
    for (std::size_t l = 0; i + l < count; ++l) {
      tail_a[l] = a[i + l];
      tail_b[l] = b[i + l];
    }
    sum = fma(load(tail_a), load(tail_b), sum);
  }
  return lane_sum(sum);
}

}  // namespace HWY_NAMESPACE
}  // namespace millrace::kernels
HWY_AFTER_NAMESPACE();

#endif
