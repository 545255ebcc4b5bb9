// The server under clients that are slow, idle, many or hostile.
#include "common/observe/http_server.hpp"

#include <sys/resource.h>

#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <thread>

#include "tests/integration/monitoring_endpoint/http_client.hpp"

namespace millrace {
namespace {

using std::chrono::milliseconds;
using test::get;
using test::HttpClient;

// More than a socket's buffers hold, so that it waits for its reader.
constexpr std::size_t kLargeBytes = std::size_t{32} << 20;

std::unique_ptr<HttpServer> started(const HttpServerOptions& options = {}) {
  auto server = HttpServer::start(
      options, {{"/page", [] { return HttpAnswer{.body = "text\n"}; }},
                {"/large", [] { return HttpAnswer{.body = std::string(kLargeBytes, 'x')}; }}});
  BOOST_REQUIRE_MESSAGE(server.is_ok(), server.status().message());
  return std::move(server).value();
}

std::size_t open_files() {
  std::size_t count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    ++count;
  }
  return count;
}

void allow_open_files(rlim_t count) {
  rlimit limit = {};
  BOOST_REQUIRE(::getrlimit(RLIMIT_NOFILE, &limit) == 0);
  limit.rlim_cur = std::min(std::max(limit.rlim_cur, count), limit.rlim_max);
  BOOST_REQUIRE(limit.rlim_cur >= count);
  BOOST_REQUIRE(::setrlimit(RLIMIT_NOFILE, &limit) == 0);
}

// For what the other thread does in its own time; gives up after 20 s.
template <typename Condition>
bool eventually(const Condition& holds) {
  for (int n = 0; n < 2'000 && !holds(); ++n) std::this_thread::sleep_for(milliseconds(10));
  return holds();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(integration_monitoring_http_server)

BOOST_AUTO_TEST_CASE(a_page_is_answered_with_its_length_and_the_connection_closed) {
  const auto server = started();
  BOOST_TEST(server->url() == "http://127.0.0.1:" + std::to_string(server->port()));
  const auto reply = get(server->port(), "/page?at=now");
  BOOST_TEST(reply.status == 200);
  BOOST_TEST(reply.body == "text\n");
  BOOST_TEST(reply.headers.find("\r\nContent-Length: 5\r\n") != reply.headers.npos);
  BOOST_TEST(server->stats().answered == 1u);
}

BOOST_AUTO_TEST_CASE(a_large_page_arrives_whole) {
  const auto server = started();
  BOOST_TEST(get(server->port(), "/large").body.size() == kLargeBytes);
}

BOOST_AUTO_TEST_CASE(nothing_but_reading_is_done) {
  const auto server = started();
  HttpClient head(server->port());
  BOOST_TEST(head.send("HEAD /page HTTP/1.1\r\n\r\n"));
  const auto headers = head.receive();
  BOOST_TEST(headers.status == 200);
  BOOST_TEST(headers.body.empty());
  HttpClient post(server->port());
  BOOST_TEST(
      post.send("POST /page HTTP/1.1\r\nContent-Length: 20000\r\n\r\n" + std::string(20'000, 'x')));
  // The answer arrives although its reader was still sending.
  BOOST_TEST(post.receive().status == 405);
  const auto missing = get(server->port(), "/etc/passwd");
  BOOST_TEST(missing.status == 404);
  BOOST_TEST(missing.body.find("passwd") == missing.body.npos);
  BOOST_TEST(server->stats().refused == 2u);
}

BOOST_AUTO_TEST_CASE(a_head_that_is_too_long_is_refused) {
  const auto server = started();
  HttpClient client(server->port());
  BOOST_TEST(client.send("GET /page HTTP/1.1\r\nX: " + std::string(limits::kHttpHeadBytesMax, 'x') +
                         "\r\n\r\n"));
  BOOST_TEST(client.receive().status == 431);
  BOOST_TEST(get(server->port(), "/" + std::string(limits::kHttpTargetBytesMax, 'x')).status ==
             414);
}

BOOST_AUTO_TEST_CASE(who_sends_byte_by_byte_is_closed_when_its_time_is_over) {
  const auto server = started({.request_timeout = milliseconds(200)});
  HttpClient slow(server->port());
  const std::string request = "GET /page HTTP/1.1\r\nX: " + std::string(6'000, 'x');
  // Each byte is soon after the last, so only a time for the whole can end it.
  std::size_t sent = 0;
  while (sent < request.size() && slow.send(request.substr(sent, 1))) {
    ++sent;
    std::this_thread::sleep_for(milliseconds(5));
  }
  BOOST_TEST(sent < request.size());
  BOOST_TEST(slow.is_closed_unanswered());
  BOOST_TEST(server->stats().slow == 1u);
  BOOST_TEST(get(server->port(), "/page").status == 200);
}

BOOST_AUTO_TEST_CASE(who_does_not_read_its_answer_is_closed_when_its_time_is_over) {
  const auto server = started({.answer_timeout = milliseconds(200)});
  HttpClient deaf(server->port());
  BOOST_TEST(deaf.send("GET /large HTTP/1.1\r\n\r\n"));
  BOOST_TEST(get(server->port(), "/page").status == 200);
  BOOST_TEST(eventually([&] { return server->stats().slow == 1u; }));
  BOOST_TEST(deaf.receive().body.size() < kLargeBytes);
}

BOOST_AUTO_TEST_CASE(a_thousand_idle_connections_are_bounded_and_delay_nobody) {
  constexpr std::size_t kIdle = 1'000;
  allow_open_files(1'200);
  const auto server = started({.request_timeout = milliseconds(60'000)});
  const std::size_t before = open_files();
  std::vector<HttpClient> idle;
  for (std::size_t n = 0; n < kIdle; ++n) idle.emplace_back(server->port());
  BOOST_TEST(
      eventually([&] { return server->stats().evicted == kIdle - limits::kHttpConnectionsMax; }));
  BOOST_TEST(open_files() == before + kIdle + limits::kHttpConnectionsMax);
  for (int n = 0; n < 100; ++n) BOOST_TEST(get(server->port(), "/page").status == 200);
  BOOST_TEST(server->stats().answered == 100u);
  BOOST_TEST(idle.front().is_closed_unanswered());
  idle.clear();
  BOOST_TEST(eventually([&] { return open_files() == before; }));
}

BOOST_AUTO_TEST_CASE(readers_that_take_their_answer_are_not_made_to_leave) {
  const auto server = started({.connections_max = 2});
  HttpClient busy(server->port());
  BOOST_TEST(busy.send("GET /large HTTP/1.1\r\n\r\n"));
  // Asked first, so that the large answer is under way when the others come.
  BOOST_TEST(eventually([&] { return server->stats().answered == 1u; }));
  const HttpClient first(server->port());
  const HttpClient second(server->port());
  BOOST_TEST(eventually([&] { return server->stats().evicted == 1u; }));
  BOOST_TEST(busy.receive().body.size() == kLargeBytes);
}

BOOST_AUTO_TEST_CASE(garbage_leaves_no_trace) {
  const auto server = started();
  const std::size_t before = open_files();
  for (const std::string& bytes :
       {std::string("\x16\x03\x01\x02\x00\x01", 6), std::string(5'000, '\0'),
        std::string("\r\n\r\n"), std::string("GET /page HTTP/1.1\n\n"), std::string()}) {
    HttpClient client(server->port());
    BOOST_TEST(client.send(bytes));
  }
  BOOST_TEST(get(server->port(), "/page").status == 200);
  BOOST_TEST(eventually([&] { return open_files() == before; }));
}

BOOST_AUTO_TEST_CASE(it_ends_while_clients_wait) {
  auto server = started();
  const HttpClient idle(server->port());
  HttpClient deaf(server->port());
  BOOST_TEST(deaf.send("GET /large HTTP/1.1\r\n\r\n"));
  server.reset();
}

BOOST_AUTO_TEST_CASE(others_reach_it_only_where_that_was_meant) {
  const auto code = [](const HttpServerOptions& options) {
    return HttpServer::start(options, {}).status().code();
  };
  for (const char* host : {"*", "0.0.0.0", "::"}) {
    BOOST_TEST_CONTEXT(host) {
      BOOST_TEST((code({.host = host}) == Code::permission_denied));
    }
  }
  for (const char* host : {"*", "0.0.0.0"}) {
    BOOST_TEST((code({.host = host, .has_keys = true}) == Code::ok));
    BOOST_TEST((code({.host = host, .is_insecure_accepted = true}) == Code::ok));
  }
  for (const char* host : {"localhost", "127.0.0.1", "127.0.0.2"}) {
    BOOST_TEST((code({.host = host}) == Code::ok));
  }
}

BOOST_AUTO_TEST_CASE(an_address_that_cannot_be_had_says_why) {
  const auto server = started();
  const auto taken = HttpServer::start({.port = server->port()}, {});
  BOOST_TEST((taken.status().code() == Code::conflict));
  BOOST_TEST(taken.status().message().find(std::to_string(server->port())) != std::string::npos);
  BOOST_TEST((HttpServer::start({.host = "not an address"}, {}).status().code() ==
              Code::invalid_argument));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace millrace
