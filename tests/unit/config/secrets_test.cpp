#include "common/config/secrets.hpp"

#include <sys/stat.h>

#include <boost/test/unit_test.hpp>

#include "tests/support/temporary_folder.hpp"

using namespace millrace;

BOOST_AUTO_TEST_SUITE(common_config_secrets)

BOOST_AUTO_TEST_CASE(a_secret_is_the_content_of_its_file_without_the_last_newline) {
  const test::TemporaryFolder folder;
  const SecretsFolder secrets(folder.path());
  for (const auto& [content, expected] :
       std::vector<std::pair<std::string, std::string>>{{"word", "word"},
                                                        {"word\n", "word"},
                                                        {"word\r\n", "word"},
                                                        {"two\nlines\n\n", "two\nlines\n"},
                                                        {" word ", " word "}}) {
    const auto file = folder.write("kafka-password", content);
    ::chmod(file.c_str(), 0640);
    BOOST_TEST(secrets.read("kafka-password").value() == expected);
  }
}

BOOST_AUTO_TEST_CASE(a_secret_that_everybody_may_use_is_refused) {
  const test::TemporaryFolder folder;
  const auto file = folder.write("open", "word");
  for (const mode_t mode : {0604u, 0602u, 0644u}) {
    ::chmod(file.c_str(), mode);
    const auto read = SecretsFolder(folder.path()).read("open");
    BOOST_TEST((read.status().code() == Code::permission_denied));
    BOOST_TEST(read.status().message().find("word") == std::string::npos);
  }
}

BOOST_AUTO_TEST_CASE(names_cannot_leave_the_folder) {
  const test::TemporaryFolder folder;
  const SecretsFolder secrets(folder.path());
  for (const std::string name : {"", ".", "..", "../x", "a/b", ".hidden", "a b", "a\n"})
    BOOST_TEST((secrets.read(name).status().code() == Code::invalid_argument), name);
  BOOST_TEST((secrets.read(std::string(201, 'a')).status().code() == Code::invalid_argument));
}

BOOST_AUTO_TEST_CASE(what_is_missing_empty_too_long_or_no_file_is_told) {
  const test::TemporaryFolder folder;
  const SecretsFolder secrets(folder.path());
  BOOST_TEST((secrets.read("none").status().code() == Code::not_found));
  BOOST_TEST((SecretsFolder().read("none").status().code() == Code::not_found));
  const auto write = [&](const std::string& content) {
    ::chmod(folder.write("s", content).c_str(), 0600);
    return secrets.read("s").status().code();
  };
  BOOST_TEST((write("\n") == Code::invalid_argument));
  BOOST_TEST((write(std::string(64 << 10, 'x')) == Code::ok));
  BOOST_TEST((write(std::string((64 << 10) + 1, 'x')) == Code::invalid_argument));
  BOOST_REQUIRE(::mkfifo((folder.path() / "pipe").c_str(), 0600) == 0);
  BOOST_TEST((secrets.read("pipe").status().code() == Code::invalid_argument));
}

BOOST_AUTO_TEST_SUITE_END()
