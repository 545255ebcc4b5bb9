// The bounds of the object store's client, each with its reason.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace millrace::limits {

// A page of 1,000 names of 1,024 bytes each, escaped, and what S3 says about them.
inline constexpr std::size_t kS3AnswerBytesMax = 8u << 20;
inline constexpr std::size_t kS3KeyBytesMax = 1'024;  // S3's own limit, prefix included
inline constexpr int kS3PartsMax = 10'000;            // S3's own limit, of one multipart upload
// Objects of one job: checkpoints that are kept, times the files of each.
inline constexpr std::size_t kS3NamesMax = 1'000'000;
inline constexpr std::size_t kS3HeadersMax = 64;  // of one answer
inline constexpr std::size_t kS3HeaderBytesMax = 8u << 10;
inline constexpr std::size_t kS3IdleConnectionsMax = 8;  // kept open between requests
inline constexpr std::size_t kS3UrlBytesMax = 4u << 10;

}  // namespace millrace::limits
