// Losses and logit bins of many probabilities at once: the hot path of classification metrics.
//
// Place: called by Evaluation per chunk of a micro-batch. Written once, compiled for several
// instruction sets with run-time dispatch; `score_binary` (class_scores.hpp) is the scalar twin
// with the same bits, since every step is a single IEEE operation per lane. Bound by arithmetic:
// two logarithms of about 30 operations per probability.
#pragma once

#include <cstddef>
#include <cstdint>

#include "common/base/aligned.hpp"

namespace millrace {

// Records scored together; a multiple of every vector width.
inline constexpr std::size_t kScoreChunk = 64;

struct alignas(kCacheLine) ScoreChunk {
  float
      probability[kScoreChunk];  // in; all of them are scored, so stale entries must be initialised
  double loss_of[2][kScoreChunk];  // out: loss when the label is 0 and when it is 1
  std::int32_t bin[kScoreChunk];   // out: of the logit
};

void score_chunk(ScoreChunk& chunk);

}  // namespace millrace
