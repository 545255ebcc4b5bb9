#include "common/config/node_options.hpp"

#include <boost/test/unit_test.hpp>

#include "tests/support/temporary_folder.hpp"

namespace millrace {
namespace {

std::vector<NodeKey> example_keys() {
  using Kind = NodeKey::Kind;
  std::vector<NodeKey> keys = {{"slots", Kind::text, "N", "2", "how many"},
                               {"data-root", Kind::list, "DIR", "", "where"},
                               {"memory", Kind::text, "BYTES", "", "how much"}};
  for (auto& key : shared_node_keys()) keys.push_back(std::move(key));
  return keys;
}

Result<NodeValues> read(std::vector<const char*> arguments,
                        const std::map<std::string, std::string>& environment = {}) {
  static const auto keys = example_keys();
  arguments.insert(arguments.begin(), "program");
  return read_node_values({"program", "is an example", "1.2.3", keys},
                          {arguments, [&](const char* name) -> const char* {
                             const auto found = environment.find(name);
                             return found == environment.end() ? nullptr : found->second.c_str();
                           }});
}

NodeValues values(std::vector<const char*> arguments,
                  const std::map<std::string, std::string>& environment = {}) {
  auto result = read(std::move(arguments), environment);
  BOOST_REQUIRE_MESSAGE(result.is_ok(), result.status().message());
  return std::move(result).value();
}

void check_refused(const Result<NodeValues>& result, const std::string& why,
                   const std::string& hint = "") {
  BOOST_REQUIRE_MESSAGE(!result.is_ok(), "not refused: " << why);
  const auto& status = result.status();
  BOOST_TEST((status.code() == Code::invalid_argument));
  BOOST_TEST(status.message().find(why) != std::string::npos, status.message());
  BOOST_TEST(status.hint().find(hint) != std::string::npos, status.hint());
}

}  // namespace

BOOST_AUTO_TEST_SUITE(common_config_node_options)

BOOST_AUTO_TEST_CASE(flags_win_over_the_environment_the_file_and_the_default) {
  const test::TemporaryFolder folder;
  const auto file = folder.write("node.yaml", "slots: 3\ndata_root: [/a, /b]\n");
  BOOST_TEST(values({}).text("slots") == "2");
  BOOST_TEST(values({}).origin("slots") == "the default of --slots");
  const auto from_file = values({"--config", file.c_str()});
  BOOST_TEST(from_file.text("slots") == "3");
  BOOST_TEST(from_file.origin("slots") == file + ":1: slots");
  BOOST_TEST(from_file.list("data-root").size() == 2u);
  const std::map<std::string, std::string> environment = {
      {"MILLRACE_CONFIG", file}, {"MILLRACE_SLOTS", "4"}, {"MILLRACE_DATA_ROOT", "/c"}};
  const auto from_environment = values({}, environment);
  BOOST_TEST(from_environment.text("slots") == "4");
  BOOST_TEST(from_environment.origin("slots") == "MILLRACE_SLOTS");
  BOOST_TEST((from_environment.list("data-root") == std::vector<std::string>{"/c"}));
  const auto from_flag =
      values({"--slots=5", "--data-root", "/d,/e", "--data-root", "/f"}, environment);
  BOOST_TEST(from_flag.text("slots") == "5");
  BOOST_TEST(from_flag.origin("slots") == "--slots");
  BOOST_TEST((from_flag.list("data-root") == std::vector<std::string>{"/d", "/e", "/f"}));
}

BOOST_AUTO_TEST_CASE(what_is_unknown_is_an_error_with_the_nearest_word) {
  const test::TemporaryFolder folder;
  check_refused(read({"--slotz", "3"}), "--slotz", "--slots");
  check_refused(read({"word"}), "word");
  const auto file = folder.write("node.yaml", "slots: 3\ndata_rot: /a\n");
  check_refused(read({"--config", file.c_str()}), ":2: unknown key 'data_rot'", "data_root");
}

BOOST_AUTO_TEST_CASE(a_file_that_says_something_else_is_an_error) {
  const test::TemporaryFolder folder;
  const auto refuse = [&](const std::string& text, const std::string& why) {
    const auto file = folder.write("node.yaml", text);
    check_refused(read({"--config", file.c_str()}), why);
  };
  refuse("slots: [1, 2]\n", "slots must be one N");
  refuse("slots: {a: 1}\n", "slots must be one N");
  refuse("slots: 1\nslots: 2\n", "given twice");
  refuse("- slots\n", "no `key: value`");
  refuse("insecure: maybe\n", "neither true nor false");
  refuse("slots: [1\n", "node.yaml");
  const auto missing = read({"--config", "/no/such/file.yaml"});
  BOOST_TEST((missing.status().code() == Code::not_found));
}

BOOST_AUTO_TEST_CASE(one_value_is_given_once) {
  check_refused(read({"--slots", "1", "--slots", "2"}), "more than once");
}

BOOST_AUTO_TEST_CASE(switches_are_true_or_false) {
  BOOST_TEST(!values({}).is_true("insecure"));
  BOOST_TEST(values({"--insecure"}).is_true("insecure"));
  BOOST_TEST(values({}, {{"MILLRACE_INSECURE", "yes"}}).is_true("insecure"));
  BOOST_TEST(!values({}, {{"MILLRACE_INSECURE", "0"}}).is_true("insecure"));
  check_refused(read({}, {{"MILLRACE_INSECURE", "perhaps"}}), "MILLRACE_INSECURE");
}

BOOST_AUTO_TEST_CASE(numbers_and_sizes_name_where_they_were_said) {
  BOOST_TEST(values({"--slots", "7"}).number("slots", 1, 8).value() == 7u);
  for (const char* word : {"0", "9", "x", "-1", "3.5", "", "18446744073709551616"}) {
    const auto wrong = values({"--slots", word}).number("slots", 1, 8);
    BOOST_TEST(wrong.status().message().starts_with("--slots: "));
  }
  BOOST_TEST(values({"--memory", "5"}).bytes("memory").value() == 5u);
  BOOST_TEST(values({"--memory", "2KiB"}).bytes("memory").value() == 2'048u);
  BOOST_TEST(values({"--memory", "3GiB"}).bytes("memory").value() == std::uint64_t{3} << 30);
  for (const char* word : {"5KB", "GiB", "99999999999999TiB", "1.5GiB"}) {
    BOOST_TEST(!values({"--memory", word}).bytes("memory").is_ok());
  }
}

BOOST_AUTO_TEST_CASE(help_and_version_are_answers) {
  BOOST_TEST(values({"--version"}).answer() == "program 1.2.3\n");
  const auto help = values({"--help"}).answer();
  for (const auto& key : example_keys()) {
    BOOST_TEST(help.find("--" + key.name) != std::string::npos);
  }
  // Only what may be repeated says so.
  BOOST_TEST(help.find("--slots N ...") == std::string::npos);
  BOOST_TEST(help.find("--data-root DIR ...") != std::string::npos);
  BOOST_TEST(values({}).answer().empty());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace millrace
