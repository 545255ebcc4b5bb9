// Local files on their way into and out of an object store: hashed, read in pieces, written anew.
//
// Place: S3Store and S3Multipart. Bounded memory: a file passes through a buffer of 1 MiB, whatever
// its size. One thread at a time.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/base/bytes.hpp"
#include "common/base/digest.hpp"
#include "common/base/status.hpp"
#include "common/store/s3_connection.hpp"

namespace millrace {

// A file that is read and stored. It must not change meanwhile: the store refuses what does not
// have the hash that was signed.
class S3FileSource {
 public:
  // not_found, permission_denied and the like as disk_error has them; invalid_argument for
  // something that is no file.
  static Result<S3FileSource> open(const std::string& path);
  ~S3FileSource();
  S3FileSource(S3FileSource&& other) noexcept;
  S3FileSource& operator=(S3FileSource&&) = delete;

  std::uint64_t size() const { return size_; }
  struct Hashes {
    std::string whole;               // SHA-256 of the file, in hexadecimal
    std::vector<std::string> parts;  // of each part; one, of nothing, when the file is empty
  };
  Result<Hashes> hash(std::uint64_t part_bytes) const;
  // [begin, begin + size) of the file. The source outlives the payload.
  S3Payload payload(std::uint64_t begin, std::uint64_t size, std::string sha256) const;

 private:
  S3FileSource(std::string path, int file, std::uint64_t size)
      : path_(std::move(path)), file_(file), size_(size) {}
  std::string path_;
  int file_;
  std::uint64_t size_;
};

// A new file that a download fills. It is removed again unless `keep` was called.
class S3FileTarget {
 public:
  static Result<S3FileTarget> create(const std::string& path);
  ~S3FileTarget();
  S3FileTarget(S3FileTarget&& other) noexcept;
  S3FileTarget& operator=(S3FileTarget&&) = delete;

  Status restart();
  Status append(ByteView bytes);
  Status keep();

 private:
  S3FileTarget(std::string path, int file) : path_(std::move(path)), file_(file) {}
  std::string path_;
  int file_;
};

}  // namespace millrace
