#include "worker/sources/split.hpp"

#include <algorithm>
#include <optional>

#include "common/base/limits.hpp"
#include "common/data/schema_inference.hpp"
#include "worker/sources/byte_stream.hpp"

namespace millrace {
namespace {

// A split this large keeps the bookkeeping per split negligible and lets splits move between
// replicas.
constexpr std::uint64_t kSplitBytes = std::uint64_t{4} << 20;
// Small data is cut finer, so that a few replicas have work, but never below 64 KiB.
constexpr std::uint64_t kSmallSplits = 16;
constexpr std::uint64_t kSmallSplitBytes = std::uint64_t{64} << 10;
// A generator's records are counted as if they were lines of this size.
constexpr std::uint64_t kGeneratorRecordBytes = 32;
// Beyond these the count is at its limit anyway, and the product would overflow.
constexpr std::uint64_t kGeneratorRecordsSized = std::uint64_t{1} << 50;
constexpr std::size_t kScanBytes = std::size_t{64} << 10;

std::uint64_t divide_up(std::uint64_t a, std::uint64_t b) {
  return a / b + (a % b != 0 ? 1 : 0);
}

// size * i / count without overflow: both are at most limits::kSplitsMax.
std::uint64_t cut_point(std::uint64_t size, std::uint64_t i, std::uint64_t count) {
  return size / count * i + size % count * i / count;
}

std::uint64_t choose_count(std::uint64_t bytes, std::uint32_t parallelism, std::uint32_t declared) {
  std::uint64_t count = declared;
  if (declared == 0) {
    count = std::max(divide_up(bytes, kSplitBytes),
                     std::min(kSmallSplits, divide_up(bytes, kSmallSplitBytes)));
    count = std::max<std::uint64_t>(count, parallelism);
  }
  return std::clamp<std::uint64_t>(count, 1, limits::kSplitsMax);
}

struct InputFile {
  std::string path;
  Compression compression = Compression::none;
  std::uint64_t bytes = 0;
  Offset begin;  // of the first record, decompressed
  std::string head_digest;
};

// The offset behind the first newline at or after `from`, and the bytes up to it; nothing when
// there is none.
struct LineEnd {
  Offset next;
  std::string line;
};
Result<std::optional<LineEnd>> find_line_end(const InputFile& file, Offset from, bool keep_line) {
  MILLRACE_ASSIGN(auto stream, ByteStream::open(file.path, file.compression, from));
  LineEnd found{from, {}};
  Bytes buffer(kScanBytes);
  for (;;) {
    MILLRACE_ASSIGN(const std::size_t count, stream->read(buffer));
    const std::string_view text = as_text(ByteView(buffer).first(count));
    const auto newline = text.find('\n');
    if (keep_line) found.line += text.substr(0, newline);
    if (newline != text.npos) {
      found.next.value += newline + 1;
      return std::optional(std::move(found));
    }
    found.next.value += count;
    if (count < buffer.size()) {
      if (keep_line && !found.line.empty()) return std::optional(std::move(found));
      return std::optional<LineEnd>();
    }
    if (keep_line && found.line.size() > limits::kLineBytesMax) {
      return Status(Code::invalid_argument,
                    "the first line of '" + file.path + "' is longer than 1 MiB",
                    "is it a CSV file?");
    }
  }
}

Status find_first_record(const CsvSpec& csv, InputFile& file,
                         std::optional<std::vector<std::string>>& names,
                         const std::string& first_path) {
  MILLRACE_ASSIGN(const auto line, find_line_end(file, Offset(0), true));
  if (!line) return {};
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  if (!*csv.header) {
    if (line->line.starts_with(kByteOrderMark)) file.begin = Offset(kByteOrderMark.size());
    return {};
  }
  std::string_view text = line->line;
  if (text.ends_with('\r')) text.remove_suffix(1);
  auto own = header_names(text, csv);
  if (!names) names = own;
  if (*names != own) {
    return Status(
        Code::invalid_argument,
        "'" + file.path + "' has other columns in its header than '" + first_path + "'",
        "all files of a source have the same columns; source.csv.header: false if there is none");
  }
  file.begin = line->next;
  return {};
}

Result<std::vector<InputFile>> examine_files(const SourceSpec& source,
                                             const std::vector<std::string>& paths) {
  std::vector<InputFile> files;
  std::optional<std::vector<std::string>> names;
  for (const auto& path : paths) {
    InputFile file;
    file.path = path;
    MILLRACE_ASSIGN(file.compression, detect_compression(path));
    MILLRACE_ASSIGN(file.bytes, file_size(path));
    MILLRACE_ASSIGN(file.head_digest, digest_head(path, file.bytes));
    MILLRACE_TRY(find_first_record(source.csv, file, names, paths.front()));
    files.push_back(std::move(file));
  }
  return files;
}

void add_split(const InputFile& file, Offset begin, Offset end,
               std::vector<SplitDescription>& splits) {
  if (begin == end) return;
  const SplitId id(static_cast<std::uint32_t>(splits.size()));
  splits.push_back({id, file.path, begin, end, file.compression, file.bytes, file.head_digest});
}

// Cuts a plain file near equal distances, each cut moved to the next record start.
Status cut_file(const InputFile& file, std::uint64_t count, std::vector<SplitDescription>& splits) {
  const std::uint64_t size = file.bytes - std::min(file.bytes, file.begin.value);
  Offset begin = file.begin;
  for (std::uint64_t i = 1; i < count; ++i) {
    const Offset wanted(file.begin.value + cut_point(size, i, count));
    if (wanted <= begin) continue;
    // One byte earlier: a record that begins exactly at `wanted` stays whole behind the cut.
    MILLRACE_ASSIGN(const auto line, find_line_end(file, Offset(wanted.value - 1), false));
    if (!line || line->next.value >= file.bytes) break;
    add_split(file, begin, line->next, splits);
    begin = line->next;
  }
  add_split(file, begin, Offset(std::max(file.bytes, begin.value)), splits);
  return {};
}

std::vector<SplitDescription> cut_generator(const SourceSpec& source, std::uint32_t parallelism) {
  const std::uint64_t records = source.generator.records;
  const std::uint64_t bytes = std::min(records, kGeneratorRecordsSized) * kGeneratorRecordBytes;
  const std::uint64_t count = std::min(choose_count(bytes, parallelism, source.splits), records);
  std::vector<SplitDescription> splits;
  for (std::uint64_t i = 0; i < count; ++i) {
    const Offset begin(cut_point(records, i, count)), end(cut_point(records, i + 1, count));
    splits.push_back({SplitId(static_cast<std::uint32_t>(i)), {}, begin, end, {}, 0, {}});
  }
  return splits;
}

}  // namespace

Result<std::vector<SplitDescription>> plan_splits(const SourceSpec& source,
                                                  const std::string& base_folder,
                                                  std::uint32_t parallelism) {
  if (source.kind == SourceKind::generator) return cut_generator(source, parallelism);
  MILLRACE_CHECK(source.csv.header.has_value());
  MILLRACE_ASSIGN(const auto paths, find_files(source.path, base_folder));
  MILLRACE_ASSIGN(const auto files, examine_files(source, paths));
  std::uint64_t bytes = 0;
  for (const auto& file : files) bytes += file.bytes;
  const std::uint64_t count = choose_count(bytes, parallelism, source.splits);
  const std::uint64_t split_bytes = std::max<std::uint64_t>(divide_up(bytes, count), 1);
  std::vector<SplitDescription> splits;
  for (const auto& file : files) {
    if (file.compression != Compression::none) {
      add_split(file, file.begin, kUnknownEnd, splits);
    } else {
      MILLRACE_TRY(
          cut_file(file, source.csv.multiline ? 1 : divide_up(file.bytes, split_bytes), splits));
    }
  }
  if (splits.size() > limits::kSplitsMax) {
    return Status(Code::resource_exhausted,
                  "the source has " + std::to_string(splits.size()) + " splits, at most " +
                      std::to_string(limits::kSplitsMax) + " are allowed",
                  "join small files");
  }
  return splits;
}

void encode_splits(const std::vector<SplitDescription>& splits, ByteWriter& writer) {
  writer.envelope(1, 1);
  writer.put<std::uint64_t>(splits.size());
  for (const auto& split : splits) {
    writer.put(split.id.value);
    writer.put_string(split.path);
    writer.put(split.begin.value);
    writer.put(split.end.value);
    writer.put(split.compression);
    writer.put(split.file_bytes);
    writer.put_string(split.head_digest);
  }
}

Result<std::vector<SplitDescription>> decode_splits(ByteReader& reader) {
  std::vector<SplitDescription> splits;
  reader.envelope(1, "list of splits");
  const auto count = reader.get<std::uint64_t>();
  if (count > limits::kSplitsMax) reader.fail("list of splits is too long");
  for (std::uint64_t i = 0; i < count && reader.is_ok(); ++i) {
    SplitDescription split;
    split.id = SplitId(reader.get<std::uint32_t>());
    split.path = reader.get_string();
    split.begin = Offset(reader.get<std::uint64_t>());
    split.end = Offset(reader.get<std::uint64_t>());
    split.compression = reader.get<Compression>();
    split.file_bytes = reader.get<std::uint64_t>();
    split.head_digest = reader.get_string();
    if (split.begin > split.end || split.compression > Compression::gzip)
      reader.fail("split is not well formed");
    splits.push_back(std::move(split));
  }
  if (!reader.is_ok()) return reader.status().with_context("reading the splits");
  return splits;
}

}  // namespace millrace
