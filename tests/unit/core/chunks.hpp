// Large entries and answers for the tests of links and stages: their bytes are a pattern of their
// sequence number, and chunks of them can be made by hand.
#pragma once

#include <algorithm>
#include <memory>

#include "common/base/digest.hpp"
#include "common/base/limits.hpp"
#include "worker/core/bulk_link.hpp"
#include "worker/core/chunk_stage.hpp"

namespace millrace::test {

inline constexpr std::uint32_t kPiece = 64u << 10;

inline Bytes pattern(std::uint64_t seed, std::size_t bytes) {
  Bytes made(bytes);
  for (std::size_t i = 0; i < bytes; ++i) {
    made[i] = static_cast<std::byte>(mix64(seed ^ (i / 8)) >> (i % 8 * 8));
  }
  return made;
}

inline std::shared_ptr<const Frame> frame_of(std::uint64_t seed, std::size_t bytes) {
  return std::make_shared<const Frame>(Frame{pattern(seed, bytes), {}, {}});
}

// Piece `index` of a message of `frame->size()` bytes, cut into pieces of kPiece.
inline Chunk chunk_of(const std::shared_ptr<const Frame>& frame, std::uint64_t transfer,
                      std::uint32_t index, WorkerId origin = WorkerId(1)) {
  Chunk chunk;
  chunk.origin = origin;
  chunk.transfer = transfer;
  chunk.attempt = Attempt(5);
  chunk.bytes = frame->size();
  chunk.piece_bytes = kPiece;
  chunk.index = index;
  chunk.frame = frame;
  chunk.begin = std::uint64_t{index} * kPiece;
  chunk.size = static_cast<std::uint32_t>(
      std::min<std::uint64_t>(chunk.bytes - std::min(chunk.bytes, chunk.begin), kPiece));
  return chunk;
}

inline Entry entry_of(std::uint64_t sequence, std::uint32_t shard = 0) {
  Entry entry;
  entry.attempt = Attempt(5);
  entry.shard = ShardId(shard);
  entry.sequence = Sequence(sequence);
  return entry;
}

template <typename Effect, typename Effects>
std::size_t count(const Effects& effects) {
  return static_cast<std::size_t>(
      std::count_if(effects.begin(), effects.end(),
                    [](const auto& effect) { return std::holds_alternative<Effect>(effect); }));
}

template <typename Effect, typename Effects>
const Effect* find(const Effects& effects) {
  for (const auto& effect : effects) {
    if (const auto* found = std::get_if<Effect>(&effect)) return found;
  }
  return nullptr;
}

}  // namespace millrace::test
