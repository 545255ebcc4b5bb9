// Files of a source: which they are, what they begin with, whether they are still the same.
#include <glob.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <filesystem>

#include "common/base/digest.hpp"
#include "common/base/limits.hpp"
#include "worker/sources/byte_stream.hpp"
#include "worker/sources/split.hpp"

namespace millrace {
namespace {

constexpr std::uint64_t kSampleBytes = std::uint64_t{64} << 10;
// Holds limits::kInferenceRecords records of 1.6 kB; longer ones are inferred from fewer.
constexpr std::size_t kHeadBytesMax = std::size_t{16} << 20;
static_assert(kHeadBytesMax > limits::kLineBytesMax + 2);

Result<Bytes> read_sample(const std::string& path, std::uint64_t from, std::uint64_t bytes) {
  MILLRACE_ASSIGN(auto stream, ByteStream::open(path, Compression::none, Offset(from)));
  Bytes sample(bytes);
  MILLRACE_ASSIGN(const std::size_t count, stream->read(sample));
  if (count < bytes) {
    return Status(
        Code::conflict,
        "'" + path + "' has become shorter: it ends before byte " + std::to_string(from + bytes),
        "restore the file, or start the job afresh");
  }
  return sample;
}

bool exists(const std::string& path) {
  struct stat about {};
  return ::stat(path.c_str(), &about) == 0;
}

}  // namespace

Result<std::vector<std::string>> find_files(const std::string& path,
                                            const std::string& base_folder) {
  if (path.empty())
    return Status(Code::invalid_argument, "source.path is empty", "name a file or a glob");
  const std::filesystem::path folder(base_folder);
  const std::string full =
      (path[0] == '/' || base_folder.empty() ? std::filesystem::path(path) : folder / path)
          .lexically_normal()
          .string();
  if (exists(full)) return std::vector<std::string>{full};
  if (full.find_first_of("*?[") == full.npos) {
    return Status(Code::not_found, "there is no file '" + full + "'",
                  "check source.path; relative paths start at the job file");
  }
  glob_t matches{};
  // Sorted here, by bytes, since glob's own order depends on the locale.
  const int state = ::glob(full.c_str(), GLOB_NOSORT, nullptr, &matches);
  std::vector<std::string> files(matches.gl_pathv, matches.gl_pathv + matches.gl_pathc);
  ::globfree(&matches);
  if (state == GLOB_NOMATCH || (state == 0 && files.empty()))
    return Status(Code::not_found, "no file matches '" + full + "'", "check source.path");
  if (state != 0)
    return Status(Code::io_error, "cannot search for '" + full + "'",
                  "check the folder's permissions");
  if (files.size() > limits::kFilesMax) {
    return Status(Code::resource_exhausted, "'" + full + "' matches " +
                                                std::to_string(files.size()) + " files, at most " +
                                                std::to_string(limits::kFilesMax) + " are allowed");
  }
  std::ranges::sort(files);
  return files;
}

Result<StreamHead> read_stream_head(const SourceSpec& source, const std::string& base_folder) {
  MILLRACE_ASSIGN(const auto files, find_files(source.path, base_folder));
  MILLRACE_ASSIGN(const auto compression, detect_compression(files.front()));
  MILLRACE_ASSIGN(auto stream, ByteStream::open(files.front(), compression, Offset(0)));
  StreamHead head;
  constexpr std::size_t kStepBytes = std::size_t{1} << 20;
  std::size_t lines = 0;
  while (!head.is_whole && lines <= limits::kInferenceRecords &&
         head.bytes.size() < kHeadBytesMax) {
    const std::size_t before = head.bytes.size();
    head.bytes.resize(before + kStepBytes);
    MILLRACE_ASSIGN(const std::size_t count, stream->read(std::span(head.bytes).subspan(before)));
    head.bytes.resize(before + count);
    head.is_whole = count < kStepBytes;
    lines += static_cast<std::size_t>(
        std::count(head.bytes.begin() + static_cast<std::ptrdiff_t>(before), head.bytes.end(),
                   std::byte{'\n'}));
  }
  return head;
}

Result<std::string> digest_head(const std::string& path, std::uint64_t file_bytes) {
  MILLRACE_ASSIGN(const Bytes sample, read_sample(path, 0, std::min(kSampleBytes, file_bytes)));
  return sha256_hex(sample);
}

Result<std::string> digest_prefix(const std::string& path, std::uint64_t bytes) {
  const std::uint64_t sampled = std::min(kSampleBytes, bytes);
  MILLRACE_ASSIGN(const Bytes first, read_sample(path, 0, sampled));
  MILLRACE_ASSIGN(const Bytes last, read_sample(path, bytes - sampled, sampled));
  Sha256 hash;
  hash.update(std::as_bytes(std::span(&bytes, 1)));
  hash.update(first);
  hash.update(last);
  return hash.hex();
}

Status verify_identity(const SplitDescription& split) {
  if (split.path.empty()) return {};
  const auto changed = [&](const std::string& how) {
    return Status(Code::conflict,
                  "'" + split.path + "' has changed since the job was submitted: " + how,
                  "restore the file, or start the job afresh");
  };
  MILLRACE_ASSIGN(const std::uint64_t bytes, file_size(split.path));
  const bool may_grow = split.compression == Compression::none;
  if (bytes < split.file_bytes || (!may_grow && bytes != split.file_bytes)) {
    return changed("it had " + std::to_string(split.file_bytes) + " bytes and has " +
                   std::to_string(bytes));
  }
  MILLRACE_ASSIGN(const auto digest, digest_head(split.path, split.file_bytes));
  if (digest != split.head_digest) return changed("its first bytes are others");
  return {};
}

}  // namespace millrace
