#include "common/store/s3_address.hpp"

#include <algorithm>
#include <optional>
#include <vector>

#include "common/config/nearest.hpp"
#include "common/store/s3_limits.hpp"

namespace millrace {
namespace {

constexpr std::string_view kScheme = "s3://";
constexpr const char* kForm = "use s3://BUCKET/PREFIX?endpoint=https://HOST:PORT&region=REGION";
constexpr std::size_t kBucketBytesMin = 3;
constexpr std::size_t kBucketBytesMax = 63;

bool is_lower_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

bool is_word(std::string_view text) {
  return !text.empty() && text.size() <= 64 && std::ranges::all_of(text, [](unsigned char c) {
    return std::isalnum(c) || c == '-' || c == '_';
  });
}

std::optional<int> hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return std::nullopt;
}

std::optional<std::string> percent_decode(std::string_view text) {
  std::string decoded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      decoded += text[i];
      continue;
    }
    const auto high = i + 2 < text.size() ? hex_digit(text[i + 1]) : std::nullopt;
    const auto low = high ? hex_digit(text[i + 2]) : std::nullopt;
    if (!low) return std::nullopt;
    decoded += static_cast<char>(*high * 16 + *low);
    i += 2;
  }
  return decoded;
}

// The host of scheme://host[:port], without the brackets of an IPv6 address.
std::string_view host_of(std::string_view authority) {
  if (authority.starts_with('[')) return authority.substr(1, authority.find(']') - 1);
  return authority.substr(0, authority.find(':'));
}

bool is_loopback(std::string_view host) {
  const bool is_address = host.find_first_not_of("0123456789.") == host.npos;
  return host == "localhost" || host == "::1" || (is_address && host.starts_with("127."));
}

class S3UrlParser {
 public:
  explicit S3UrlParser(const std::string& url) : url_(url) {}

  Result<S3Address> parse() {
    if (!url_.starts_with(kScheme)) return refuse("does not begin with s3://", kForm);
    if (url_.size() > limits::kS3UrlBytesMax) return refuse("is longer than 4 KiB", kForm);
    const auto question = std::min(url_.find('?'), url_.size());
    const auto place = std::string_view(url_).substr(0, question).substr(kScheme.size());
    MILLRACE_TRY(parse_place(place));
    if (question < url_.size()) MILLRACE_TRY(parse_query(url_.substr(question + 1)));
    MILLRACE_TRY(complete());
    return std::move(address_);
  }

 private:
  Status refuse(const std::string& why, const std::string& hint) const {
    return {Code::invalid_argument, "checkpoint store '" + url_.substr(0, 200) + "' " + why, hint};
  }

  Status parse_place(std::string_view place) {
    const auto slash = std::min(place.find('/'), place.size());
    address_.bucket = place.substr(0, slash);
    const auto& bucket = address_.bucket;
    const bool is_bucket = bucket.size() >= kBucketBytesMin && bucket.size() <= kBucketBytesMax &&
                           is_lower_or_digit(bucket.front()) && is_lower_or_digit(bucket.back()) &&
                           std::ranges::all_of(bucket, [](char c) {
                             return is_lower_or_digit(c) || c == '-' || c == '.';
                           });
    if (!is_bucket) {
      return refuse("names no bucket",
                    "a bucket has 3 to 63 lower-case letters, digits, dots and hyphens; " +
                        std::string(kForm));
    }
    auto prefix = place.substr(slash);
    while (prefix.starts_with('/')) prefix.remove_prefix(1);
    while (prefix.ends_with('/')) prefix.remove_suffix(1);
    const bool is_plain =
        prefix.find("//") == prefix.npos && std::ranges::all_of(prefix, [](unsigned char c) {
          return std::isalnum(c) || c == '/' || c == '-' || c == '_' || c == '.';
        });
    if (!is_plain || prefix.size() > limits::kS3KeyBytesMax / 2) {
      return refuse("has a prefix that is not allowed",
                    "use up to 512 letters, digits, '-', '_', '.' and single slashes");
    }
    address_.prefix = prefix;
    return {};
  }

  Status parse_query(std::string_view query) {
    while (!query.empty()) {
      const auto pair = query.substr(0, query.find('&'));
      query.remove_prefix(std::min(query.size(), pair.size() + 1));
      const auto equals = std::min(pair.find('='), pair.size());
      const std::string key(pair.substr(0, equals));
      const auto value = percent_decode(pair.substr(std::min(pair.size(), equals + 1)));
      if (!value || value->empty()) {
        return refuse("has no value for '" + key + "'", "write " + key + "=VALUE");
      }
      MILLRACE_TRY(set(key, *value));
    }
    return {};
  }

  Status set(const std::string& key, const std::string& value) {
    if (key == "endpoint") return set_endpoint(value);
    if (key == "region") return set_word(key, value, address_.region);
    if (key == "credentials") return set_word(key, value, address_.credentials);
    if (key == "insecure") return set_flag(key, value, is_insecure_);
    if (key == "single_coordinator") return set_flag(key, value, address_.is_single_coordinator);
    if (key == "ca") {
      if (value.front() != '/') return refuse("names no absolute file as ca", "ca=/path/ca.pem");
      address_.ca_file = value;
      return {};
    }
    if (key == "style") {
      if (value != "path" && value != "virtual") {
        return refuse("has a style that is not known", "style=path or style=virtual");
      }
      style_ = value;
      return {};
    }
    static const std::vector<std::string> known = {
        "endpoint", "region", "style", "ca", "insecure", "credentials", "single_coordinator"};
    return refuse("has the unknown key '" + key + "'",
                  suggestion(key, known) + "; secrets never stand in a URL");
  }

  Status set_word(const std::string& key, const std::string& value, std::string& target) {
    if (!is_word(value)) return refuse("has a value of " + key + " that is not allowed", kForm);
    target = value;
    return {};
  }

  Status set_flag(const std::string& key, const std::string& value, bool& target) {
    if (value != "true" && value != "false") {
      return refuse("has a value of " + key + " that is not allowed", key + "=true or nothing");
    }
    target = value == "true";
    return {};
  }

  Status set_endpoint(const std::string& value) {
    std::string_view rest = value;
    is_plain_http_ = rest.starts_with("http://");
    if (!is_plain_http_ && !rest.starts_with("https://")) {
      return refuse("has an endpoint that is no URL", "endpoint=https://HOST:PORT");
    }
    rest.remove_prefix(rest.find("//") + 2);
    while (rest.ends_with('/')) rest.remove_suffix(1);
    host_ = host_of(rest);
    const bool is_plain = std::ranges::all_of(rest, [](unsigned char c) {
      return std::isalnum(c) || c == '-' || c == '.' || c == ':' || c == '[' || c == ']';
    });
    if (host_.empty() || !is_plain) {
      return refuse("has an endpoint with more than a host and a port",
                    "endpoint=https://HOST:PORT, without user, path or query");
    }
    address_.endpoint = (is_plain_http_ ? "http://" : "https://") + std::string(rest);
    return {};
  }

  Status complete() {
    if (is_plain_http_ && !is_insecure_ && !is_loopback(host_)) {
      return refuse("would send checkpoints unencrypted to " + host_,
                    "use https://, or add insecure=true where the network is trusted");
    }
    if (address_.credentials.empty()) address_.credentials = "s3";
    if (address_.region.empty()) address_.region = "us-east-1";
    // A dot in the bucket would not match the certificate of *.host.
    const bool has_own_endpoint = !address_.endpoint.empty();
    const bool has_dot = address_.bucket.find('.') != std::string::npos;
    address_.is_path_style = style_.empty() ? has_own_endpoint || has_dot : style_ == "path";
    if (!has_own_endpoint) address_.endpoint = "https://s3." + address_.region + ".amazonaws.com";
    return {};
  }

  const std::string& url_;
  S3Address address_;
  std::string style_;
  std::string host_;
  bool is_plain_http_ = false;
  bool is_insecure_ = false;
};

}  // namespace

std::string percent_encode(std::string_view text, bool keeps_slash) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string encoded;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                          (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' || c == '~';
    if (is_plain || (keeps_slash && c == '/')) {
      encoded += c;
    } else {
      encoded += {'%', kDigits[byte >> 4], kDigits[byte & 15]};
    }
  }
  return encoded;
}

std::string S3Address::key_of(std::string_view name) const {
  return prefix.empty() ? std::string(name) : prefix + "/" + std::string(name);
}

std::string S3Address::url_of(std::string_view key) const {
  const auto path = percent_encode(key, true);
  if (is_path_style) return endpoint + "/" + bucket + (path.empty() ? "" : "/" + path);
  const auto host = endpoint.find("//") + 2;
  return endpoint.substr(0, host) + bucket + "." + endpoint.substr(host) + "/" + path;
}

std::string S3Address::describe(std::string_view name) const {
  return std::string(kScheme) + bucket + "/" + key_of(name);
}

Result<S3Address> parse_s3_url(const std::string& url) {
  return S3UrlParser(url).parse();
}

}  // namespace millrace
