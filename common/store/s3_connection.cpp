#include "common/store/s3_connection.hpp"

#include <curl/curl.h>

#include <algorithm>
#include <cstring>

#include "common/base/digest.hpp"
#include "common/store/s3_limits.hpp"

namespace millrace {
namespace {

void start_curl() {
  static const bool is_started = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
  MILLRACE_CHECK(is_started);
}

class HeaderList {
 public:
  HeaderList() = default;
  ~HeaderList() { curl_slist_free_all(list_); }
  HeaderList(const HeaderList&) = delete;
  HeaderList& operator=(const HeaderList&) = delete;
  void add(const std::string& line) {
    auto* longer = curl_slist_append(list_, line.c_str());
    MILLRACE_CHECK(longer != nullptr);
    list_ = longer;
  }
  curl_slist* get() const { return list_; }

 private:
  curl_slist* list_ = nullptr;
};

std::string full_url(const S3Address& address, const S3Request& request) {
  auto url = address.url_of(request.key);
  char separator = '?';
  for (const auto& [name, value] : request.query) {
    url += separator + percent_encode(name, false) + "=" + percent_encode(value, false);
    separator = '&';
  }
  return url;
}

// Before the first byte went out on a connection that was made.
bool is_not_sent(CURLcode code) {
  switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
      return true;
    default:
      return false;
  }
}

// curl takes an answer whose headers broke off for one without a body. S3 always says how long its
// answers are.
bool is_whole(const S3Answer& answer) {
  return answer.status == 204 || answer.headers.contains("content-length") ||
         answer.headers.contains("transfer-encoding");
}

std::string lower(std::string_view text) {
  std::string copy(text);
  std::ranges::transform(copy, copy.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return copy;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.front())))
    text.remove_prefix(1);
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back())))
    text.remove_suffix(1);
  return text;
}

}  // namespace

// A curl handle and what its callbacks fill while one request is under way.
class S3Connection::Handle {
 public:
  Handle() : curl_(curl_easy_init()) { MILLRACE_CHECK(curl_ != nullptr); }
  ~Handle() { curl_easy_cleanup(curl_); }
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;

  S3Exchange perform(const S3Address& address, const S3Request& request,
                     const S3Credentials& credentials, const S3TimeLimits& limits);

 private:
  template <typename T>
  void set(CURLoption option, T value) {
    MILLRACE_CHECK(curl_easy_setopt(curl_, option, value) == CURLE_OK);
  }
  void set_connection(const S3Address& address, const S3Request& request,
                      const S3TimeLimits& limits);
  void set_signature(const S3Address& address, const S3Credentials& credentials);
  void set_body(const S3Request& request);

  std::size_t on_send(std::span<std::byte> to);
  std::size_t on_header(std::string_view line);
  std::size_t on_body(ByteView bytes);

  // What curl calls.
  static std::size_t send(char* to, std::size_t, std::size_t count, void* self) {
    return static_cast<Handle*>(self)->on_send({reinterpret_cast<std::byte*>(to), count});
  }
  static std::size_t header(char* from, std::size_t, std::size_t count, void* self) {
    return static_cast<Handle*>(self)->on_header({from, count});
  }
  static std::size_t body(char* from, std::size_t, std::size_t count, void* self) {
    return static_cast<Handle*>(self)->on_body({reinterpret_cast<const std::byte*>(from), count});
  }

  CURL* curl_;
  const S3Request* request_ = nullptr;
  S3Exchange exchange_;
  std::uint64_t sent_ = 0;
};

void S3Connection::Handle::set_connection(const S3Address& address, const S3Request& request,
                                          const S3TimeLimits& limits) {
  const auto url = full_url(address, request);
  set(CURLOPT_URL, url.c_str());
  set(CURLOPT_PROTOCOLS_STR, address.endpoint.starts_with("http://") ? "http" : "https");
  set(CURLOPT_FOLLOWLOCATION, 0L);
  set(CURLOPT_PATH_AS_IS, 1L);
  set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  set(CURLOPT_NOSIGNAL, 1L);
  // The environment names no proxy: nothing but the URL and the secrets folder decides.
  set(CURLOPT_PROXY, "");
  if (!address.ca_file.empty()) set(CURLOPT_CAINFO, address.ca_file.c_str());
  const auto seconds = request.payload.size / limits.bytes_per_second_min +
                       static_cast<std::uint64_t>(limits.request.count());
  set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(limits.connect.count()));
  // What is downloaded has no size yet: as long as it goes on, it may.
  if (request.download == nullptr) set(CURLOPT_TIMEOUT, static_cast<long>(seconds));
  set(CURLOPT_LOW_SPEED_LIMIT, 1L);
  set(CURLOPT_LOW_SPEED_TIME, static_cast<long>(limits.silence.count()));
}

void S3Connection::Handle::set_signature(const S3Address& address,
                                         const S3Credentials& credentials) {
  set(CURLOPT_AWS_SIGV4, ("aws:amz:" + address.region + ":s3").c_str());
  set(CURLOPT_USERNAME, credentials.access_key_id.c_str());
  set(CURLOPT_PASSWORD, credentials.secret_access_key.c_str());
}

void S3Connection::Handle::set_body(const S3Request& request) {
  const std::string_view method = request.method;
  set(CURLOPT_CUSTOMREQUEST, request.method);
  if (method == "PUT" || method == "POST") {
    set(CURLOPT_UPLOAD, 1L);
    set(CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(request.payload.size));
    set(CURLOPT_READFUNCTION, &Handle::send);
    set(CURLOPT_READDATA, this);
  } else if (method == "HEAD") {
    set(CURLOPT_NOBODY, 1L);
  }
  set(CURLOPT_HEADERFUNCTION, &Handle::header);
  set(CURLOPT_HEADERDATA, this);
  set(CURLOPT_WRITEFUNCTION, &Handle::body);
  set(CURLOPT_WRITEDATA, this);
}

std::size_t S3Connection::Handle::on_send(std::span<std::byte> to) {
  const auto& payload = request_->payload;
  const auto wanted = std::min<std::uint64_t>(to.size(), payload.size - sent_);
  if (wanted == 0) return 0;
  const auto count = payload.read(sent_, to.first(wanted));
  if (!count || *count == 0) {
    exchange_.local = Status(Code::io_error, "what is to be stored became shorter or unreadable",
                             "check the disk of the state folder");
    return CURL_READFUNC_ABORT;
  }
  sent_ += *count;
  return *count;
}

std::size_t S3Connection::Handle::on_header(std::string_view line) {
  auto& headers = exchange_.answer.headers;
  if (line.starts_with("HTTP/")) {  // also after 100 Continue
    headers.clear();
    return line.size();
  }
  const auto colon = line.find(':');
  const bool is_kept = colon != line.npos && headers.size() < limits::kS3HeadersMax &&
                       line.size() <= limits::kS3HeaderBytesMax;
  if (is_kept) headers[lower(line.substr(0, colon))] = trimmed(line.substr(colon + 1));
  return line.size();
}

std::size_t S3Connection::Handle::on_body(ByteView bytes) {
  long status = 0;
  curl_easy_getinfo(curl_, CURLINFO_RESPONSE_CODE, &status);
  if (request_->download != nullptr && status == 200) {
    exchange_.local = request_->download->take(bytes);
    return exchange_.local.is_ok() ? bytes.size() : 0;
  }
  auto& text = exchange_.answer.text;
  if (text.size() + bytes.size() > limits::kS3AnswerBytesMax) return 0;
  text += as_text(bytes);
  return bytes.size();
}

S3Exchange S3Connection::Handle::perform(const S3Address& address, const S3Request& request,
                                         const S3Credentials& credentials,
                                         const S3TimeLimits& limits) {
  exchange_ = {};
  sent_ = 0;
  request_ = &request;
  curl_easy_reset(curl_);  // connections stay open
  set_connection(address, request, limits);
  set_signature(address, credentials);
  set_body(request);
  HeaderList headers;
  headers.add("x-amz-content-sha256: " +
              (request.payload.size == 0 ? sha256_hex({}) : request.payload.sha256));
  if (!credentials.session_token.empty())
    headers.add("x-amz-security-token: " + credentials.session_token);
  for (const auto& line : request.headers) headers.add(line);
  set(CURLOPT_HTTPHEADER, headers.get());
  char details[CURL_ERROR_SIZE] = {};
  set(CURLOPT_ERRORBUFFER, details);

  if (request.download != nullptr) exchange_.local = request.download->restart();
  if (!exchange_.local.is_ok()) return std::move(exchange_);
  const auto code = curl_easy_perform(curl_);
  set(CURLOPT_ERRORBUFFER, static_cast<char*>(nullptr));
  set(CURLOPT_HTTPHEADER, static_cast<curl_slist*>(nullptr));
  set(CURLOPT_PASSWORD, "");

  long status = 0;
  curl_easy_getinfo(curl_, CURLINFO_RESPONSE_CODE, &status);
  curl_off_t connected = 0;
  curl_easy_getinfo(curl_, CURLINFO_PRETRANSFER_TIME_T, &connected);
  exchange_.answer.status = static_cast<int>(status);
  if (code == CURLE_OK && is_whole(exchange_.answer)) {
    exchange_.fate = S3Fate::answered;
  } else if (code == CURLE_OK) {
    exchange_.fate = S3Fate::in_doubt;
    exchange_.why = "the answer broke off in its headers";
  } else {
    // A connection that was not made in time has no time of its end either.
    const bool was_never_made = code == CURLE_OPERATION_TIMEDOUT && connected == 0;
    exchange_.fate = is_not_sent(code) || was_never_made ? S3Fate::not_sent : S3Fate::in_doubt;
    exchange_.why = details[0] != '\0' ? details : curl_easy_strerror(code);
  }
  return std::move(exchange_);
}

S3Payload S3Payload::of(ByteView bytes) {
  return of(bytes, sha256_hex(bytes));
}

S3Payload S3Payload::of(ByteView bytes, std::string sha256) {
  S3Payload payload;
  payload.size = bytes.size();
  payload.sha256 = std::move(sha256);
  payload.read = [bytes](std::uint64_t offset, std::span<std::byte> to) {
    const auto count = std::min<std::size_t>(to.size(), bytes.size() - offset);
    std::memcpy(to.data(), bytes.data() + offset, count);
    return std::optional<std::size_t>(count);
  };
  return payload;
}

std::string S3Answer::header(const std::string& name) const {
  const auto found = headers.find(name);
  return found == headers.end() ? std::string() : found->second;
}

S3Connection::S3Connection(S3Address address, SecretsFolder secrets, S3TimeLimits limits)
    : address_(std::move(address)), secrets_(std::move(secrets)), limits_(limits) {
  start_curl();
}

S3Connection::~S3Connection() = default;

std::unique_ptr<S3Connection::Handle> S3Connection::take_handle() {
  const std::lock_guard lock(mutex_);
  if (idle_.empty()) return std::make_unique<Handle>();
  auto handle = std::move(idle_.back());
  idle_.pop_back();
  return handle;
}

void S3Connection::give_back(std::unique_ptr<Handle> handle) {
  const std::lock_guard lock(mutex_);
  if (idle_.size() < limits::kS3IdleConnectionsMax) idle_.push_back(std::move(handle));
}

Result<S3Exchange> S3Connection::exchange(const S3Request& request) {
  MILLRACE_ASSIGN(const auto credentials, read_s3_credentials(secrets_, address_.credentials));
  auto handle = take_handle();
  auto exchange = handle->perform(address_, request, credentials, limits_);
  give_back(std::move(handle));
  return exchange;
}

Result<S3Credentials> read_s3_credentials(const SecretsFolder& secrets, const std::string& name) {
  S3Credentials credentials;
  MILLRACE_ASSIGN(credentials.access_key_id, secrets.read(name + "-access-key-id"));
  MILLRACE_ASSIGN(credentials.secret_access_key, secrets.read(name + "-secret-access-key"));
  const auto token = secrets.read(name + "-session-token");
  if (token.is_ok()) credentials.session_token = token.value();
  if (!token.is_ok() && token.status().code() != Code::not_found) return token.status();
  const auto is_line = [](const std::string& text) {
    return std::ranges::all_of(text, [](unsigned char c) { return c > ' ' && c <= '~'; });
  };
  if (!is_line(credentials.access_key_id) || !is_line(credentials.secret_access_key) ||
      !is_line(credentials.session_token)) {
    return Status(Code::invalid_argument,
                  "the credentials '" + name + "' in " + secrets.path().string() +
                      " hold a space, a line break or something unprintable",
                  "write each key alone into its file");
  }
  return credentials;
}

}  // namespace millrace
