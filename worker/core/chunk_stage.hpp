// Joins the chunks of entries and answers, and holds what has arrived until the last one.
//
// Place: a worker owns one for all that other workers send it; its shell feeds it chunks, with the
// time since any fixed moment, and executes the effects. Pure: no I/O, no clock, no threads.
//
// Invariants: a message is handed on only when each of its bytes has arrived, and once per
// transfer. The bytes of all messages under way, as they were announced, never exceed
// `staged_bytes_max`: one that does not fit is refused as a whole, and comes again. Each sender has
// at most one under way, since its transfers follow one another.
#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <variant>
#include <vector>

#include "common/base/limits.hpp"
#include "worker/core/chunk.hpp"

namespace millrace {

struct ChunkStageOptions {
  std::size_t message_bytes_max = limits::kBulkBytesMax;
  // More lets more senders deliver at once. At least message_bytes_max, or the largest never comes.
  std::size_t staged_bytes_max = limits::kStagedBytesMax;
  std::size_t origins_max = limits::kWorkersMax;
  // Where there is no room, a transfer that has waited so long for its next chunk gives way.
  // Smaller gives up on slow links, larger keeps the place of dead senders.
  std::chrono::milliseconds idle_max{10'000};
};

// Every byte is here.
struct MessageStaged {
  WorkerId origin;
  BulkKind kind = BulkKind::entry;
  std::unique_ptr<std::byte[]> memory;
  std::size_t size = 0;
  ByteView bytes() const { return {memory.get(), size}; }
};
// To the sender of the chunk.
struct AcknowledgeChunk {
  ChunkAck ack;
};
enum class AbandonReason : std::uint8_t {
  superseded,   // its sender has begun another
  idle,         // no chunk came, and another needed the place
  old_attempt,  // of an attempt that has ended
};
struct TransferAbandoned {
  WorkerId origin;
  std::uint64_t transfer = 0;
  AbandonReason reason = AbandonReason::superseded;
};
enum class ChunkRefusal : std::uint8_t {
  malformed,     // not a piece of a message that may be sent, or not of the one it says
  old_attempt,   // of an attempt that has ended
  old_transfer,  // its sender has begun another, or this one was delivered or given up
  duplicate,     // this piece is here
  no_room,       // the bytes of all transfers would exceed their bound
};
struct ChunkIgnored {
  WorkerId origin;
  ChunkRefusal reason = ChunkRefusal::malformed;
};
using ChunkEffect = std::variant<AcknowledgeChunk, MessageStaged, TransferAbandoned, ChunkIgnored>;

class ChunkStage {
 public:
  explicit ChunkStage(const ChunkStageOptions& options = {});

  std::vector<ChunkEffect> on_chunk(const Chunk& chunk, std::chrono::milliseconds now);
  // From here on only this attempt and later ones count.
  std::vector<ChunkEffect> begin_attempt(Attempt attempt);

  // Of messages under way, as announced.
  std::size_t staged_bytes() const { return staged_bytes_; }
  std::size_t transfers() const;

 private:
  struct Transfer {
    BulkKind kind;
    Attempt attempt;
    std::uint64_t bytes;
    std::uint32_t piece_bytes;
    std::unique_ptr<std::byte[]> memory;  // touched as it fills
    std::vector<bool> is_here;            // of each piece
    std::size_t missing;                  // pieces
    std::chrono::milliseconds touched;
  };
  struct Origin {
    std::uint64_t newest = 0;  // transfer: open if `open` is set, else over
    std::optional<Transfer> open;
  };
  using Effects = std::vector<ChunkEffect>;

  std::optional<ChunkRefusal> place(const Chunk& chunk, std::chrono::milliseconds now,
                                    Effects& effects);
  bool is_well_formed(const Chunk& chunk) const;
  bool make_place(WorkerId id);
  bool make_room(std::uint64_t bytes, std::chrono::milliseconds now, Effects& effects);
  void close(WorkerId id, Origin& origin, AbandonReason reason, Effects& effects);
  void open(Origin& origin, const Chunk& chunk, std::chrono::milliseconds now);
  void take(WorkerId id, Origin& origin, const Chunk& chunk, Effects& effects);

  ChunkStageOptions options_;
  Attempt attempt_;
  std::map<WorkerId, Origin> origins_;
  std::size_t staged_bytes_ = 0;
};

}  // namespace millrace
