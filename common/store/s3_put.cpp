#include "common/store/s3_put.hpp"

#include <curl/curl.h>

#include <algorithm>
#include <chrono>
#include <cstdio>

#include "common/base/limits.hpp"
#include "common/store/s3_limits.hpp"
#include "common/store/s3_xml.hpp"

namespace millrace {
namespace {

constexpr const char* kStore = "store";
constexpr const char* kIfAbsent = "if-none-match: *";
// Begins with a dot, as no part of an object's name does. It stays: opening finds it next time.
constexpr const char* kProbe = ".probe";
constexpr int kPreconditionFailed = 412;

std::string header(const char* name, const std::string& value) {
  std::string line = name;
  line += ": ";
  line += value;
  return line;
}

std::vector<std::string> object_headers(const std::string& sha256, const std::string& writer) {
  return {"content-type: application/octet-stream", header(kS3HashHeader, sha256),
          header(kS3WriterHeader, writer)};
}

// Of a time as listings have it, 2026-11-21T21:56:41.000Z, in seconds since 1970; -1 when it is
// none.
std::int64_t seconds_of_listed(const std::string& time) {
  int year = 0;
  unsigned month = 0, day = 0, hour = 0, minute = 0, second = 0;
  const int fields = std::sscanf(time.c_str(), "%4d-%2u-%2uT%2u:%2u:%2u", &year, &month, &day,
                                 &hour, &minute, &second);
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(month),
                                         std::chrono::day(day)};
  if (fields != 6 || !date.ok()) return -1;
  const std::chrono::seconds midnight = std::chrono::sys_days(date).time_since_epoch();
  return midnight.count() + hour * 3600 + minute * 60 + second;
}

}  // namespace

std::string S3Put::draw_writer() {
  char text[40];
  std::snprintf(text, sizeof text, "%016llx%016llx",
                static_cast<unsigned long long>(client_.draw()),
                static_cast<unsigned long long>(client_.draw()));
  return text;
}

Result<bool> S3Put::probe() {
  const std::string content = "Millrace looks here whether this store refuses to overwrite.\n";
  for (int i = 0; i < 2; ++i) {
    S3Request request;
    request.method = "PUT";
    request.key = client_.address().key_of(kProbe);
    request.payload = S3Payload::of(as_bytes(content));
    request.headers = object_headers(request.payload.sha256, draw_writer());
    request.headers.emplace_back(kIfAbsent);
    MILLRACE_ASSIGN(const auto outcome, client_.send(request));
    if (outcome.answer.status == kPreconditionFailed) return true;
    const bool is_unknown = outcome.answer.status == 501;
    if (is_unknown) break;
    if (!outcome.is_good()) return client_.error("open", kProbe, outcome, false);
  }
  is_conditional_ = false;
  return false;
}

Result<S3Outcome> S3Put::head(const std::string& name) {
  S3Request request;
  request.method = "HEAD";
  request.key = client_.address().key_of(name);
  return client_.send(request);
}

Result<PutOutcome> S3Put::settle(const std::string& name, const std::string& writer) {
  MILLRACE_ASSIGN(const auto found, head(name));
  const int status = found.answer.status;
  // Gone again, so it was another's: who put ours there would not have removed it yet.
  if (status == 404) return PutOutcome{.created = false, .existed = true};
  if (!found.is_good()) {
    const auto why = client_.error("find out who stored", name, found, false);
    return Status(Code::timed_out, why.message(), why.hint());
  }
  const bool is_ours = found.answer.header(kS3WriterHeader) == writer;
  return PutOutcome{.created = is_ours, .existed = !is_ours};
}

Result<PutOutcome> S3Put::put(const std::string& name, const S3Payload& payload) {
  const auto writer = draw_writer();
  S3Request request;
  request.method = "PUT";
  request.key = client_.address().key_of(name);
  request.payload = payload;
  request.headers = object_headers(payload.sha256, writer);
  if (is_conditional_) {
    request.headers.emplace_back(kIfAbsent);
  } else {
    MILLRACE_ASSIGN(const auto found, head(name));
    if (found.is_good()) return PutOutcome{.created = false, .existed = true};
    if (found.answer.status != 404) return client_.error(kStore, name, found, false);
  }
  MILLRACE_ASSIGN(const auto outcome, client_.send(request));
  if (outcome.is_good()) return PutOutcome{.created = true, .existed = false};
  // Also when there was no doubt: a proxy on the way may have sent it twice.
  if (outcome.answer.status == kPreconditionFailed) return settle(name, writer);
  return client_.error(kStore, name, outcome, true);
}

Result<PutOutcome> S3Put::bytes(const std::string& name, ByteView bytes) {
  if (bytes.size() > limits::kObjectBytesMax) {
    return Status(Code::invalid_argument, client_.address().describe(name) + " would have " +
                                              std::to_string(bytes.size()) + " bytes");
  }
  return put(name, S3Payload::of(bytes));
}

Result<PutOutcome> S3Put::file(const std::string& name, const S3FileSource& source) {
  if (source.size() > part_bytes_) {
    const auto least = (source.size() + limits::kS3PartsMax - 1) / limits::kS3PartsMax;
    return put_parts(name, source, std::max(part_bytes_, least));
  }
  MILLRACE_ASSIGN(auto hashes, source.hash(part_bytes_));
  return put(name, source.payload(0, source.size(), std::move(hashes.whole)));
}

// The condition stands at the end, where the object comes into being. Looking first saves sending
// what exists, and is all there is where a store does not know conditions on that request: names of
// files are never used by two writers.
Result<PutOutcome> S3Put::put_parts(const std::string& name, const S3FileSource& source,
                                    std::uint64_t part_bytes) {
  MILLRACE_ASSIGN(const auto found, head(name));
  if (found.is_good()) return PutOutcome{.created = false, .existed = true};
  if (found.answer.status != 404) return client_.error(kStore, name, found, false);
  MILLRACE_ASSIGN(const auto hashes, source.hash(part_bytes));
  const auto writer = draw_writer();
  S3Request request;
  request.method = "POST";
  request.key = client_.address().key_of(name);
  request.query = {{"uploads", ""}};
  request.headers = object_headers(hashes.whole, writer);
  MILLRACE_ASSIGN(const auto outcome, client_.send(request));
  if (!outcome.is_good()) return client_.error(kStore, name, outcome, false);
  MILLRACE_ASSIGN(const auto id, parse_s3_upload_id(outcome.answer.text));
  auto etags = send_parts(name, id, source, hashes, part_bytes);
  auto put = etags.is_ok() ? complete(name, id, etags.value(), writer)
                           : Result<PutOutcome>(etags.status());
  // One that may have been completed is left to `abort_uploads`, which cannot undo it.
  const bool is_finished = put.is_ok() && put.value().created;
  const bool is_in_doubt = etags.is_ok() && !put.is_ok() && is_ambiguous(put.status());
  if (!is_finished && !is_in_doubt) (void)abort(request.key, id);
  return put;
}

Result<std::vector<std::string>> S3Put::send_parts(const std::string& name, const std::string& id,
                                                   const S3FileSource& source,
                                                   const S3FileSource::Hashes& hashes,
                                                   std::uint64_t part_bytes) {
  std::vector<std::string> etags;
  for (std::size_t part = 0; part < hashes.parts.size(); ++part) {
    const auto begin = part * part_bytes;
    S3Request request;
    request.method = "PUT";
    request.key = client_.address().key_of(name);
    request.query = {{"partNumber", std::to_string(part + 1)}, {"uploadId", id}};
    request.payload =
        source.payload(begin, std::min(part_bytes, source.size() - begin), hashes.parts[part]);
    MILLRACE_ASSIGN(const auto outcome, client_.send(request));
    // Not in doubt: an object comes into being by `complete` alone.
    if (!outcome.is_good()) return client_.error(kStore, name, outcome, false);
    etags.push_back(outcome.answer.header("etag"));
  }
  return etags;
}

Result<PutOutcome> S3Put::complete(const std::string& name, const std::string& id,
                                   const std::vector<std::string>& etags,
                                   const std::string& writer) {
  const auto document = write_s3_completion(etags);
  S3Request request;
  request.method = "POST";
  request.key = client_.address().key_of(name);
  request.query = {{"uploadId", id}};
  request.payload = S3Payload::of(as_bytes(document));
  request.headers = {"content-type: application/xml"};
  if (is_conditional_) request.headers.emplace_back(kIfAbsent);
  MILLRACE_ASSIGN(auto outcome, client_.send(request));
  if (outcome.is_good() && is_s3_completion(outcome.answer.text)) {
    return PutOutcome{.created = true, .existed = false};
  }
  const bool is_error_after_all = outcome.is_good();
  const auto code = parse_s3_error(outcome.answer.text).code;
  // An upload that is gone was completed by an attempt that we did not hear of, or was aborted.
  const bool is_gone = code == "NoSuchUpload" || is_error_after_all;
  if (outcome.answer.status == kPreconditionFailed) return settle(name, writer);
  if (!is_gone) return client_.error(kStore, name, outcome, true);
  MILLRACE_ASSIGN(const auto found, head(name));
  if (found.is_good()) {
    const bool is_ours = found.answer.header(kS3WriterHeader) == writer;
    return PutOutcome{.created = is_ours, .existed = !is_ours};
  }
  outcome.was_in_doubt = true;
  return client_.error(kStore, name, outcome, true);
}

Status S3Put::abort(const std::string& key, const std::string& id) {
  S3Request request;
  request.method = "DELETE";
  request.key = key;
  request.query = {{"uploadId", id}};
  MILLRACE_ASSIGN(const auto outcome, client_.send(request));
  const bool is_gone = parse_s3_error(outcome.answer.text).code == "NoSuchUpload";
  if (outcome.is_good() || is_gone) return {};
  return client_.error("abort the upload of", key, outcome, true);
}

Status S3Put::abort_uploads(std::chrono::seconds age) {
  S3UploadsPage page;
  do {
    S3Request request;
    if (!page.next_key.empty()) request.query.emplace_back("key-marker", page.next_key);
    if (!client_.address().prefix.empty()) {
      request.query.emplace_back("prefix", client_.address().key_of(""));
    }
    if (!page.next_id.empty()) request.query.emplace_back("upload-id-marker", page.next_id);
    request.query.emplace_back("uploads", "");
    MILLRACE_ASSIGN(const auto outcome, client_.send(request));
    if (!outcome.is_good()) return client_.error("list uploads of", "", outcome, false);
    const auto now = curl_getdate(outcome.answer.header("date").c_str(), nullptr);
    MILLRACE_ASSIGN(page, parse_s3_uploads(outcome.answer.text));
    for (const auto& upload : page.uploads) {
      const auto begun = seconds_of_listed(upload.initiated);
      // A server may tell a time of its own that is a second old: what begins later began now.
      if (now < 0 || begun < 0 || std::max<std::int64_t>(now - begun, 0) < age.count()) continue;
      MILLRACE_TRY(abort(upload.key, upload.id));
    }
  } while (!page.next_key.empty());
  return {};
}

}  // namespace millrace
