#include "coordinator/cli/contexts.hpp"

#include <boost/test/unit_test.hpp>

#include "tests/support/temporary_folder.hpp"

namespace millrace::cli {
namespace {

ContextFile two_contexts() {
  ContextFile file;
  file.contexts["local"] = {.coordinator = "tcp://127.0.0.1:4701", .keys = ""};
  file.contexts["production"] = {.coordinator = "tcp://mill:4701", .keys = "/keys/ops"};
  file.current = "production";
  return file;
}

Resolved resolved(const ConnectionWords& flags, const ConnectionWords& environment,
                  const ContextFile& file) {
  const auto result = resolve_connection(flags, environment, file);
  BOOST_REQUIRE_MESSAGE(result.is_ok(), result.status().message());
  return result.value();
}

Status refused(const std::string& text) {
  const auto file = parse_contexts(text, "config.yaml");
  BOOST_REQUIRE(!file.is_ok());
  return file.status();
}

BOOST_AUTO_TEST_SUITE(coordinator_cli_contexts)

BOOST_AUTO_TEST_CASE(what_is_written_is_read_again) {
  const test::TemporaryFolder folder;
  const auto path = folder.path() / "deep" / "config.yaml";
  auto file = two_contexts();
  file.fallback = {.coordinator = "tcp://[::1]:4701", .keys = "/a \"b\" \\c: {d}"};
  BOOST_TEST(write_contexts(path, file).is_ok());
  const auto read = read_contexts(path);
  BOOST_REQUIRE_MESSAGE(read.is_ok(), read.status().message());
  BOOST_TEST(read.value().current == "production");
  BOOST_TEST(read.value().fallback.coordinator == file.fallback.coordinator);
  BOOST_TEST(read.value().fallback.keys == file.fallback.keys);
  BOOST_TEST_REQUIRE(read.value().contexts.size() == 2u);
  BOOST_TEST(read.value().contexts.at("production").keys == "/keys/ops");
}

BOOST_AUTO_TEST_CASE(an_absent_or_empty_file_says_nothing) {
  const test::TemporaryFolder folder;
  BOOST_TEST(read_contexts(folder.path() / "none.yaml").value().contexts.empty());
  BOOST_TEST(parse_contexts("", "config.yaml").value().current.empty());
  BOOST_TEST(parse_contexts("contexts:\n", "config.yaml").value().contexts.empty());
}

BOOST_AUTO_TEST_CASE(what_is_wrong_is_told_with_its_line) {
  const auto unknown = refused("current: a\ncontext: {}\n");
  BOOST_TEST(unknown.message() == "config.yaml:2: unknown key 'context'");
  BOOST_TEST(unknown.hint().find("did you mean 'contexts'") != std::string::npos);
  BOOST_TEST(refused("contexts:\n  a: {key: x}\n").message().find(":2:") != std::string::npos);
  BOOST_TEST(refused("contexts:\n  a: {keys: x}\n").message().find("needs a") != std::string::npos);
  BOOST_TEST(refused("contexts:\n  A B: {coordinator: x}\n").message().find(":2:") !=
             std::string::npos);
  BOOST_TEST(refused("a: [\n").message().starts_with("config.yaml:"));
  BOOST_TEST(refused("just a text").message().find("mapping") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_flag_wins_over_the_environment_over_the_context_over_the_file) {
  auto file = two_contexts();
  file.fallback.coordinator = "tcp://file:1";
  const ConnectionWords flag{.coordinator = "tcp://flag:1", .keys = "", .context = ""};
  const ConnectionWords variable{.coordinator = "tcp://variable:1", .keys = "", .context = ""};
  BOOST_TEST(resolved(flag, variable, file).coordinator == "tcp://flag:1");
  BOOST_TEST(resolved({}, variable, file).coordinator == "tcp://variable:1");
  BOOST_TEST(resolved({}, {}, file).coordinator == "tcp://mill:4701");
  BOOST_TEST(resolved({}, {}, file).origin == "context production");
  file.current.clear();
  BOOST_TEST(resolved({}, {}, file).coordinator == "tcp://file:1");
  BOOST_TEST(resolved({}, {}, {}).coordinator == kDefaultCoordinator);
  const ConnectionWords named{.coordinator = "", .keys = "", .context = "local"};
  BOOST_TEST(resolved(named, variable, file).coordinator == "tcp://127.0.0.1:4701");
  BOOST_TEST(resolved({}, named, file).coordinator == "tcp://127.0.0.1:4701");
}

BOOST_AUTO_TEST_CASE(keys_of_a_context_are_not_shown_to_another_coordinator) {
  const auto file = two_contexts();
  BOOST_TEST(resolved({}, {}, file).keys == "/keys/ops");
  BOOST_TEST(
      resolved({.coordinator = "tcp://x:1", .keys = "", .context = ""}, {}, file).keys.empty());
  BOOST_TEST(resolved({.coordinator = "", .keys = "/other", .context = ""}, {}, file).keys ==
             "/other");
}

BOOST_AUTO_TEST_CASE(words_that_contradict_and_names_that_are_not_there_are_refused) {
  const auto file = two_contexts();
  BOOST_TEST((resolve_connection({.coordinator = "x", .keys = "", .context = "local"}, {}, file)
                  .status()
                  .code() == Code::invalid_argument));
  const auto missing =
      resolve_connection({.coordinator = "", .keys = "", .context = "produktion"}, {}, file);
  BOOST_TEST((missing.status().code() == Code::not_found));
  BOOST_TEST(missing.status().hint().find("production") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace millrace::cli
