// Cuts the input of a job into splits and describes them for ever.
//
// Place: planned once at submit, after inference decided about the header, then stored with cut 0:
// a resumed job reads the same splits whatever the files matched today. Splits are numbered in the
// order of the stream (files sorted by name, then position). Plain files are cut at true record
// starts, a compressed or multi-line file is one split, a generator is cut by record numbers.
//
// The number of splits follows the size of the data (kSplitBytes, but up to kSmallSplits for small
// data) and the parallelism, or `source.splits`; never the workers.
#pragma once

#include <string>
#include <vector>

#include "common/base/bytes.hpp"
#include "common/base/ids.hpp"
#include "common/base/status.hpp"
#include "common/config/job_spec.hpp"

namespace millrace {

enum class Compression : std::uint8_t { none, gzip };

struct SplitDescription {
  SplitId id;
  std::string path;  // empty for a generator
  // Half open. Bytes of the decompressed file (without its header line), or record numbers of a
  // generator.
  Offset begin;
  Offset end;  // kUnknownEnd for a compressed file: it is read to its end
  Compression compression = Compression::none;
  std::uint64_t file_bytes = 0;  // size of the file as stored, when it was planned
  std::string head_digest;       // SHA-256 of its first min(64 KiB, file_bytes) bytes as stored

  friend bool operator==(const SplitDescription&, const SplitDescription&) = default;
};

inline constexpr Offset kUnknownEnd{~std::uint64_t{0}};

// Files that `source.path` means, sorted: a path, or a glob. Relative paths start at `base_folder`.
Result<std::vector<std::string>> find_files(const std::string& path,
                                            const std::string& base_folder);

// The first bytes of the stream, decompressed: enough for inference and never more than
// kHeadBytesMax.
struct StreamHead {
  Bytes bytes;
  bool is_whole = false;  // the first file ends with them
};
Result<StreamHead> read_stream_head(const SourceSpec& source, const std::string& base_folder);

// Requires source.csv.header (InferredSchema::csv) for files. With headers, all files must have the
// same.
Result<std::vector<SplitDescription>> plan_splits(const SourceSpec& source,
                                                  const std::string& base_folder,
                                                  std::uint32_t parallelism);

// SHA-256 of the first min(64 KiB, file_bytes) bytes as stored: SplitDescription::head_digest.
Result<std::string> digest_head(const std::string& path, std::uint64_t file_bytes);

// Identifies what has been consumed of a file: SHA-256 over the consumed size, its first and its
// last 64 KiB. Honestly a sample: an edit strictly between them that keeps every length goes
// unnoticed. `bytes` counts as stored (compressed bytes of a compressed file). Fails with conflict
// when the file has become shorter.
Result<std::string> digest_prefix(const std::string& path, std::uint64_t bytes);

// Fails with conflict, naming the file, when it is not what the split was planned on. A plain file
// may have grown; a compressed one may not have changed its size.
Status verify_identity(const SplitDescription& split);

void encode_splits(const std::vector<SplitDescription>& splits, ByteWriter& writer);
Result<std::vector<SplitDescription>> decode_splits(ByteReader& reader);

}  // namespace millrace
