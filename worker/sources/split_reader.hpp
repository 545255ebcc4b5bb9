// Reads the bytes of one split on its own thread and hands them over in blocks of 256 KiB.
//
// Place: between the file system and a RecordSource. The reading thread fills a small ring of
// blocks and sleeps when it is full; the training thread takes blocks without blocking, or waits
// with a time limit. Blocks carry head-room in front, so that the unconsumed end of one block is
// prepended to the next without moving that one's bytes.
//
// Invariant: blocks are consecutive bytes of the split from `from`; after an error or the end
// nothing follows.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include "common/base/bytes.hpp"
#include "common/base/status.hpp"
#include "worker/sources/byte_stream.hpp"
#include "worker/sources/split.hpp"

namespace millrace {

struct Block {
  std::unique_ptr<std::byte[]> storage;
  std::size_t begin = 0;  // of the valid bytes in storage
  std::size_t end = 0;
  bool is_last = false;    // the split ends with it
  bool is_joined = false;  // made of two blocks: its storage has another size, it is not recycled

  ByteView view() const { return {storage.get() + begin, end - begin}; }
};

class SplitReader {
 public:
  // Decoded while it is still in the cache that it was read into.
  static constexpr std::size_t kBlockBytes = std::size_t{256} << 10;
  // Longer than nearly every record; a longer rest of a block is copied.
  static constexpr std::size_t kHeadRoom = std::size_t{64} << 10;
  static constexpr std::size_t kBlocksAhead = 4;  // hides a read behind decoding three

  // Opens the file and starts reading at `from`.
  static Result<std::unique_ptr<SplitReader>> open(const SplitDescription& split, Offset from);
  ~SplitReader();
  SplitReader(const SplitReader&) = delete;
  SplitReader& operator=(const SplitReader&) = delete;

  // The next block if one is ready; nothing when none is, or after the last one.
  Result<std::optional<Block>> try_next();
  // True when try_next would yield a block or an error, waiting for at most `timeout`.
  bool wait(std::chrono::milliseconds timeout);
  // Gives a used block back, so that its memory is filled again.
  void recycle(Block block);

 private:
  SplitReader(std::unique_ptr<ByteStream> stream, std::uint64_t bytes, std::string path,
              bool end_is_known);
  void read_blocks(const std::stop_token& stop);
  Result<Block> read_block(Block block);

  std::unique_ptr<ByteStream> stream_;  // the reading thread's
  std::uint64_t left_;                  // bytes to read, the reading thread's
  const std::string path_;
  const bool end_is_known_;

  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::deque<Block> ready_;
  std::deque<Block> free_;
  Status failure_;
  std::jthread thread_;  // last: it uses all of the above
};

}  // namespace millrace
