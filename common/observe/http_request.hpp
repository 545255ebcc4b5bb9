// What HttpServer understands of HTTP/1.x: the head of a GET or HEAD without a body, answered once.
//
// Place: pure, between the bytes of a connection and the routes; HttpServer moves the bytes.
// Invariant: nothing of a request is interpreted before its whole head has arrived within the
// limits, and no byte of a request is ever repeated in an answer.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/base/limits.hpp"

namespace millrace {

struct HttpAnswer {
  int status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body = {};
};

struct HttpHead {
  enum class Outcome : std::uint8_t { incomplete, complete, refused };
  Outcome outcome = Outcome::incomplete;
  std::string path;      // of a complete one, without the query
  bool is_head = false;  // wants the headers alone
  HttpAnswer refusal;    // of a refused one
};

struct HttpLimits {
  std::size_t head_bytes_max = limits::kHttpHeadBytesMax;      // larger ones are answered with 431
  std::size_t target_bytes_max = limits::kHttpTargetBytesMax;  // longer ones with 414
};

// `bytes`: what has arrived so far.
HttpHead read_http_head(std::string_view bytes, const HttpLimits& limits = {});

// The bytes that go back. The connection ends behind them.
std::string write_http_answer(const HttpAnswer& answer, bool is_head);

}  // namespace millrace
