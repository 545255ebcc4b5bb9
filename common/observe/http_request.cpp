#include "common/observe/http_request.hpp"

namespace millrace {
namespace {

const char* reason_of(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 400:
      return "Bad Request";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 414:
      return "URI Too Long";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 503:
      return "Service Unavailable";
    case 505:
      return "HTTP Version Not Supported";
    default:
      return "Unknown";
  }
}

HttpHead refuse(int status, std::string why) {
  HttpHead head;
  head.outcome = HttpHead::Outcome::refused;
  head.refusal = {.status = status, .body = std::move(why) + "\n"};
  return head;
}

HttpHead refuse_long_head(const HttpLimits& limits) {
  return refuse(431, "request line and headers are longer than " +
                         std::to_string(limits.head_bytes_max) + " bytes");
}

bool is_method(std::string_view word) {
  return !word.empty() && word.size() <= 32 &&
         std::all_of(word.begin(), word.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
}

// Visible characters only: a path names a route, nothing is decoded.
bool is_target(std::string_view text) {
  return text.starts_with('/') &&
         std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c <= '~'; });
}

HttpHead read_request_line(std::string_view line, const HttpLimits& limits) {
  const auto first = line.find(' ');
  const auto last = line.rfind(' ');
  if (first == line.npos || first == last) return refuse(400, "no request line of HTTP/1.1");
  const std::string_view method = line.substr(0, first);
  const std::string_view target = line.substr(first + 1, last - first - 1);
  const std::string_view version = line.substr(last + 1);
  if (!is_method(method) || !version.starts_with("HTTP/")) {
    return refuse(400, "no request line of HTTP/1.1");
  }
  if (version != "HTTP/1.1" && version != "HTTP/1.0") return refuse(505, "use HTTP/1.1");
  if (target.size() > limits.target_bytes_max) {
    return refuse(414,
                  "the path is longer than " + std::to_string(limits.target_bytes_max) + " bytes");
  }
  if (!is_target(target)) return refuse(400, "the path has characters that a path cannot have");
  if (method != "GET" && method != "HEAD") {
    return refuse(405, "this port only answers: use GET or HEAD");
  }
  HttpHead head;
  head.outcome = HttpHead::Outcome::complete;
  head.path = std::string(target.substr(0, target.find('?')));
  head.is_head = method == "HEAD";
  return head;
}

}  // namespace

HttpHead read_http_head(std::string_view bytes, const HttpLimits& limits) {
  const auto end = bytes.find("\r\n\r\n");
  // Without the end, what is there is all head.
  const std::size_t length = end == bytes.npos ? bytes.size() : end + 4;
  if (length > limits.head_bytes_max) return refuse_long_head(limits);
  if (end == bytes.npos) return {};
  return read_request_line(bytes.substr(0, bytes.find("\r\n")), limits);
}

std::string write_http_answer(const HttpAnswer& answer, bool is_head) {
  std::string bytes = "HTTP/1.1 " + std::to_string(answer.status) + " " + reason_of(answer.status);
  bytes += "\r\nContent-Type: " + answer.content_type;
  bytes += "\r\nContent-Length: " + std::to_string(answer.body.size());
  if (answer.status == 405) bytes += "\r\nAllow: GET, HEAD";
  bytes += "\r\nCache-Control: no-store\r\nX-Content-Type-Options: nosniff";
  bytes += "\r\nConnection: close\r\n\r\n";
  if (!is_head) bytes += answer.body;
  return bytes;
}

}  // namespace millrace
