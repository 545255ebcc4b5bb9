// One request to an object store: signed, sent by libcurl, and what came of it.
//
// Place: owned by S3Client, which repeats and judges; nothing else sees curl. Threads: any; each
// request takes a curl handle out of a small pool, so that connections are used again. Blocks, for
// no longer than the time limits allow.
//
// Invariant: an exchange is `not_sent` only when no connection was made. From then on the store may
// have done what it was asked for, and only its answer says whether it has: `in_doubt`. curl
// repeats nothing by itself that has a body, since it is given no way to read it again.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "common/base/bytes.hpp"
#include "common/base/status.hpp"
#include "common/config/secrets.hpp"
#include "common/store/s3_address.hpp"

namespace millrace {

// What is sent, read in order from `offset` 0. `read` gives the bytes it wrote, or nothing when it
// failed.
struct S3Payload {
  std::uint64_t size = 0;
  std::string sha256;  // of the payload, in hexadecimal: part of the signature
  std::function<std::optional<std::size_t>(std::uint64_t offset, std::span<std::byte> to)> read;

  static S3Payload of(ByteView bytes);  // which outlive the request
  static S3Payload of(ByteView bytes, std::string sha256);
};

// Where the body of a good answer goes. `restart` comes before the first byte of every attempt.
struct S3Download {
  std::function<Status()> restart;
  std::function<Status(ByteView)> take;
};

struct S3Request {
  const char* method = "GET";
  std::string key = {};                                         // empty: the bucket itself
  std::vector<std::pair<std::string, std::string>> query = {};  // ascending by name: it is signed
  std::vector<std::string> headers = {};                        // "lower-case-name: value"
  S3Payload payload = {};
  const S3Download* download = nullptr;  // absent: the body is text, see S3Answer
};

struct S3Answer {
  int status = 0;                              // of HTTP
  std::map<std::string, std::string> headers;  // names in lower case
  std::string text;                            // the body, where it was not downloaded

  std::string header(const std::string& name) const;
};

enum class S3Fate : std::uint8_t { answered, not_sent, in_doubt };

struct S3Exchange {
  S3Fate fate = S3Fate::not_sent;
  S3Answer answer;
  std::string why;    // not answered: what curl says
  Status local = {};  // not ok: the answer could not be put where it belongs
};

struct S3TimeLimits {
  std::chrono::milliseconds connect = std::chrono::seconds(10);
  // Without a byte in either direction. Longer than a store takes to put an upload's parts
  // together.
  std::chrono::seconds silence{30};
  // Of a whole request, besides what its bytes take at the slowest rate that is put up with.
  std::chrono::seconds request{120};
  std::uint64_t bytes_per_second_min = 64u << 10;
};

class S3Connection {
 public:
  // Neither is checked here: who opens a store reads the credentials once before.
  S3Connection(S3Address address, SecretsFolder secrets, S3TimeLimits limits);
  ~S3Connection();
  S3Connection(const S3Connection&) = delete;
  S3Connection& operator=(const S3Connection&) = delete;

  // Fails only where the credentials cannot be read. They are read for every request, so that they
  // can be changed while a job runs.
  Result<S3Exchange> exchange(const S3Request& request);

  const S3Address& address() const { return address_; }

 private:
  class Handle;
  std::unique_ptr<Handle> take_handle();
  void give_back(std::unique_ptr<Handle> handle);

  S3Address address_;
  SecretsFolder secrets_;
  S3TimeLimits limits_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Handle>> idle_;
};

struct S3Credentials {
  std::string access_key_id;
  std::string secret_access_key;
  std::string session_token;  // empty: none
};
// From the files NAME-access-key-id, NAME-secret-access-key and, if there is one,
// NAME-session-token.
Result<S3Credentials> read_s3_credentials(const SecretsFolder& secrets, const std::string& name);

}  // namespace millrace
