#include "common/daemon/daemon_options.hpp"

#include <boost/test/unit_test.hpp>
#include <filesystem>

namespace millrace {
namespace {

NodeValues read(std::vector<const char*> arguments) {
  using Kind = NodeKey::Kind;
  std::vector<NodeKey> keys = {{"listen", Kind::text, "HOST:PORT", "127.0.0.1:4700", "actors"},
                               {"control", Kind::text, "HOST:PORT", "127.0.0.1:4701", "clients"},
                               {"metrics", Kind::text, "HOST:PORT", "127.0.0.1:4703", "metrics"},
                               {"state", Kind::text, "DIR", "/var/lib/millrace", "folder"},
                               {"secrets", Kind::text, "DIR", "", "folder"}};
  for (auto& key : shared_node_keys()) keys.push_back(std::move(key));
  arguments.insert(arguments.begin(), "program");
  auto values = read_node_values({"program", "is an example", "1.2.3", keys},
                                 {arguments, [](const char*) -> const char* { return nullptr; }});
  BOOST_REQUIRE_MESSAGE(values.is_ok(), values.status().message());
  return std::move(values).value();
}

void check_refused(const Status& status, Code code, const std::string& why) {
  BOOST_TEST((status.code() == code));
  BOOST_TEST(status.message().find(why) != std::string::npos, status.message());
}

}  // namespace

BOOST_AUTO_TEST_SUITE(common_daemon_daemon_options)

BOOST_AUTO_TEST_CASE(what_is_given_is_what_they_hold) {
  const auto values = read({"--listen", "[::1]:1", "--state", "here", "--secrets", "/run/secrets",
                            "--log-level", "debug", "--log-format", "json"});
  const auto options = read_daemon_options(values);
  BOOST_REQUIRE_MESSAGE(options.is_ok(), options.status().message());
  BOOST_TEST(options.value().listen.text() == "tcp://[::1]:1");
  BOOST_TEST(options.value().metrics.port == 4703);
  BOOST_TEST(options.value().state == std::filesystem::absolute("here").string());
  BOOST_TEST(options.value().secrets == "/run/secrets");
  BOOST_TEST(!options.value().has_keys());
  BOOST_TEST((options.value().log.level == LogLevel::debug));
  BOOST_TEST((options.value().log.format == LogFormat::json));
}

BOOST_AUTO_TEST_CASE(what_cannot_be_read_is_refused_with_its_flag) {
  for (const auto* flag : {"--listen", "--metrics", "--log-level", "--log-format"})
    check_refused(read_daemon_options(read({flag, "one two"})).status(), Code::invalid_argument,
                  flag);
}

BOOST_AUTO_TEST_CASE(insecure_beside_keys_would_have_no_effect) {
  check_refused(read_daemon_options(read({"--keys", "/keys", "--insecure"})).status(),
                Code::invalid_argument, "--insecure");
}

// A dishonest client can ask for much; a dishonest actor is obeyed.
BOOST_AUTO_TEST_CASE(without_keys_actors_stay_on_this_machine_and_clients_too_unless_it_is_said) {
  const auto code = [](std::vector<const char*> arguments) {
    return read_daemon_options(read(std::move(arguments))).status().code();
  };
  BOOST_TEST((code({"--listen", "10.0.0.1:1"}) == Code::permission_denied));
  BOOST_TEST((code({"--listen", "10.0.0.1:1", "--insecure"}) == Code::permission_denied));
  BOOST_TEST((code({"--listen", "10.0.0.1:1", "--keys", "/keys"}) == Code::ok));

  const auto client_code = [](std::vector<const char*> arguments) {
    arguments.insert(arguments.end(), {"--control", "10.0.0.1:2"});
    const auto values = read(std::move(arguments));
    return read_client_endpoint(values, "control", read_daemon_options(values).value())
        .status()
        .code();
  };
  BOOST_TEST((client_code({}) == Code::permission_denied));
  BOOST_TEST((client_code({"--insecure"}) == Code::ok));
  BOOST_TEST((client_code({"--keys", "/keys"}) == Code::ok));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace millrace
