#include "common/store/job_folder.hpp"

#include <unistd.h>

#include <filesystem>

#include "common/store/checkpoint_store.hpp"
#include "tests/support/fault_disk.hpp"
#include "tests/unit/store/store_fixture.hpp"

BOOST_AUTO_TEST_SUITE(store_job_folder)

using namespace millrace;
using namespace millrace::test;
namespace fs = std::filesystem;

BOOST_AUTO_TEST_CASE(a_folder_in_use_is_a_conflict_that_names_the_holder) {
  TemporaryFolder state;
  const auto first = require_ok(JobFolder::open(state.path(), "job"));
  const auto second = JobFolder::open(state.path(), "job");
  BOOST_TEST((second.status().code() == Code::conflict));
  BOOST_TEST(second.status().message().find(std::to_string(::getpid())) != std::string::npos);
  BOOST_TEST(second.status().message().find(first->path().string()) != std::string::npos);
  BOOST_TEST(!second.status().hint().empty());
}

BOOST_AUTO_TEST_CASE(another_job_of_the_same_state_is_free) {
  TemporaryFolder state;
  const auto first = require_ok(JobFolder::open(state.path(), "job"));
  BOOST_TEST(JobFolder::open(state.path(), "other").is_ok());
}

BOOST_AUTO_TEST_CASE(the_lock_goes_with_its_holder) {
  TemporaryFolder state;
  require_ok(JobFolder::open(state.path(), "job")).reset();
  BOOST_TEST(JobFolder::open(state.path(), "job").is_ok());
}

BOOST_AUTO_TEST_CASE(fresh_archives_and_keeps_the_lock) {
  TemporaryFolder state;
  const auto folder = require_ok(JobFolder::open(state.path(), "job"));
  BOOST_TEST(!require_ok(folder->fresh()).has_value());
  for (const char* archive : {"job.archived-1", "job.archived-2"}) {
    state.write("job/checkpoints/log/000000000000", archive);
    BOOST_TEST(folder->has_state());
    BOOST_TEST(require_ok(folder->fresh()).value().string() == (state.path() / archive).string());
    BOOST_TEST(fs::exists(state.path() / archive / "checkpoints/log/000000000000"));
    BOOST_TEST(!folder->has_state());
  }
  BOOST_TEST((JobFolder::open(state.path(), "job").status().code() == Code::conflict));
}

BOOST_AUTO_TEST_CASE(scratch_begins_empty) {
  TemporaryFolder state;
  const auto folder = require_ok(JobFolder::open(state.path(), "job"));
  const auto scratch = require_ok(folder->scratch("worker-0"));
  state.write(fs::relative(scratch / "old", state.path()).string(), "x");
  BOOST_TEST(fs::is_empty(require_ok(folder->scratch("worker-0"))));
}

BOOST_AUTO_TEST_CASE(a_file_in_place_of_the_state_folder_is_named) {
  TemporaryFolder folder;
  const auto file = folder.write("state", "not a folder");
  const auto opened = JobFolder::open(file, "job");
  BOOST_TEST((opened.status().code() == Code::invalid_argument));
  BOOST_TEST(opened.status().message().find(file) != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_state_folder_that_may_not_be_written_is_named) {
  TemporaryFolder folder;
  FaultDisk disk;
  disk.fail_at = 0;
  disk.error = EACCES;
  const auto opened = JobFolder::open(folder.path() / "state", "job", disk);
  BOOST_TEST((opened.status().code() == Code::permission_denied));
  BOOST_TEST(opened.status().message().find((folder.path() / "state").string()) !=
             std::string::npos);
  BOOST_TEST(!opened.status().hint().empty());
}

BOOST_AUTO_TEST_CASE(names_that_leave_the_folder_are_refused) {
  TemporaryFolder state;
  for (const char* name : {"", ".", "..", "a/b", "a b", "\xC3\xBC"}) {
    BOOST_TEST((JobFolder::open(state.path(), name).status().code() == Code::invalid_argument));
  }
  BOOST_TEST((check_job_name(std::string(129, 'a')).code() == Code::invalid_argument));
  BOOST_TEST(check_job_name(std::string(128, 'a')).is_ok());
}

BOOST_AUTO_TEST_SUITE_END()
