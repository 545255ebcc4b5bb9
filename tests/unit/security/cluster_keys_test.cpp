#include "common/security/cluster_keys.hpp"

#include <sys/prctl.h>

#include "tests/unit/security/key_tree.hpp"

namespace millrace::test {
namespace {

struct Made : KeyTree {
  Made() { make(); }

  Result<ClusterKeys> load(NodeRole role = NodeRole::worker,
                           std::chrono::sys_seconds now = kNow) const {
    return load_cluster_keys(
        {.folder = path("nodes/worker-1").string(), .role = role, .policy = {}}, now);
  }
  // The message, for a refusal with the code and a way out.
  static std::string refused(const Status& status, Code code) {
    BOOST_TEST((status.code() == code), status.message());
    BOOST_TEST(!status.hint().empty());
    return status.message();
  }
  fs::path node_file(const std::string& name) const { return path("nodes/worker-1/" + name); }
};

BOOST_FIXTURE_TEST_SUITE(common_security_cluster_keys, Made)

BOOST_AUTO_TEST_CASE(a_complete_folder_says_who_the_process_is) {
  const auto keys = load();
  BOOST_REQUIRE_MESSAGE(keys.is_ok(), keys.status().message());
  BOOST_TEST((keys.value().identity == NodeIdentity{.role = NodeRole::worker, .name = "worker-1"}));
  BOOST_TEST(keys.value().certificate_file == node_file("node.crt").string());
  BOOST_TEST(keys.value().curve->public_key.text() + "\n" == text("servers/worker.public"));
  BOOST_TEST(fs::equivalent(keys.value().policy_file, path("policy.json")));
}

BOOST_AUTO_TEST_CASE(each_missing_file_is_named) {
  for (const char* name : {"ca.crt", "node.crt", "node.key", "curve.public", "curve.secret"}) {
    const auto content = content_of(node_file(name));
    fs::remove(node_file(name));
    BOOST_TEST(refused(load().status(), Code::not_found).ends_with(std::string("lacks ") + name));
    overwrite(node_file(name), content);
  }
  fs::remove(path("policy.json"));
  const auto why = refused(load().status(), Code::not_found);
  BOOST_TEST(why.find("policy") != std::string::npos, why);
  fs::remove_all(path("nodes"));
  refused(load().status(), Code::not_found);
}

BOOST_AUTO_TEST_CASE(an_empty_folder_is_not_complete) {
  TemporaryFolder empty;
  const auto keys =
      load_cluster_keys({.folder = empty.path().string(), .role = {}, .policy = {}}, kNow);
  const auto why = refused(keys.status(), Code::not_found);
  BOOST_TEST(why.ends_with("lacks ca.crt, node.crt, node.key, curve.public, curve.secret"), why);
}

BOOST_AUTO_TEST_CASE(each_secret_that_others_can_read_is_refused) {
  for (const char* name : {"node.key", "curve.secret"}) {
    for (const mode_t mode : {0640, 0604, 0644, 0660}) {
      BOOST_REQUIRE(::chmod(node_file(name).c_str(), mode) == 0);
      const auto why = refused(load().status(), Code::permission_denied);
      BOOST_TEST(why.find(node_file(name).string()) == 0u, why);
    }
    BOOST_REQUIRE(::chmod(node_file(name).c_str(), 0400) == 0);
    BOOST_TEST(load().is_ok());
  }
}

BOOST_AUTO_TEST_CASE(what_others_can_change_is_refused) {
  for (const auto& file : {node_file("node.crt"), node_file("ca.crt"), path("policy.json")}) {
    BOOST_REQUIRE(::chmod(file.c_str(), 0664) == 0);
    refused(load().status(), Code::permission_denied);
    BOOST_REQUIRE(::chmod(file.c_str(), 0600) == 0);
  }
  BOOST_TEST(load().is_ok());
}

BOOST_AUTO_TEST_CASE(a_certificate_must_hold_for_another_day) {
  const auto end = kNow + std::chrono::days(365);
  BOOST_TEST(load(NodeRole::worker, end - std::chrono::hours(24)).is_ok());
  const auto soon = refused(load(NodeRole::worker, end - std::chrono::hours(23)).status(),
                            Code::permission_denied);
  BOOST_TEST(soon.find("in less than 24 hours") != std::string::npos, soon);
  const auto late = refused(load(NodeRole::worker, end).status(), Code::permission_denied);
  BOOST_TEST(late.find("expired on") != std::string::npos, late);
}

BOOST_AUTO_TEST_CASE(keys_of_another_role_are_refused) {
  const auto why = refused(load(NodeRole::coordinator).status(), Code::permission_denied);
  BOOST_TEST(why.find("makes its owner a worker, and this process is a coordinator") !=
             std::string::npos);
}

BOOST_AUTO_TEST_CASE(files_of_another_cluster_are_refused) {
  KeyTree other;
  other.make();
  for (const char* name : {"ca.crt", "node.crt", "node.key", "curve.public", "curve.secret"}) {
    const auto content = content_of(node_file(name));
    overwrite(node_file(name), other.text(std::string("nodes/worker-1/") + name));
    refused(load().status(), Code::permission_denied);
    overwrite(node_file(name), content);
  }
  BOOST_TEST(load().is_ok());
}

BOOST_AUTO_TEST_CASE(garbage_in_each_file_is_an_error_that_names_it) {
  for (const char* name : {"ca.crt", "node.crt", "node.key", "curve.public", "curve.secret"}) {
    const auto content = content_of(node_file(name));
    for (const auto& garbage : {std::string(), std::string("\0\xFF\n", 3), content.substr(0, 30)}) {
      overwrite(node_file(name), garbage);
      const auto why = refused(load().status(), Code::invalid_argument);
      BOOST_TEST(why.find(node_file(name).string()) == 0u, why);
    }
    overwrite(node_file(name), content);
  }
  overwrite(path("policy.json"), "{}");
  refused(load().status(), Code::invalid_argument);
}

BOOST_AUTO_TEST_CASE(a_policy_beside_the_keys_or_named_goes_before_the_common_one) {
  overwrite(node_file("policy.json"), text("policy.json"));
  BOOST_TEST(load().value().policy_file == node_file("policy.json").string());
  const auto keys = load_cluster_keys({.folder = path("nodes/worker-1").string(),
                                       .role = NodeRole::worker,
                                       .policy = "/nowhere/policy.json"},
                                      kNow);
  refused(keys.status(), Code::not_found);
}

BOOST_AUTO_TEST_CASE(a_client_loads_its_pair_and_the_key_of_the_server_it_means) {
  const auto folder_of_admin = path("clients/admin").string();
  const auto worker = load_client_keys(folder_of_admin, NodeRole::worker);
  BOOST_REQUIRE_MESSAGE(worker.is_ok(), worker.status().message());
  BOOST_TEST(worker.value()->server.text() + "\n" == text("servers/worker.public"));
  BOOST_TEST(worker.value()->own.public_key.text() + "\n" == text("clients/admin/curve.public"));
  const auto coordinator = load_client_keys(folder_of_admin, NodeRole::coordinator);
  BOOST_TEST(coordinator.value()->server.text() + "\n" == text("servers/coordinator.public"));
  fs::remove(path("clients/admin/worker.public"));
  refused(load_client_keys(folder_of_admin, NodeRole::worker).status(), Code::not_found);
  BOOST_REQUIRE(::chmod(path("clients/admin/curve.secret").c_str(), 0644) == 0);
  refused(load_client_keys(folder_of_admin, NodeRole::coordinator).status(),
          Code::permission_denied);
}

BOOST_AUTO_TEST_CASE(loading_secrets_keeps_them_out_of_core_dumps) {
  BOOST_REQUIRE(::prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) == 0);
  BOOST_REQUIRE(load().is_ok());
  BOOST_TEST(::prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace millrace::test
