// Messages for a sink, one behind the other in one buffer: what a replica puts out between two
// cuts.
//
// Place: filled by the training thread, closed by a cut, kept in the checkpoint's part as it lies
// in memory, read by whoever writes it to the sink. Immutable once closed.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "common/base/bytes.hpp"
#include "common/base/status.hpp"

namespace millrace {

struct OutputHeader {
  std::string_view name;
  std::string_view value;
};

// Its texts live as long as the batch.
struct OutputMessage {
  std::optional<std::string_view> key;    // nothing: null
  std::optional<std::string_view> value;  // nothing: null
  std::vector<OutputHeader> headers;
};

class OutputBatch {
 public:
  OutputBatch() = default;
  // Of a checkpoint. corrupted where a length lies.
  static Result<OutputBatch> decode(std::uint64_t messages, Bytes bytes);

  void add(std::optional<std::string_view> key, std::optional<std::string_view> value,
           std::span<const OutputHeader> headers = {});

  bool empty() const { return messages_ == 0; }
  std::uint64_t messages() const { return messages_; }
  const Bytes& bytes() const { return bytes_; }

  // Reads a batch from its beginning to its end.
  class Cursor {
   public:
    explicit Cursor(const OutputBatch& batch) : rest_(batch.bytes_) {}
    // False at the end.
    bool next(OutputMessage& message);

   private:
    friend class OutputBatch;
    explicit Cursor(ByteView bytes) : rest_(bytes) {}
    std::optional<std::string_view> text();
    std::uint32_t number();

    ByteView rest_;
    bool is_broken_ = false;
  };

 private:
  void put(std::optional<std::string_view> text);

  std::uint64_t messages_ = 0;
  Bytes bytes_;
};

}  // namespace millrace
