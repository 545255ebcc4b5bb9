// The arithmetic of merging replicas, element by element: what a push gains, how a shard takes it,
// how a replica moves over to an answer.
//
// Place: called by parameter shards and by replicas, per stretch of theta or of a slot. Every
// result is the same on every instruction set. `axpy` (kernels.hpp) is the sum among them. No two
// arguments overlap.
#pragma once

#include <cstddef>

namespace millrace::kernels {

// now = max(now + weight * gain, 0).
void merge_non_negative(float weight, const float* gain, std::size_t count, float* now);
// now = max(now, gain).
void merge_max(const float* gain, std::size_t count, float* now);
// gain = now - base, and base moves up to now.
void take_gain(const float* now, std::size_t count, float* base, float* gain);
// What was learned since `base` is laid upon `next_base`: now = next_base + (now - base), not below
// `least`; base becomes next_base.
void rebase(const float* next_base, std::size_t count, float least, float* now, float* base);
// Both move towards each other by a share `alpha` of their distance: centre at once, the replica by
// `move` later.
void pull_together(float alpha, const float* replica, std::size_t count, float* centre,
                   float* move);

}  // namespace millrace::kernels
