#include "common/security/key_files.hpp"

#include <fcntl.h>
#include <unistd.h>

#include "tests/support/fault_disk.hpp"
#include "tests/unit/security/key_tree.hpp"

namespace millrace::test {
namespace {

struct Files {
  std::string path(const std::string& name) const { return (folder.path() / name).string(); }
  std::string write(const std::string& name, mode_t mode) const {
    folder.write(name, "content");
    BOOST_REQUIRE(::chmod(path(name).c_str(), mode) == 0);
    return path(name);
  }
  TemporaryFolder folder;
};

BOOST_FIXTURE_TEST_SUITE(common_security_key_files, Files)

BOOST_AUTO_TEST_CASE(a_secret_is_read_unless_others_can_see_it) {
  for (const mode_t mode : {0600, 0400}) {
    BOOST_TEST(read_secret_file(write("key", mode)).value().text() == "content");
  }
  for (const mode_t mode : {0640, 0620, 0610, 0604, 0602, 0601, 0700, 04600}) {
    const auto read = read_secret_file(write("key", mode));
    BOOST_TEST((read.status().code() == Code::permission_denied), mode);
    BOOST_TEST(read.status().message().find(path("key")) != std::string::npos);
    BOOST_TEST(read.status().hint().find("chmod 0") != std::string::npos, read.status().hint());
  }
}

BOOST_AUTO_TEST_CASE(what_is_not_secret_is_read_unless_others_can_change_it) {
  for (const mode_t mode : {0644, 0600, 0444}) {
    BOOST_TEST(read_trusted_file(write("policy", mode)).value() == "content");
  }
  for (const mode_t mode : {0664, 0646, 0666}) {
    const auto read = read_trusted_file(write("policy", mode));
    BOOST_TEST((read.status().code() == Code::permission_denied), mode);
  }
}

BOOST_AUTO_TEST_CASE(a_file_of_another_user_is_not_trusted) {
  const auto file = write("key", 0600);
  if (::geteuid() != 0) {
    BOOST_TEST_MESSAGE("key_files: skipped: only root can give a file to somebody else");
    return;
  }
  BOOST_REQUIRE(::chown(file.c_str(), 4711, 4711) == 0);
  const auto read = read_secret_file(file);
  BOOST_REQUIRE((read.status().code() == Code::permission_denied));
  BOOST_TEST(read.status().message().find("4711") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(what_is_no_file_is_refused_without_waiting) {
  const auto fifo = path("fifo");
  BOOST_REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
  BOOST_TEST((read_secret_file(fifo).status().code() == Code::invalid_argument));
  BOOST_TEST(!read_secret_file(folder.path().string()).is_ok());
  BOOST_TEST((read_secret_file(path("absent")).status().code() == Code::not_found));
}

BOOST_AUTO_TEST_CASE(a_link_is_judged_by_what_it_leads_to) {
  const auto target = write("key", 0600);
  BOOST_REQUIRE(::symlink(target.c_str(), path("link").c_str()) == 0);
  BOOST_TEST(read_secret_file(path("link")).is_ok());
  BOOST_REQUIRE(::chmod(target.c_str(), 0644) == 0);
  BOOST_TEST((read_secret_file(path("link")).status().code() == Code::permission_denied));
}

BOOST_AUTO_TEST_CASE(what_is_written_is_private_whatever_the_mask_says) {
  const mode_t mask = ::umask(0);
  const auto folder_made = make_private_folder(posix_disk(), path("private"));
  const auto written = write_private_file(posix_disk(), path("private/key"), as_bytes("content"));
  ::umask(mask);
  BOOST_REQUIRE(folder_made.is_ok());
  BOOST_REQUIRE(written.is_ok());
  BOOST_TEST(mode_of(path("private")) == 0700u);
  BOOST_TEST(mode_of(path("private/key")) == 0600u);
  BOOST_TEST(content_of(path("private/key")) == "content");
}

BOOST_AUTO_TEST_CASE(a_folder_that_others_can_enter_is_not_used) {
  fs::create_directory(path("open"));
  BOOST_REQUIRE(::chmod(path("open").c_str(), 0755) == 0);
  const auto made = make_private_folder(posix_disk(), path("open"));
  BOOST_TEST((made.code() == Code::permission_denied));
  BOOST_TEST(made.hint().find("chmod 0700") != std::string::npos);
  write("file", 0600);
  BOOST_TEST((make_private_folder(posix_disk(), path("file")).code() == Code::invalid_argument));
}

// Each call of a write fails once; then the power goes.
BOOST_AUTO_TEST_CASE(a_write_that_fails_leaves_what_was_there) {
  const auto file = path("keys/key");
  int calls = 0;
  for (int fail_at = 0; fail_at <= calls; ++fail_at) {
    fs::remove_all(path("keys"));
    FaultDisk disk;
    BOOST_REQUIRE(make_private_folder(disk, path("keys")).is_ok());
    BOOST_REQUIRE(write_private_file(disk, file, as_bytes("before")).is_ok());
    disk.calls = 0;
    disk.fail_at = fail_at;
    disk.is_crash = true;
    const auto status = write_private_file(disk, file, as_bytes("after"));
    if (status.is_ok()) {
      BOOST_TEST(content_of(file) == "after");
      BOOST_TEST(fail_at == disk.calls);
      return;
    }
    calls = disk.calls;
    const auto content = content_of(file);
    BOOST_TEST((content == "before" || content == "after"), content);
  }
  BOOST_FAIL("the write never came to its end");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace millrace::test
