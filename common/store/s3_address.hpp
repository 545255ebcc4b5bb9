// Where an object store is: s3://BUCKET/PREFIX?endpoint=...&region=..., taken apart and checked.
//
// Place: open_checkpoint_store parses what the operator wrote; connection and store read the
// result. Pure. A URL holds no secret: it is printed, logged and sent between processes.
//
// Invariant: a parsed address is plain HTTP only to the loopback address, or where the URL says
// insecure=true.
#pragma once

#include <string>
#include <string_view>

#include "common/base/status.hpp"

namespace millrace {

struct S3Address {
  std::string bucket;
  std::string prefix;         // without slashes at its ends; may be empty
  std::string endpoint;       // scheme://host[:port], the bucket not yet in it
  std::string region;         // of the signature
  std::string credentials;    // NAME-access-key-id, NAME-secret-access-key in the secrets folder
  std::string ca_file;        // a private authority's certificates; empty: those of the machine
  bool is_path_style = true;  // the bucket stands in the path, not in the host's name
  bool is_single_coordinator = false;  // gives up `at most one coordinator commits`

  // An object's key in the bucket, from its name in the store.
  std::string key_of(std::string_view name) const;
  // What a request is sent to, percent-encoded, without a query. An empty key is the bucket.
  std::string url_of(std::string_view key) const;
  // How messages name an object.
  std::string describe(std::string_view name) const;
};

// invalid_argument with a hint for anything else than a URL as above. Keys of the query: endpoint,
// region, style (path or virtual), credentials, ca, insecure, single_coordinator.
Result<S3Address> parse_s3_url(const std::string& url);

// Every byte but letters, digits and -._~ (and '/', where it stays) as %XX: S3's own rule, which
// the signature depends on.
std::string percent_encode(std::string_view text, bool keeps_slash);

}  // namespace millrace
