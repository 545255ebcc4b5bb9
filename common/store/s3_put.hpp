// How an object gets into a bucket: at once or in parts, and whose it is when nobody knows.
//
// Place: S3Store's half that writes. Threads: any, for different names.
#pragma once

#include <string>

#include "common/base/bytes.hpp"
#include "common/base/status.hpp"
#include "common/store/checkpoint_store.hpp"
#include "common/store/s3_client.hpp"
#include "common/store/s3_files.hpp"
#include "common/store/s3_store.hpp"

namespace millrace {

inline constexpr const char* kS3HashHeader = "x-amz-meta-millrace-sha256";
inline constexpr const char* kS3WriterHeader = "x-amz-meta-millrace-writer";

class S3Put {
 public:
  S3Put(S3Client& client, std::uint64_t part_bytes) : client_(client), part_bytes_(part_bytes) {}

  // Whether the store refuses to overwrite: found out by two requests the first time, then by one.
  // When it does not, conditions are no longer relied upon.
  Result<bool> probe();

  Result<PutOutcome> bytes(const std::string& name, ByteView bytes);
  Result<PutOutcome> file(const std::string& name, const S3FileSource& source);
  // Ends uploads in parts below the store's prefix that were begun at least so long ago, by the
  // store's own clock.
  Status abort_uploads(std::chrono::seconds age);

 private:
  Result<PutOutcome> put(const std::string& name, const S3Payload& payload);
  Result<PutOutcome> put_parts(const std::string& name, const S3FileSource& source,
                               std::uint64_t part_bytes);
  Result<std::vector<std::string>> send_parts(const std::string& name, const std::string& id,
                                              const S3FileSource& source,
                                              const S3FileSource::Hashes& hashes,
                                              std::uint64_t part_bytes);
  Result<PutOutcome> complete(const std::string& name, const std::string& id,
                              const std::vector<std::string>& etags, const std::string& writer);
  Status abort(const std::string& key, const std::string& id);
  // What stands under the name after a condition failed: ours or another's.
  Result<PutOutcome> settle(const std::string& name, const std::string& writer);
  Result<S3Outcome> head(const std::string& name);
  std::string draw_writer();

  S3Client& client_;
  std::uint64_t part_bytes_;
  bool is_conditional_ = true;
};

}  // namespace millrace
