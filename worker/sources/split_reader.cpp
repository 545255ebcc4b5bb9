#include "worker/sources/split_reader.hpp"

namespace millrace {

Result<std::unique_ptr<SplitReader>> SplitReader::open(const SplitDescription& split, Offset from) {
  const bool is_known = split.end != kUnknownEnd;
  if (from < split.begin || (is_known && from > split.end)) {
    return Status(Code::invalid_argument,
                  "offset " + std::to_string(from.value) + " lies outside split " +
                      std::to_string(split.id.value) + " of '" + split.path + "'");
  }
  MILLRACE_ASSIGN(auto stream, ByteStream::open(split.path, split.compression, from));
  const std::uint64_t bytes = is_known ? split.end.value - from.value : kUnknownEnd.value;
  return std::unique_ptr<SplitReader>(
      new SplitReader(std::move(stream), bytes, split.path, is_known));
}

SplitReader::SplitReader(std::unique_ptr<ByteStream> stream, std::uint64_t bytes, std::string path,
                         bool end_is_known)
    : stream_(std::move(stream)),
      left_(bytes),
      path_(std::move(path)),
      end_is_known_(end_is_known),
      thread_([this](const std::stop_token& stop) { read_blocks(stop); }) {}

SplitReader::~SplitReader() {
  thread_.request_stop();
  changed_.notify_all();
}

void SplitReader::read_blocks(const std::stop_token& stop) {
  for (;;) {
    Block block;
    {
      std::unique_lock lock(mutex_);
      if (!changed_.wait(lock, stop, [this] { return ready_.size() < kBlocksAhead; })) return;
      if (!free_.empty()) {
        block = std::move(free_.back());
        free_.pop_back();
      }
    }
    auto read = read_block(std::move(block));
    const bool is_done = !read.is_ok() || read.value().is_last;
    {
      const std::lock_guard lock(mutex_);
      if (read.is_ok()) {
        ready_.push_back(std::move(read).value());
      } else {
        failure_ = read.status();
      }
    }
    changed_.notify_all();
    if (is_done) return;
  }
}

Result<Block> SplitReader::read_block(Block block) {
  if (block.storage == nullptr) {
    block.storage = std::make_unique_for_overwrite<std::byte[]>(kHeadRoom + kBlockBytes);
  }
  const auto wanted = std::min<std::uint64_t>(left_, kBlockBytes);
  MILLRACE_ASSIGN(const std::size_t count,
                  stream_->read(std::span(block.storage.get() + kHeadRoom, wanted)));
  left_ -= count;
  if (end_is_known_ && count < wanted) {
    return Status(Code::conflict,
                  "'" + path_ + "' has become shorter: " + std::to_string(left_) +
                      " bytes that it had at submit are missing",
                  "restore the file, or start the job afresh");
  }
  block.begin = kHeadRoom;
  block.end = kHeadRoom + count;
  block.is_last = left_ == 0 || count < wanted;
  return block;
}

Result<std::optional<Block>> SplitReader::try_next() {
  std::optional<Block> block;
  {
    const std::lock_guard lock(mutex_);
    if (ready_.empty()) {
      if (!failure_.is_ok()) return failure_;
      return block;
    }
    block = std::move(ready_.front());
    ready_.pop_front();
  }
  changed_.notify_all();
  return block;
}

bool SplitReader::wait(std::chrono::milliseconds timeout) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, timeout, [this] { return !ready_.empty() || !failure_.is_ok(); });
}

void SplitReader::recycle(Block block) {
  const std::lock_guard lock(mutex_);
  if (free_.size() < kBlocksAhead) free_.push_back(std::move(block));
}

}  // namespace millrace
