#include "common/observe/log.hpp"

#include <boost/test/unit_test.hpp>
#include <csignal>
#include <limits>

#include "common/base/ids.hpp"

namespace millrace {

BOOST_AUTO_TEST_SUITE(common_observe_log)

BOOST_AUTO_TEST_CASE(text_shows_the_message_and_then_each_field) {
  const auto body = format_log_body(
      LogFormat::text, "checkpoint completed",
      {{"cut", CutId(3)}, {"bytes", 12u}, {"seconds", 0.5}, {"resumed", true}, {"lag", -1}});
  BOOST_TEST(body == "checkpoint completed cut=3 bytes=12 seconds=0.5 resumed=true lag=-1");
}

BOOST_AUTO_TEST_CASE(json_closes_the_object_that_the_pattern_opened) {
  const auto body =
      format_log_body(LogFormat::json, "opened", {{"path", "a \"b\".csv"}, {"rate", 1.5}});
  BOOST_TEST(body == R"("message":"opened","path":"a \"b\".csv","rate":1.5})");
}

BOOST_AUTO_TEST_CASE(text_from_input_cannot_end_a_line) {
  BOOST_TEST(format_log_body(LogFormat::text, "bad\nrecord", {{"text", "x\ny=1"}}) ==
             R"(bad\nrecord text="x\ny=1")");
  BOOST_TEST(format_log_body(LogFormat::json, "bad\r", {{"text", std::string_view("\0\xff", 2)}}) ==
             R"("message":"bad\u000d","text":"\u0000\u00ff"})");
}

BOOST_AUTO_TEST_CASE(numbers_that_json_cannot_hold_become_null) {
  const double infinite = std::numeric_limits<double>::infinity();
  BOOST_TEST(format_log_body(LogFormat::json, "m", {{"loss", infinite}}) ==
             R"("message":"m","loss":null})");
}

BOOST_AUTO_TEST_CASE(every_level_and_format_is_read_by_its_name) {
  BOOST_TEST((parse_log_level("warning").value() == LogLevel::warning));
  BOOST_TEST((parse_log_format("json").value() == LogFormat::json));
  const auto unknown = parse_log_level("loud");
  BOOST_TEST(!unknown.is_ok());
  BOOST_TEST(unknown.status().hint() == "use debug, info, warning, error or off");
}

BOOST_AUTO_TEST_CASE(levels_below_the_chosen_one_are_not_logged) {
  start_logging({.level = LogLevel::warning, .format = LogFormat::text});
  BOOST_TEST(!is_logged(LogLevel::info));
  BOOST_TEST(is_logged(LogLevel::warning));
  BOOST_TEST(is_logged(LogLevel::error));
  start_logging({.level = LogLevel::off, .format = LogFormat::text});
  BOOST_TEST(!is_logged(LogLevel::error));
  start_logging({});
}

BOOST_AUTO_TEST_CASE(the_level_changes_while_the_program_runs) {
  start_logging({.level = LogLevel::warning, .format = LogFormat::text});
  set_log_level(LogLevel::debug);
  BOOST_TEST(is_logged(LogLevel::debug));
  set_log_level(LogLevel::off);
  BOOST_TEST(!is_logged(LogLevel::error));
  BOOST_TEST(to_string(log_level()) == "off");
  start_logging({});
}

BOOST_AUTO_TEST_CASE(signals_make_the_log_talkative_and_bring_it_back) {
  start_logging({.level = LogLevel::warning, .format = LogFormat::text});
  BOOST_REQUIRE(change_log_level_by_signals().is_ok());
  BOOST_REQUIRE(std::raise(SIGUSR1) == 0);
  BOOST_TEST(to_string(log_level()) == "info");
  // There is nothing beyond debug.
  for (int n = 0; n < 3; ++n) BOOST_REQUIRE(std::raise(SIGUSR1) == 0);
  BOOST_TEST(to_string(log_level()) == "debug");
  BOOST_REQUIRE(std::raise(SIGUSR2) == 0);
  BOOST_TEST(to_string(log_level()) == "warning");
  std::signal(SIGUSR1, SIG_DFL);
  std::signal(SIGUSR2, SIG_DFL);
  start_logging({});
}

BOOST_AUTO_TEST_CASE(every_level_has_the_name_that_it_is_read_by) {
  for (const char* word : {"debug", "info", "warning", "error", "off"}) {
    BOOST_TEST(to_string(parse_log_level(word).value()) == word);
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace millrace
