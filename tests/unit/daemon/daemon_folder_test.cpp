#include "common/daemon/daemon_folder.hpp"

#include <boost/test/unit_test.hpp>
#include <fstream>

#include "tests/support/temporary_folder.hpp"

namespace millrace {

using security::NodeRole;

BOOST_AUTO_TEST_SUITE(common_daemon_daemon_folder)

BOOST_AUTO_TEST_CASE(one_process_of_a_kind_holds_it_until_it_ends) {
  const test::TemporaryFolder state;
  {
    const auto first = DaemonFolder::open(state.path().string(), NodeRole::worker);
    BOOST_REQUIRE_MESSAGE(first.is_ok(), first.status().message());
    BOOST_TEST(first.value().path() == state.path() / "worker");
    for (const auto& entry : std::filesystem::directory_iterator(first.value().path()))
      BOOST_TEST(entry.path().filename().string().starts_with("."),
                 "a job may be called " << entry);
    const auto second = DaemonFolder::open(state.path().string(), NodeRole::worker);
    BOOST_TEST((second.status().code() == Code::conflict));
    BOOST_TEST(second.status().hint().find("--state") != std::string::npos);
    BOOST_TEST(DaemonFolder::open(state.path().string(), NodeRole::coordinator).is_ok());
  }
  BOOST_TEST(DaemonFolder::open(state.path().string(), NodeRole::worker).is_ok());
}

BOOST_AUTO_TEST_CASE(what_a_killed_life_has_left_is_gone_where_nothing_may_be) {
  const test::TemporaryFolder state;
  const auto folder = DaemonFolder::open(state.path().string(), NodeRole::worker);
  BOOST_REQUIRE(folder.is_ok());
  const auto scratch = folder.value().make_empty("scratch");
  BOOST_REQUIRE(scratch.is_ok());
  std::filesystem::create_directories(scratch.value() / "job");
  std::ofstream(scratch.value() / "job" / "left") << "behind";
  BOOST_TEST(folder.value().make_empty("scratch").is_ok());
  BOOST_TEST(std::filesystem::is_empty(scratch.value()));
}

BOOST_AUTO_TEST_CASE(a_state_that_is_no_folder_is_refused_with_its_name) {
  const test::TemporaryFolder state;
  const auto file = state.write("state", "a file");
  const auto folder = DaemonFolder::open(file, NodeRole::coordinator);
  BOOST_TEST((folder.status().code() == Code::permission_denied));
  BOOST_TEST(folder.status().message().find(file) != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace millrace
