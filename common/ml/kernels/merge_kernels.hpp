// The arithmetic of merging replicas, element by element: what a push gains, how a shard takes it,
// how a replica moves over to an answer.
//
// Place: called by parameter shards and by replicas, per stretch of theta or of a slot. Every
// result is the same on every instruction set. `axpy` (kernels.hpp) is the sum among them. No two
// arguments overlap.
#pragma once

#include <cstddef>
#include <cstdint>

namespace millrace::kernels {

// now = max(now + weight * gain, keep * now), for now >= 0 and keep in [0, 1].
void merge_non_negative(float weight, float keep, const float* gain, std::size_t count, float* now);
// now = max(now, gain).
void merge_max(const float* gain, std::size_t count, float* now);
// gain = now - base, and base moves up to now.
void take_gain(const float* now, std::size_t count, float* base, float* gain);
// gain = now - base as a bfloat16, and base moves up by it: what was rounded off stays between
// them.
void take_rounded_gain(const float* now, std::size_t count, float* base, float* gain);
// To the nearest bfloat16, ties to even: the upper half of a float32. Infinities and quiet NaN stay
// what they are.
void round_to_bfloat16(const float* values, std::size_t count, std::uint16_t* rounded);
// `rounded` need not be aligned.
void widen_bfloat16(const std::byte* rounded, std::size_t count, float* values);
// What was learned since `base` is laid upon `next_base`: now = next_base + (now - base); base
// becomes next_base.
void rebase(const float* next_base, std::size_t count, float* now, float* base);
// Where nothing is negative, a rise is added and a fall is a share: now = next_base * now / base
// when now < base. So an average that has decayed since never becomes 0 by the difference alone.
void rebase_non_negative(const float* next_base, std::size_t count, float* now, float* base);
// Both move towards each other by a share `alpha` of their distance: centre at once, the replica by
// `move` later.
void pull_together(float alpha, const float* replica, std::size_t count, float* centre,
                   float* move);

}  // namespace millrace::kernels
