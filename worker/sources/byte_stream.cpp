#include "worker/sources/byte_stream.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <limits>

namespace millrace {
namespace {

// Compressed bytes read at once.
constexpr std::size_t kInputBytes = std::size_t{128} << 10;

Status system_error(const char* what, const std::string& path) {
  const int error = errno;
  const std::string message = std::string(what) + " '" + path + "': " + std::strerror(error);
  if (error == ENOENT || error == ENOTDIR)
    return Status(Code::not_found, message,
                  "check source.path; relative paths start at the job file");
  if (error == EACCES || error == EPERM)
    return Status(Code::permission_denied, message, "let this user read the file");
  return Status(Code::io_error, message);
}

class File {
 public:
  static Result<File> open(const std::string& path) {
    const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) return system_error("cannot open", path);
    File file(descriptor, path);
    struct stat about {};
    if (::fstat(descriptor, &about) != 0) return system_error("cannot examine", path);
    if (!S_ISREG(about.st_mode)) {
      return Status(Code::invalid_argument, "'" + path + "' is not a regular file",
                    S_ISDIR(about.st_mode)
                        ? "name the files in it with a glob, for instance '" + path + "/*.csv'"
                        : "");
    }
    file.size_ = static_cast<std::uint64_t>(about.st_size);
    return file;
  }
  File(File&& other) noexcept
      : descriptor_(std::exchange(other.descriptor_, -1)),
        path_(std::move(other.path_)),
        size_(other.size_) {}
  File& operator=(File&&) = delete;
  ~File() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }

  std::uint64_t size() const { return size_; }
  const std::string& path() const { return path_; }

  // Fills `out` from `offset` as far as the file goes.
  Result<std::size_t> read_at(std::span<std::byte> out, std::uint64_t offset) const {
    std::size_t done = 0;
    while (done < out.size()) {
      const auto count = ::pread(descriptor_, out.data() + done, out.size() - done,
                                 static_cast<off_t>(offset + done));
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) return system_error("cannot read", path_);
      if (count == 0) break;
      done += static_cast<std::size_t>(count);
    }
    return done;
  }

 private:
  File(int descriptor, std::string path) : descriptor_(descriptor), path_(std::move(path)) {}
  int descriptor_;
  std::string path_;
  std::uint64_t size_ = 0;
};

class PlainStream final : public ByteStream {
 public:
  PlainStream(File file, Offset from) : file_(std::move(file)), position_(from.value) {}
  Result<std::size_t> read(std::span<std::byte> out) override {
    auto count = file_.read_at(out, position_);
    if (count.is_ok()) position_ += count.value();
    return count;
  }

 private:
  File file_;
  std::uint64_t position_;
};

class GzipStream final : public ByteStream {
 public:
  explicit GzipStream(File file) : file_(std::move(file)), input_(kInputBytes) {
    // 15 bits of window, 16 for the gzip format.
    MILLRACE_CHECK(inflateInit2(&inflater_, 15 + 16) == Z_OK);
  }
  ~GzipStream() override { inflateEnd(&inflater_); }
  GzipStream(const GzipStream&) = delete;
  GzipStream& operator=(const GzipStream&) = delete;

  Result<std::size_t> read(std::span<std::byte> out) override {
    std::size_t done = 0;
    while (done < out.size() && !is_finished_) {
      MILLRACE_ASSIGN(const std::size_t count, inflate_some(out.subspan(done)));
      done += count;
    }
    return done;
  }

 private:
  Result<std::size_t> inflate_some(std::span<std::byte> out) {
    if (inflater_.avail_in == 0) MILLRACE_TRY(refill());
    if (is_between_members_) {
      is_finished_ = !begins_member();
      if (is_finished_) return std::size_t{0};
      MILLRACE_CHECK(inflateReset(&inflater_) == Z_OK);
      is_between_members_ = false;
    }
    // Broken data ends the job: whoever reads it again finds the same.
    if (inflater_.avail_in == 0) {
      return Status(Code::job_failed,
                    "'" + file_.path() + "' ends in the middle of its compressed data",
                    "the file was cut short: copy it again");
    }
    const auto room = std::min<std::size_t>(out.size(), std::numeric_limits<uInt>::max());
    inflater_.next_out = reinterpret_cast<Bytef*>(out.data());
    inflater_.avail_out = static_cast<uInt>(room);
    const int state = inflate(&inflater_, Z_NO_FLUSH);
    if (state != Z_OK && state != Z_STREAM_END && state != Z_BUF_ERROR) {
      return Status(Code::job_failed,
                    "'" + file_.path() + "' cannot be decompressed after " +
                        std::to_string(position_ - inflater_.avail_in) +
                        " bytes: " + (inflater_.msg != nullptr ? inflater_.msg : "broken data"),
                    "`gzip -t` checks the file");
    }
    is_between_members_ = state == Z_STREAM_END;
    return room - inflater_.avail_out;
  }

  // Another member follows, or the file ends; zeros behind the last member are padding, as gzip has
  // it.
  bool begins_member() const { return inflater_.avail_in != 0 && *inflater_.next_in != 0; }

  Status refill() {
    auto count = file_.read_at(input_, position_);
    if (!count.is_ok()) return count.status();
    position_ += count.value();
    inflater_.next_in = reinterpret_cast<Bytef*>(input_.data());
    inflater_.avail_in = static_cast<uInt>(count.value());
    return {};
  }

  File file_;
  Bytes input_;
  std::uint64_t position_ = 0;
  z_stream inflater_{};
  bool is_between_members_ = false;
  bool is_finished_ = false;
};

Status discard(ByteStream& stream, std::uint64_t bytes, const std::string& path) {
  Bytes scratch(std::min<std::uint64_t>(bytes, std::uint64_t{256} << 10));
  for (std::uint64_t left = bytes; left != 0;) {
    const auto wanted = std::min<std::uint64_t>(left, scratch.size());
    MILLRACE_ASSIGN(const std::size_t count, stream.read(std::span(scratch).first(wanted)));
    left -= count;
    if (count < wanted) {
      return Status(
          Code::conflict,
          "'" + path + "' has become shorter: it ends before byte " + std::to_string(bytes),
          "restore the file, or start the job afresh");
    }
  }
  return {};
}

bool has_suffix(const std::string& path, std::string_view suffix) {
  return std::string_view(path).ends_with(suffix);
}

}  // namespace

Result<std::unique_ptr<ByteStream>> ByteStream::open(const std::string& path,
                                                     Compression compression, Offset from) {
  MILLRACE_ASSIGN(File file, File::open(path));
  if (compression == Compression::none)
    return std::unique_ptr<ByteStream>(std::make_unique<PlainStream>(std::move(file), from));
  std::unique_ptr<ByteStream> stream = std::make_unique<GzipStream>(std::move(file));
  MILLRACE_TRY(discard(*stream, from.value, path));
  return stream;
}

Result<Compression> detect_compression(const std::string& path) {
  MILLRACE_ASSIGN(const File file, File::open(path));
  std::array<std::byte, 4> magic{};
  MILLRACE_ASSIGN(const std::size_t count, file.read_at(magic, 0));
  const auto begins_with = [&](std::initializer_list<int> bytes) {
    return count >= bytes.size() &&
           std::ranges::equal(bytes, std::span(magic).first(bytes.size()), {}, {},
                              [](std::byte b) { return std::to_integer<int>(b); });
  };
  if (begins_with({0x1F, 0x8B})) return Compression::gzip;
  if (begins_with({0x28, 0xB5, 0x2F, 0xFD})) {
    return Status(Code::invalid_argument,
                  "'" + path + "' is compressed with zstd, which is not read",
                  "decompress it with `zstd -d`, or compress it with gzip");
  }
  if (has_suffix(path, ".gz") && file.size() != 0) {
    return Status(Code::invalid_argument, "'" + path + "' is named .gz but is not gzip data",
                  "rename it if it is plain text");
  }
  return Compression::none;
}

Result<std::uint64_t> file_size(const std::string& path) {
  MILLRACE_ASSIGN(const File file, File::open(path));
  return file.size();
}

}  // namespace millrace
