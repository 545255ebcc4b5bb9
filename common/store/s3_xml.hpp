// What S3's XML answers say, and the one document that is sent.
//
// Place: store and multipart upload read answers through this alone; pugixml is seen nowhere else.
// Pure. Documents are bounded by limits::kS3AnswerBytesMax before they come here, and pugixml
// expands no entities but the five of XML.
//
// Invariant: an answer that is not the document that was asked for is an error, never an empty
// listing: an ingress that answers 200 with a page of its own must not look like a store without a
// log.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/status.hpp"

namespace millrace {

struct S3Error {
  std::string code;  // "NoSuchKey"; empty when the answer is no error document
  std::string message;
};
S3Error parse_s3_error(std::string_view xml);

struct S3Page {
  std::vector<std::string> keys;
  std::string next;  // the token of the next page; empty: this was the last
};
Result<S3Page> parse_s3_page(std::string_view xml);

struct S3Upload {
  std::string key;
  std::string id;
  std::string initiated;  // as S3 writes times: 2026-11-21T21:56:41.000Z
};
struct S3UploadsPage {
  std::vector<S3Upload> uploads;
  std::string next_key;  // both empty: this was the last
  std::string next_id;
};
Result<S3UploadsPage> parse_s3_uploads(std::string_view xml);

// The id of a multipart upload that was begun.
Result<std::string> parse_s3_upload_id(std::string_view xml);
// Whether it is the document that says an upload was completed: S3 may answer 200 and then an
// error.
bool is_s3_completion(std::string_view xml);

// The parts of an upload, numbered from 1, as the request that completes it.
std::string write_s3_completion(const std::vector<std::string>& etags);

}  // namespace millrace
