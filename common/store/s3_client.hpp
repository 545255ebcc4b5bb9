// Requests to an object store, repeated where an answer did not come, and judged.
//
// Place: S3Store and S3Multipart build requests; this sends them and says what is known afterwards.
// Threads: any.
//
// Every request that is made may be made twice: reads and deletions change nothing the second time,
// and an object is created under a condition and carries who wrote it, so that a writer recognises
// its own. So all of them are repeated, a bounded number of times, with a backoff that doubles and
// is drawn at random up to its bound, so that many workers do not come back at the same moment.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <string>

#include "common/base/status.hpp"
#include "common/store/s3_connection.hpp"

namespace millrace {

struct S3RetryOptions {
  int attempts = 4;
  std::chrono::milliseconds backoff{100};  // before the second attempt; doubles from there
  std::chrono::milliseconds backoff_max{5'000};
  std::function<void(std::chrono::milliseconds)> sleep;  // empty: std::this_thread's
  std::uint64_t seed = 0;                                // of the jitter
};

// What is known after the last attempt.
struct S3Outcome {
  S3Answer answer;  // status 0: there was none
  // Whether an attempt before it may have been carried out without our having heard of it.
  bool was_in_doubt = false;
  std::string why;  // there was no answer: what stood in the way

  bool is_good() const { return answer.status >= 200 && answer.status < 300; }
};

class S3Client {
 public:
  S3Client(S3Address address, SecretsFolder secrets, S3TimeLimits limits, S3RetryOptions retry);

  // Fails only for reasons of this machine: no credentials, a full disk under a download.
  Result<S3Outcome> send(const S3Request& request);

  // The error that an outcome which is not good amounts to: what was asked, of which object, what
  // came, what to do. A change (`is_change`) that may have been made is timed_out. not_found only
  // where the store says that the key does not exist: any other 404 comes from somebody else.
  Status error(const std::string& action, const std::string& name, const S3Outcome& outcome,
               bool is_change) const;

  const S3Address& address() const { return connection_.address(); }
  // A number that no other request of this process draws.
  std::uint64_t draw();

 private:
  void wait_before(int attempt);

  S3Connection connection_;
  S3RetryOptions retry_;
  std::atomic<std::uint64_t> draws_{0};
};

}  // namespace millrace
