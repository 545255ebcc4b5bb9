// A cluster's keys in a temporary folder, and what a node makes of them.
#pragma once

#include <boost/test/unit_test.hpp>
#include <chrono>
#include <string>

#include "common/actors/cluster_system.hpp"
#include "common/security/key_folder.hpp"
#include "tests/support/temporary_folder.hpp"
#include "worker/actors/interfaces.hpp"

namespace millrace::test {

inline std::chrono::sys_seconds wall_now() {
  return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
}

class ClusterFolder {
 public:
  ClusterFolder() {
    security::KeyFolderOptions options;
    options.folder = root();
    options.nodes = {{"coordinator", {}}, {"worker-1", {}}, {"worker-2", {}}};
    const auto made = security::make_key_folder(posix_disk(), options, wall_now());
    BOOST_REQUIRE_MESSAGE(made.is_ok(), made.status().message());
  }
  std::string root() const { return (folder_.path() / "keys").string(); }
  std::string file(const std::string& name) const { return root() + "/" + name; }
  security::ClusterKeys keys(const std::string& node) const {
    const auto role =
        node == "coordinator" ? security::NodeRole::coordinator : security::NodeRole::worker;
    auto keys = security::load_cluster_keys({file("nodes/" + node), role, ""}, wall_now());
    BOOST_REQUIRE_MESSAGE(keys.is_ok(), keys.status().message());
    return keys.value();
  }
  std::shared_ptr<const security::NodeCredentials> credentials(const std::string& node) const {
    auto held = security::NodeCredentials::hold(keys(node), wall_now());
    BOOST_REQUIRE_MESSAGE(held.is_ok(), held.status().message());
    return held.value();
  }

 private:
  TemporaryFolder folder_;
};

inline std::unique_ptr<ClusterSystem> start_system(
    std::shared_ptr<const security::NodeCredentials> credentials) {
  auto system = ClusterSystem::start(
      {.credentials = std::move(credentials), .add_messages = add_worker_messages});
  BOOST_REQUIRE_MESSAGE(system.is_ok(), system.status().message());
  system.value()->abandon_actors();  // a test that fails leaves actors behind
  return std::move(system).value();
}

}  // namespace millrace::test
