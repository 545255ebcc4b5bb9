#include "common/ml/kernels/merge_kernels.hpp"

#include "common/ml/kernels/targets.hpp"
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "common/ml/kernels/merge_kernels.cpp"
#include <hwy/foreach_target.h>
// Highway includes this file once per target.
#include "common/ml/kernels/lanes_inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace millrace::kernels {
namespace HWY_NAMESPACE {

void non_negative_kernel(float weight, const float* gain, std::size_t count, float* now) {
  const F16 factor = set(weight), zero = set(0.0f);
  std::size_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    store(max(fma(factor, load(gain + i), load(now + i)), zero), now + i);
  }
  for (; i < count; ++i) now[i] = max(fma(weight, gain[i], now[i]), 0.0f);
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

void rebase_kernel(const float* next_base, std::size_t count, float least, float* now,
                   float* base) {
  const F16 bound = set(least);
  std::size_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    const F16 next = load(next_base + i);
    store(max(add(next, sub(load(now + i), load(base + i))), bound), now + i);
    store(next, base + i);
  }
  for (; i < count; ++i) {
    now[i] = max(next_base[i] + (now[i] - base[i]), least);
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
HWY_EXPORT(rebase_kernel);
HWY_EXPORT(pull_kernel);

void merge_non_negative(float weight, const float* gain, std::size_t count, float* now) {
  HWY_DYNAMIC_DISPATCH(non_negative_kernel)(weight, gain, count, now);
}
void merge_max(const float* gain, std::size_t count, float* now) {
  HWY_DYNAMIC_DISPATCH(max_kernel)(gain, count, now);
}
void take_gain(const float* now, std::size_t count, float* base, float* gain) {
  HWY_DYNAMIC_DISPATCH(gain_kernel)(now, count, base, gain);
}
void rebase(const float* next_base, std::size_t count, float least, float* now, float* base) {
  HWY_DYNAMIC_DISPATCH(rebase_kernel)(next_base, count, least, now, base);
}
void pull_together(float alpha, const float* replica, std::size_t count, float* centre,
                   float* move) {
  HWY_DYNAMIC_DISPATCH(pull_kernel)(alpha, replica, count, centre, move);
}

}  // namespace millrace::kernels
#endif
