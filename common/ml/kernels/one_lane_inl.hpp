// The operations of lanes_inl.hpp on a single float or 32-bit integer: tail elements, and the
// scalar twin.
#if defined(MILLRACE_ONE_LANE_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef MILLRACE_ONE_LANE_INL
#undef MILLRACE_ONE_LANE_INL
#else
#define MILLRACE_ONE_LANE_INL
#endif

#include <hwy/highway.h>

#include <bit>
#include <cstddef>
#include <cstdint>

HWY_BEFORE_NAMESPACE();
namespace millrace::kernels {
namespace HWY_NAMESPACE {

HWY_INLINE float add(float a, float b) {
  return a + b;
}
HWY_INLINE float sub(float a, float b) {
  return a - b;
}
HWY_INLINE float mul(float a, float b) {
  return a * b;
}
HWY_INLINE float div(float a, float b) {
  return a / b;
}
HWY_INLINE float root(float a) {
  return __builtin_sqrtf(a);
}
// a * b + c and c - a * b, rounded once.
HWY_INLINE float fma(float a, float b, float c) {
  return __builtin_fmaf(a, b, c);
}
HWY_INLINE float fnma(float a, float b, float c) {
  return __builtin_fmaf(-a, b, c);
}
HWY_INLINE float min(float a, float b) {
  return a < b ? a : b;
}
HWY_INLINE float max(float a, float b) {
  return a > b ? a : b;
}
HWY_INLINE float abs(float a) {
  return __builtin_fabsf(a);
}
HWY_INLINE bool less(float a, float b) {
  return a < b;
}
HWY_INLINE float select(bool mask, float yes, float no) {
  return mask ? yes : no;
}
HWY_INLINE bool any(bool mask) {
  return mask;
}
HWY_INLINE std::int32_t bits_of(float a) {
  return std::bit_cast<std::int32_t>(a);
}
HWY_INLINE float from_bits(std::int32_t a) {
  return std::bit_cast<float>(a);
}
HWY_INLINE float to_float(std::int32_t a) {
  return static_cast<float>(a);
}
// Wrap around, as the vector instructions do.
HWY_INLINE std::int32_t add(std::int32_t a, std::int32_t b) {
  return static_cast<std::int32_t>(static_cast<std::uint32_t>(a) + static_cast<std::uint32_t>(b));
}
HWY_INLINE std::int32_t mul(std::int32_t a, std::int32_t b) {
  return static_cast<std::int32_t>(static_cast<std::uint32_t>(a) * static_cast<std::uint32_t>(b));
}
HWY_INLINE std::int32_t bit_and(std::int32_t a, std::int32_t b) {
  return a & b;
}
HWY_INLINE std::int32_t bit_or(std::int32_t a, std::int32_t b) {
  return a | b;
}
HWY_INLINE std::int32_t bit_xor(std::int32_t a, std::int32_t b) {
  return a ^ b;
}
template <int kBits>
HWY_INLINE std::int32_t shift_right(std::int32_t a) {  // arithmetic
  return a >> kBits;
}
template <int kBits>
HWY_INLINE std::int32_t shift_left(std::int32_t a) {
  return static_cast<std::int32_t>(static_cast<std::uint32_t>(a) << kBits);
}

}  // namespace HWY_NAMESPACE
}  // namespace millrace::kernels
HWY_AFTER_NAMESPACE();

#endif
