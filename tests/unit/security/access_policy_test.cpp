#include "common/security/access_policy.hpp"

#include <sys/stat.h>

#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <fstream>

#include "common/base/limits.hpp"
#include "common/security/watched_policy.hpp"
#include "tests/support/temporary_folder.hpp"

namespace millrace::security {
namespace {

const std::string kKeyA = make_curve_key_pair().public_key.text();
const std::string kKeyB = make_curve_key_pair().public_key.text();

std::string client(const std::string& id, const std::string& roles, const std::string& keys) {
  return R"({"id": ")" + id + R"(", "roles": [)" + roles + R"(], "keys": [)" + keys + "]}";
}
std::string policy(const std::string& clients) {
  return R"({"format_version": 1, "clients": [)" + clients + "]}";
}
std::string quoted(const std::string& text) {
  return '"' + text + '"';
}

BOOST_AUTO_TEST_SUITE(common_security_access_policy)

BOOST_AUTO_TEST_CASE(a_key_leads_to_its_client_and_its_roles) {
  const auto read =
      AccessPolicy::parse(policy(client("app", R"("predict")", quoted(kKeyA)) + "," +
                                 client("ops", R"("operate", "read-metrics")", quoted(kKeyB))),
                          "p");
  BOOST_REQUIRE_MESSAGE(read.is_ok(), read.status().message());
  const auto* app = read.value().find_key(kKeyA);
  BOOST_REQUIRE(app != nullptr);
  BOOST_TEST(app->id == "app");
  BOOST_TEST(app->roles.allow(ClientRole::predict));
  BOOST_TEST(!app->roles.allow(ClientRole::operate));
  const auto* ops = read.value().find_key(CurvePublicKey::parse(kKeyB).value());
  BOOST_REQUIRE(ops != nullptr);
  BOOST_TEST(ops->roles.text() == "read-metrics, operate");
  BOOST_TEST(!ops->roles.allow(ClientRole::predict));
}

// Every pair of a role that is had and a role that is needed.
BOOST_AUTO_TEST_CASE(a_role_allows_itself_and_admin_allows_all) {
  BOOST_TEST(!ClientRoles().allow(ClientRole::predict));
  for (const auto had : kClientRoles) {
    const ClientRoles roles{had};
    for (const auto needed : kClientRoles) {
      const bool is_allowed = had == needed || had == ClientRole::admin;
      BOOST_TEST(roles.allow(needed) == is_allowed, to_string(had) << " " << to_string(needed));
      BOOST_TEST(roles.allow_any({needed}) == is_allowed);
      BOOST_TEST(roles.allow_any({needed, had}));
    }
  }
}

BOOST_AUTO_TEST_CASE(nobody_is_in_an_empty_policy) {
  const auto read = AccessPolicy::parse(policy(""), "p");
  BOOST_REQUIRE(read.is_ok());
  BOOST_TEST(read.value().find_key(kKeyA) == nullptr);
  BOOST_TEST(read.value().find_key("") == nullptr);
}

BOOST_AUTO_TEST_CASE(a_client_may_have_two_keys_while_one_replaces_the_other) {
  const auto read = AccessPolicy::parse(
      policy(client("app", R"("predict")", quoted(kKeyA) + "," + quoted(kKeyB))), "p");
  BOOST_REQUIRE(read.is_ok());
  BOOST_TEST(read.value().find_key(kKeyA) == read.value().find_key(kKeyB));
}

BOOST_AUTO_TEST_CASE(what_is_written_is_read_as_the_same) {
  const auto text = policy(client("app", R"("predict", "ingest")", quoted(kKeyA)) + "," +
                           client("none", "", quoted(kKeyB)));
  const auto first = AccessPolicy::parse(text, "p");
  BOOST_REQUIRE(first.is_ok());
  const auto second = AccessPolicy::parse(first.value().text(), "p");
  BOOST_REQUIRE_MESSAGE(second.is_ok(), second.status().message());
  BOOST_TEST(second.value().text() == first.value().text());
  BOOST_TEST(second.value().find_key(kKeyA)->roles.text() == "predict, ingest");
}

BOOST_AUTO_TEST_CASE(what_is_wrong_is_refused_with_its_place) {
  const auto app = client("app", R"("predict")", quoted(kKeyA));
  const std::pair<std::string, std::string> wrong[] = {
      {"", "not valid JSON"},
      {"{", "not valid JSON"},
      {"[]", "not an object"},
      {R"({"format_version": 1})", "clients is missing"},
      {R"({"format_version": 1, "clients": {}})", "clients is not a list"},
      {R"({"format_version": 1, "clients": [], "client": []})", "client is not known"},
      {R"({"format_version": "1", "clients": []})", "format_version"},
      {policy("7"), "clients[0] is not an object"},
      {policy(app + "," + app), "app stands twice"},
      {policy(app + "," + client("other", R"("predict")", quoted(kKeyA))), "belongs to client app"},
      {policy(client("App", R"("predict")", quoted(kKeyA))), "'App'"},
      {policy(client("app", R"("predct")", quoted(kKeyA))), "predct"},
      {policy(client("app", "1", quoted(kKeyA))), "clients[0].roles"},
      {policy(client("app", R"("predict")", "")), "clients[0].keys"},
      {policy(client("app", R"("predict")", R"("short")")), "clients[0].keys"},
      {policy(R"({"id": "app", "roles": [], "key": []})"), "clients[0].key is not known"},
  };
  for (const auto& [text, why] : wrong) {
    const auto read = AccessPolicy::parse(text, "the/file");
    BOOST_REQUIRE_MESSAGE(!read.is_ok(), text);
    BOOST_TEST(read.status().message().find("the/file") == 0u, read.status().message());
    BOOST_TEST(read.status().message().find(why) != std::string::npos, read.status().message());
    BOOST_TEST(!read.status().hint().empty(), text);
  }
}

BOOST_AUTO_TEST_CASE(a_newer_format_is_refused_by_its_number) {
  const auto read = AccessPolicy::parse(R"({"format_version": 2, "clients": []})", "p");
  BOOST_TEST((read.status().code() == Code::unsupported_format));
}

BOOST_AUTO_TEST_CASE(as_many_keys_as_the_limit_are_read_and_one_more_is_not) {
  std::string keys;
  for (std::size_t i = 0; i < limits::kPolicyKeysPerClientMax; ++i) {
    keys += (i == 0 ? "" : ",") + quoted(make_curve_key_pair().public_key.text());
  }
  BOOST_TEST(AccessPolicy::parse(policy(client("app", "", keys)), "p").is_ok());
  BOOST_TEST(
      !AccessPolicy::parse(policy(client("app", "", keys + "," + quoted(kKeyA))), "p").is_ok());
}

BOOST_AUTO_TEST_CASE(as_many_clients_as_the_limit_are_read_and_one_more_is_not) {
  std::string clients;
  for (std::size_t i = 0; i < limits::kPolicyClientsMax; ++i) {
    clients += (i == 0 ? "" : ",") +
               client("c" + std::to_string(i), "", quoted(make_curve_key_pair().public_key.text()));
  }
  BOOST_TEST(AccessPolicy::parse(policy(clients), "p").is_ok());
  BOOST_TEST(
      !AccessPolicy::parse(policy(clients + "," + client("last", "", quoted(kKeyA))), "p").is_ok());
}

BOOST_AUTO_TEST_SUITE_END()

struct PolicyFile {
  PolicyFile() { write(policy(client("app", R"("predict")", quoted(kKeyA)))); }
  void write(const std::string& text) const {
    folder.write("policy.json", text);
    BOOST_REQUIRE(::chmod(path().c_str(), 0644) == 0);
  }
  std::string path() const { return (folder.path() / "policy.json").string(); }
  std::shared_ptr<WatchedPolicy> open() const {
    auto watched = WatchedPolicy::open(path());
    BOOST_REQUIRE_MESSAGE(watched.is_ok(), watched.status().message());
    return watched.value();
  }
  test::TemporaryFolder folder;
};

BOOST_FIXTURE_TEST_SUITE(common_security_watched_policy, PolicyFile)

BOOST_AUTO_TEST_CASE(a_change_of_the_file_is_in_force_after_a_refresh) {
  const auto watched = open();
  PolicyView view(watched);
  BOOST_TEST(view.get().find_key(kKeyA) != nullptr);
  BOOST_TEST(!watched->refresh().value());
  write(policy(client("app", R"("predict")", quoted(kKeyB))));
  BOOST_TEST(view.get().find_key(kKeyA) != nullptr);
  BOOST_TEST(watched->refresh().value());
  BOOST_TEST(view.get().find_key(kKeyA) == nullptr);
  BOOST_TEST(view.get().find_key(kKeyB) != nullptr);
}

BOOST_AUTO_TEST_CASE(a_change_of_nothing_but_one_character_is_seen) {
  const auto watched = open();
  const auto before = watched->generation();
  auto text = policy(client("app", R"("operate")", quoted(kKeyA)));  // as long as before
  const auto times = std::filesystem::last_write_time(path());
  write(text);
  std::filesystem::last_write_time(path(), times);
  BOOST_TEST(watched->refresh().value());
  BOOST_TEST(watched->generation() != before);
  BOOST_TEST(!watched->current()->find_key(kKeyA)->roles.allow(ClientRole::predict));
}

BOOST_AUTO_TEST_CASE(an_unusable_file_leaves_the_policy_in_force_and_is_told_once) {
  const auto watched = open();
  write("{ half an edit");
  BOOST_TEST((watched->refresh().status().code() == Code::invalid_argument));
  BOOST_TEST(!watched->refresh().value());
  BOOST_TEST(watched->current()->find_key(kKeyA) != nullptr);
  std::filesystem::remove(path());
  BOOST_TEST((watched->refresh().status().code() == Code::not_found));
  BOOST_TEST(!watched->refresh().value());
  BOOST_TEST(watched->current()->find_key(kKeyA) != nullptr);
  write(policy(""));
  BOOST_TEST(watched->refresh().value());
  BOOST_TEST(watched->current()->find_key(kKeyA) == nullptr);
}

BOOST_AUTO_TEST_CASE(a_file_that_others_can_change_is_not_believed) {
  BOOST_REQUIRE(::chmod(path().c_str(), 0666) == 0);
  BOOST_TEST((WatchedPolicy::open(path()).status().code() == Code::permission_denied));
  BOOST_REQUIRE(::chmod(path().c_str(), 0644) == 0);
  BOOST_TEST(WatchedPolicy::open(path()).is_ok());
}

BOOST_AUTO_TEST_CASE(a_file_larger_than_the_limit_is_refused) {
  auto text = policy("");
  text.resize(limits::kPolicyBytesMax, ' ');
  write(text);
  BOOST_TEST(WatchedPolicy::open(path()).is_ok());
  write(text + " ");
  BOOST_TEST((WatchedPolicy::open(path()).status().code() == Code::resource_exhausted));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace millrace::security
