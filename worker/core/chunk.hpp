// Pieces of entries and answers that are too large for one message, and what acknowledges them.
//
// Place: BulkLink cuts them at the sender, ChunkStage joins them at the receiver. The transfers of
// one sender to one receiver are numbered from 1 and follow one another; a transfer that does not
// arrive whole is given up, and what it carried is sent again by the protocol above, as a new one.
#pragma once

#include <cstdint>
#include <memory>

#include "common/base/frame.hpp"
#include "common/base/ids.hpp"

namespace millrace {

enum class BulkKind : std::uint8_t { entry, answer };

struct Chunk {
  WorkerId origin;  // this life of the sender
  std::uint64_t transfer = 0;
  BulkKind kind = BulkKind::entry;
  Attempt attempt;                // of the message
  std::uint64_t bytes = 0;        // of the message
  std::uint32_t piece_bytes = 0;  // of every piece but the last
  std::uint32_t index = 0;        // this piece begins at index * piece_bytes
  // The piece is [begin, begin + size) of `frame`. The sender shares one frame among all pieces, a
  // receiver has one for each.
  std::shared_ptr<const Frame> frame;
  std::uint64_t begin = 0;
  std::uint32_t size = 0;
};

// Gives the sender its credit back.
struct ChunkAck {
  std::uint64_t transfer = 0;
  std::uint32_t index = 0;
  bool is_refused = false;  // the rest of this transfer would be refused as well
};

}  // namespace millrace
