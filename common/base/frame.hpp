// An encoded message in pieces: bytes of its own and, after them, blocks that lie where they always
// lay.
//
// Place: codecs make frames; the actor shells write them into a connection's buffer or cut them
// into chunks. So a payload of megabytes is copied once on its way out.
//
// Invariant: `owner` keeps every block alive and unchanged.
#pragma once

#include <algorithm>
#include <memory>
#include <vector>

#include "common/base/bytes.hpp"

namespace millrace {

struct Frame {
  Bytes head;
  std::vector<ByteView> blocks;       // in order, after `head`
  std::shared_ptr<const void> owner;  // of the blocks

  std::size_t size() const {
    std::size_t bytes = head.size();
    for (const auto block : blocks) bytes += block.size();
    return bytes;
  }

  // Calls `visit` with the pieces of [begin, begin + count) in order.
  template <typename Visit>
  void for_each_piece(std::size_t begin, std::size_t count, Visit visit) const {
    const auto take = [&](ByteView piece) {
      if (begin >= piece.size()) {
        begin -= piece.size();
        return;
      }
      const std::size_t length = std::min(count, piece.size() - begin);
      if (length != 0) visit(piece.subspan(begin, length));
      begin = 0;
      count -= length;
    };
    take(head);
    for (const auto block : blocks) take(block);
  }

  Bytes join() const {
    Bytes bytes;
    bytes.reserve(size());
    for_each_piece(0, size(),
                   [&](ByteView piece) { bytes.insert(bytes.end(), piece.begin(), piece.end()); });
    return bytes;
  }
};

}  // namespace millrace
