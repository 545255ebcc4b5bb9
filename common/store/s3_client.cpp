#include "common/store/s3_client.hpp"

#include <algorithm>
#include <thread>

#include "common/base/random.hpp"
#include "common/store/s3_xml.hpp"

namespace millrace {
namespace {

// Answers after which the same request may well succeed. All but the last two say nothing about
// whether it was carried out.
bool is_passing(const S3Answer& answer) {
  const int status = answer.status;
  if (status >= 500 || status == 408 || status == 429) return status != 501;
  if (status != 400 && status != 409) return false;
  const auto code = parse_s3_error(answer.text).code;
  return code == "RequestTimeout" || code == "ConditionalRequestConflict" ||
         code == "OperationAborted";
}

struct Verdict {
  Code code;
  std::string hint;
};

Verdict denied(const std::string& code) {
  if (code == "RequestTimeTooSkewed") {
    return {Code::permission_denied, "set this machine's clock (NTP): it differs from the store's"};
  }
  if (code == "SignatureDoesNotMatch" || code == "InvalidAccessKeyId") {
    return {Code::permission_denied,
            "check the credentials in the secrets folder, the region, and this machine's clock"};
  }
  return {Code::permission_denied,
          "check the credentials in the secrets folder and what they may do with this bucket: get, "
          "put and delete objects, list the bucket, list and abort multipart uploads"};
}

Verdict judge(const S3Answer& answer, const std::string& code) {
  const int status = answer.status;
  if (code == "NoSuchKey") return {Code::not_found, ""};
  if (code == "NoSuchBucket") {
    return {Code::invalid_argument, "make the bucket, or name another one in the store's URL"};
  }
  if (status == 403 || status == 401) return denied(code);
  const auto region = answer.header("x-amz-bucket-region");
  if ((status >= 300 && status < 400) || code == "AuthorizationHeaderMalformed") {
    return {Code::invalid_argument, region.empty()
                                        ? "the bucket is elsewhere: name its region= and endpoint="
                                        : "the bucket is in another region: add region=" + region};
  }
  if (status == 501 || code == "NotImplemented") {
    return {Code::invalid_argument, "this store lacks what is needed: see docs/checkpoints.md"};
  }
  if (status == 404) {
    return {Code::unreachable, "nobody there speaks S3: check the endpoint, and style="};
  }
  if (status == 507 || code == "QuotaExceeded" || code == "XMinioStorageFull") {
    return {Code::resource_exhausted, "make room in the store or raise its quota"};
  }
  if (status >= 500 || status == 429 || status == 408) {
    return {Code::unreachable, "the store is overloaded or broken: look at it, then try again"};
  }
  return {Code::io_error, "look into the store's log for this request"};
}

}  // namespace

S3Client::S3Client(S3Address address, SecretsFolder secrets, S3TimeLimits limits,
                   S3RetryOptions retry)
    : connection_(std::move(address), std::move(secrets), limits), retry_(std::move(retry)) {}

std::uint64_t S3Client::draw() {
  return RandomStream(retry_.seed, draws_.fetch_add(1)).next();
}

void S3Client::wait_before(int attempt) {
  auto bound = retry_.backoff;
  for (int i = 1; i < attempt && bound < retry_.backoff_max; ++i) bound *= 2;
  bound = std::min(bound, retry_.backoff_max);
  const auto part = RandomStream(retry_.seed, draws_.fetch_add(1)).uniform();
  // At least half of it, so that a store in trouble is left alone for a while.
  const std::chrono::milliseconds pause(
      static_cast<std::int64_t>((0.5 + part / 2) * static_cast<double>(bound.count())));
  if (retry_.sleep) return retry_.sleep(pause);
  std::this_thread::sleep_for(pause);
}

Result<S3Outcome> S3Client::send(const S3Request& request) {
  S3Outcome outcome;
  for (int attempt = 0; attempt < retry_.attempts; ++attempt) {
    if (attempt > 0) wait_before(attempt);
    MILLRACE_ASSIGN(auto exchange, connection_.exchange(request));
    MILLRACE_TRY(exchange.local);
    outcome.why = std::move(exchange.why);
    if (exchange.fate == S3Fate::answered) {
      outcome.answer = std::move(exchange.answer);
      if (!is_passing(outcome.answer)) return outcome;
      outcome.was_in_doubt = outcome.was_in_doubt || outcome.answer.status >= 500;
    } else {
      outcome.answer = {};
      outcome.was_in_doubt = outcome.was_in_doubt || exchange.fate == S3Fate::in_doubt;
    }
  }
  return outcome;
}

Status S3Client::error(const std::string& action, const std::string& name, const S3Outcome& outcome,
                       bool is_change) const {
  const auto& answer = outcome.answer;
  const auto what = "cannot " + action + " " + address().describe(name) + ": ";
  const bool may_be_done = is_change && outcome.was_in_doubt;
  if (answer.status == 0) {
    return {may_be_done ? Code::timed_out : Code::unreachable,
            what + "no answer from " + address().endpoint + ": " + outcome.why,
            "check that the store runs, and the endpoint in the store's URL"};
  }
  const auto said = parse_s3_error(answer.text);
  auto verdict = judge(answer, said.code);
  if (may_be_done) verdict.code = Code::timed_out;
  auto message = what + "HTTP status " + std::to_string(answer.status);
  if (!said.code.empty()) message += ", " + said.code;
  if (!said.message.empty()) message += ": " + said.message.substr(0, 500);
  const auto id = answer.header("x-amz-request-id");
  if (!id.empty()) message += " (request " + id.substr(0, 100) + ")";
  return {verdict.code, message, verdict.hint};
}

}  // namespace millrace
