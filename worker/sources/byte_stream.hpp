// Blocking reads of a file as one sequence of decompressed bytes.
//
// Place: owned by a SplitReader's thread, or used briefly while splits are planned. A plain file is
// read with pread from any offset; a gzip file (also of several members) is inflated from its
// beginning and what lies before the offset is thrown away, which makes resuming exact.
#pragma once

#include <memory>
#include <span>
#include <string>

#include "common/base/bytes.hpp"
#include "common/base/status.hpp"
#include "worker/sources/split.hpp"

namespace millrace {

class ByteStream {
 public:
  virtual ~ByteStream() = default;
  // Fills `out` as far as the file goes: fewer bytes mean the end. Errors name the file and the
  // system's reason.
  virtual Result<std::size_t> read(std::span<std::byte> out) = 0;

  static Result<std::unique_ptr<ByteStream>> open(const std::string& path, Compression compression,
                                                  Offset from);
};

// By content first, then by suffix: a .gz file that is not gzip is refused by name.
Result<Compression> detect_compression(const std::string& path);

// The size as stored; fails for what is not a regular file.
Result<std::uint64_t> file_size(const std::string& path);

}  // namespace millrace
