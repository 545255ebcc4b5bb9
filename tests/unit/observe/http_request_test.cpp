#include "common/observe/http_request.hpp"

#include <boost/test/unit_test.hpp>

namespace millrace {
namespace {

using Outcome = HttpHead::Outcome;

int status_of(std::string_view bytes) {
  const HttpHead head = read_http_head(bytes);
  return head.outcome == Outcome::refused ? head.refusal.status : 0;
}

std::string request_with_head_of(std::size_t bytes) {
  const std::string begin = "GET / HTTP/1.1\r\nX: ";
  return begin + std::string(bytes - begin.size() - 4, 'x') + "\r\n\r\n";
}

std::string request_with_target_of(std::size_t bytes) {
  return "GET /" + std::string(bytes - 1, 'x') + " HTTP/1.1\r\n\r\n";
}

}  // namespace

BOOST_AUTO_TEST_SUITE(common_observe_http_request)

BOOST_AUTO_TEST_CASE(a_path_is_read_without_its_query) {
  const HttpHead head = read_http_head("GET /metrics?a=/b HTTP/1.1\r\nHost: x\r\n\r\n");
  BOOST_TEST((head.outcome == Outcome::complete));
  BOOST_TEST(head.path == "/metrics");
  BOOST_TEST(!head.is_head);
  BOOST_TEST(read_http_head("HEAD / HTTP/1.0\r\n\r\n").is_head);
}

BOOST_AUTO_TEST_CASE(every_prefix_of_a_head_is_incomplete) {
  const std::string whole = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";
  for (std::size_t length = 0; length < whole.size(); ++length) {
    BOOST_TEST((read_http_head(whole.substr(0, length)).outcome == Outcome::incomplete));
  }
  BOOST_TEST((read_http_head(whole + "what follows").outcome == Outcome::complete));
}

BOOST_AUTO_TEST_CASE(only_reading_methods_are_taken) {
  for (const char* method : {"POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT"}) {
    BOOST_TEST(status_of(std::string(method) + " /metrics HTTP/1.1\r\n\r\n") == 405, method);
  }
}

BOOST_AUTO_TEST_CASE(what_is_no_request_is_refused) {
  for (const char* line :
       {"", " ", "GET", "GET /", "GET / HTTP", "get / HTTP/1.1", "G\x01T / HTTP/1.1",
        "GET metrics HTTP/1.1", "GET http://x/ HTTP/1.1", "GET /a b HTTP/1.1", "GET /\x7f HTTP/1.1",
        "GET /\xc3\xa4 HTTP/1.1", "GET * HTTP/1.1", "\x16\x03\x01\x02", " GET / HTTP/1.1"}) {
    BOOST_TEST(status_of(std::string(line) + "\r\n\r\n") == 400, line);
  }
  BOOST_TEST(status_of("GET / HTTP/2.0\r\n\r\n") == 505);
  BOOST_TEST(status_of("PRI * HTTP/2.0\r\n\r\n") == 505);
  BOOST_TEST(status_of(std::string_view("GET /\0 HTTP/1.1\r\n\r\n", 19)) == 400);
}

BOOST_AUTO_TEST_CASE(heads_and_paths_are_taken_up_to_their_limits) {
  BOOST_TEST(status_of(request_with_head_of(limits::kHttpHeadBytesMax)) == 0);
  BOOST_TEST(status_of(request_with_head_of(limits::kHttpHeadBytesMax + 1)) == 431);
  BOOST_TEST(status_of(std::string(limits::kHttpHeadBytesMax + 1, 'x')) == 431);
  BOOST_TEST(
      (read_http_head(std::string(limits::kHttpHeadBytesMax, 'x')).outcome == Outcome::incomplete));
  BOOST_TEST(status_of(request_with_target_of(limits::kHttpTargetBytesMax)) == 0);
  BOOST_TEST(status_of(request_with_target_of(limits::kHttpTargetBytesMax + 1)) == 414);
}

BOOST_AUTO_TEST_CASE(an_answer_says_how_long_it_is_and_ends_the_connection) {
  const HttpAnswer answer{.status = 503, .content_type = "application/json", .body = "{}\n"};
  const std::string headers =
      "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nContent-Length: 3\r\n"
      "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n";
  BOOST_TEST(write_http_answer(answer, false) == headers + "{}\n");
  BOOST_TEST(write_http_answer(answer, true) == headers);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace millrace
