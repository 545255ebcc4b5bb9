#include "common/store/s3_files.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "common/store/disk.hpp"

namespace millrace {
namespace {

constexpr std::size_t kBufferBytes = std::size_t{1} << 20;

// As much as is there, up to the whole of `to`; -1 and errno on failure.
ssize_t read_at(int file, std::span<std::byte> to, std::uint64_t offset) {
  for (;;) {
    const auto count = ::pread(file, to.data(), to.size(), static_cast<off_t>(offset));
    if (count >= 0 || errno != EINTR) return count;
  }
}

}  // namespace

Result<S3FileSource> S3FileSource::open(const std::string& path) {
  const int file = ::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
  if (file < 0) return disk_error("open", path, errno);
  S3FileSource source(path, file, 0);
  struct stat found {};
  if (::fstat(file, &found) != 0) return disk_error("read", path, errno);
  if (!S_ISREG(found.st_mode)) return Status(Code::invalid_argument, path + " is not a file");
  source.size_ = static_cast<std::uint64_t>(found.st_size);
  return source;
}

S3FileSource::S3FileSource(S3FileSource&& other) noexcept
    : path_(std::move(other.path_)), file_(std::exchange(other.file_, -1)), size_(other.size_) {}

S3FileSource::~S3FileSource() {
  if (file_ >= 0) ::close(file_);
}

Result<S3FileSource::Hashes> S3FileSource::hash(std::uint64_t part_bytes) const {
  Hashes hashes;
  Sha256 whole;
  Bytes buffer(kBufferBytes);
  std::uint64_t offset = 0;
  do {
    Sha256 part;
    const auto end = std::min(size_, offset + part_bytes);
    while (offset < end) {
      const auto wanted = std::min<std::uint64_t>(buffer.size(), end - offset);
      const auto count = read_at(file_, std::span(buffer).first(wanted), offset);
      if (count < 0) return disk_error("read", path_, errno);
      if (count == 0) return Status(Code::io_error, path_ + " became shorter while it was read");
      const ByteView bytes(buffer.data(), static_cast<std::size_t>(count));
      whole.update(bytes);
      part.update(bytes);
      offset += bytes.size();
    }
    hashes.parts.push_back(part.hex());
  } while (offset < size_);
  hashes.whole = whole.hex();
  return hashes;
}

S3Payload S3FileSource::payload(std::uint64_t begin, std::uint64_t size, std::string sha256) const {
  S3Payload payload;
  payload.size = size;
  payload.sha256 = std::move(sha256);
  payload.read = [this, begin](std::uint64_t offset,
                               std::span<std::byte> to) -> std::optional<std::size_t> {
    const auto count = read_at(file_, to, begin + offset);
    if (count < 0) return std::nullopt;
    return static_cast<std::size_t>(count);
  };
  return payload;
}

Result<S3FileTarget> S3FileTarget::create(const std::string& path) {
  const int file = ::open(path.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0644);
  if (file < 0) return disk_error("create", path, errno);
  return S3FileTarget(path, file);
}

S3FileTarget::S3FileTarget(S3FileTarget&& other) noexcept
    : path_(std::move(other.path_)), file_(std::exchange(other.file_, -1)) {}

S3FileTarget::~S3FileTarget() {
  if (file_ < 0) return;
  ::close(file_);
  ::unlink(path_.c_str());
}

Status S3FileTarget::restart() {
  if (::ftruncate(file_, 0) == 0 && ::lseek(file_, 0, SEEK_SET) == 0) return {};
  return disk_error("write", path_, errno);
}

Status S3FileTarget::append(ByteView bytes) {
  while (!bytes.empty()) {
    const auto written = ::write(file_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return disk_error("write", path_, written == 0 ? ENOSPC : errno);
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
  return {};
}

Status S3FileTarget::keep() {
  if (::close(std::exchange(file_, -1)) == 0) return {};
  const int error_number = errno;
  ::unlink(path_.c_str());
  return disk_error("close", path_, error_number);
}

}  // namespace millrace
