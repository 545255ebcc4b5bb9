#include "worker/core/chunk_stage.hpp"

#include <algorithm>
#include <cstring>

#include "common/base/check.hpp"

namespace millrace {
namespace {

std::uint64_t pieces_of(const Chunk& chunk) {
  return (chunk.bytes + chunk.piece_bytes - 1) / chunk.piece_bytes;
}

}  // namespace

ChunkStage::ChunkStage(const ChunkStageOptions& options) : options_(options) {
  MILLRACE_CHECK(options_.staged_bytes_max >= options_.message_bytes_max);
  MILLRACE_CHECK(options_.origins_max >= 1);
}

std::size_t ChunkStage::transfers() const {
  return static_cast<std::size_t>(std::ranges::count_if(
      origins_, [](const auto& item) { return item.second.open.has_value(); }));
}

std::vector<ChunkEffect> ChunkStage::on_chunk(const Chunk& chunk, std::chrono::milliseconds now) {
  Effects effects;
  const auto refusal = place(chunk, now, effects);
  if (refusal) effects.emplace_back(ChunkIgnored{chunk.origin, *refusal});
  // Old ones and duplicates took credit as well; of the others nothing more shall be sent.
  const bool is_refused = refusal == ChunkRefusal::malformed ||
                          refusal == ChunkRefusal::old_attempt || refusal == ChunkRefusal::no_room;
  effects.emplace_back(AcknowledgeChunk{{chunk.transfer, chunk.index, is_refused}});
  return effects;
}

// Why the chunk changes nothing, or nothing.
std::optional<ChunkRefusal> ChunkStage::place(const Chunk& chunk, std::chrono::milliseconds now,
                                              Effects& effects) {
  if (!is_well_formed(chunk)) return ChunkRefusal::malformed;
  if (chunk.attempt < attempt_) return ChunkRefusal::old_attempt;
  const auto known = origins_.find(chunk.origin);
  const bool is_known = known != origins_.end();
  if (is_known && chunk.transfer < known->second.newest) return ChunkRefusal::old_transfer;
  if (!is_known || chunk.transfer > known->second.newest) {
    if (is_known) close(chunk.origin, known->second, AbandonReason::superseded, effects);
    const bool has_place = make_place(chunk.origin);
    const bool has_room = has_place && make_room(chunk.bytes, now, effects);
    // What follows of a refused transfer is refused too: it could never be whole.
    if (has_place) origins_[chunk.origin].newest = chunk.transfer;
    if (!has_room) return ChunkRefusal::no_room;
    open(origins_[chunk.origin], chunk, now);
  }
  Origin& origin = origins_[chunk.origin];
  if (!origin.open) return ChunkRefusal::old_transfer;
  Transfer& transfer = *origin.open;
  const bool is_of_it = chunk.kind == transfer.kind && chunk.attempt == transfer.attempt &&
                        chunk.bytes == transfer.bytes && chunk.piece_bytes == transfer.piece_bytes;
  if (!is_of_it) return ChunkRefusal::malformed;
  transfer.touched = now;
  if (transfer.is_here[chunk.index]) return ChunkRefusal::duplicate;
  take(chunk.origin, origin, chunk, effects);
  return std::nullopt;
}

bool ChunkStage::is_well_formed(const Chunk& chunk) const {
  if (chunk.transfer == 0 || chunk.frame == nullptr) return false;
  if (chunk.piece_bytes < limits::kChunkBytesMin || chunk.piece_bytes > limits::kChunkBytesMax) {
    return false;
  }
  if (chunk.bytes == 0 || chunk.bytes > options_.message_bytes_max) return false;
  if (chunk.index >= pieces_of(chunk)) return false;
  const std::uint64_t rest = chunk.bytes - std::uint64_t{chunk.index} * chunk.piece_bytes;
  const std::size_t held = chunk.frame->size();
  return chunk.size == std::min<std::uint64_t>(rest, chunk.piece_bytes) && chunk.begin <= held &&
         chunk.size <= held - chunk.begin;
}

bool ChunkStage::make_place(WorkerId id) {
  if (origins_.contains(id) || origins_.size() < options_.origins_max) return true;
  // Senders of earlier lives are forgotten: a late chunk of one opens a transfer that idles.
  std::erase_if(origins_, [](const auto& item) { return !item.second.open; });
  return origins_.size() < options_.origins_max;
}

bool ChunkStage::make_room(std::uint64_t bytes, std::chrono::milliseconds now, Effects& effects) {
  const auto fits = [&] { return bytes <= options_.staged_bytes_max - staged_bytes_; };
  for (auto& [id, origin] : origins_) {
    if (fits()) return true;
    const bool is_idle = origin.open && now - origin.open->touched > options_.idle_max;
    if (is_idle) close(id, origin, AbandonReason::idle, effects);
  }
  return fits();
}

void ChunkStage::close(WorkerId id, Origin& origin, AbandonReason reason, Effects& effects) {
  if (!origin.open) return;
  staged_bytes_ -= origin.open->bytes;
  origin.open.reset();
  effects.emplace_back(TransferAbandoned{id, origin.newest, reason});
}

void ChunkStage::open(Origin& origin, const Chunk& chunk, std::chrono::milliseconds now) {
  const auto pieces = static_cast<std::size_t>(pieces_of(chunk));
  origin.open.emplace(Transfer{chunk.kind, chunk.attempt, chunk.bytes, chunk.piece_bytes,
                               std::make_unique_for_overwrite<std::byte[]>(chunk.bytes),
                               std::vector<bool>(pieces), pieces, now});
  staged_bytes_ += chunk.bytes;
}

void ChunkStage::take(WorkerId id, Origin& origin, const Chunk& chunk, Effects& effects) {
  Transfer& transfer = *origin.open;
  std::byte* to = transfer.memory.get() + std::size_t{chunk.index} * chunk.piece_bytes;
  chunk.frame->for_each_piece(chunk.begin, chunk.size, [&](ByteView piece) {
    std::memcpy(to, piece.data(), piece.size());
    to += piece.size();
  });
  transfer.is_here[chunk.index] = true;
  if (--transfer.missing != 0) return;
  staged_bytes_ -= transfer.bytes;
  effects.emplace_back(
      MessageStaged{id, transfer.kind, std::move(transfer.memory), transfer.bytes});
  origin.open.reset();
}

std::vector<ChunkEffect> ChunkStage::begin_attempt(Attempt attempt) {
  Effects effects;
  attempt_ = std::max(attempt_, attempt);
  for (auto& [id, origin] : origins_) {
    const bool is_old = origin.open && origin.open->attempt < attempt_;
    if (is_old) close(id, origin, AbandonReason::old_attempt, effects);
  }
  return effects;
}

}  // namespace millrace
