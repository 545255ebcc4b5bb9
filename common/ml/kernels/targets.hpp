// Which instruction sets the kernels are compiled for: AVX-512 (AVX3), AVX2 and one scalar
// baseline.
//
// Place: included first in every kernel source, before Highway. All AVX-512 machines share one
// target, so that one machine's speed never decides another's bits. The baseline computes the same
// 16 virtual lanes with std::fma and is the scalar twin that the tests hold the others against.
#pragma once

#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_SSE4 | HWY_AVX3_DL)
