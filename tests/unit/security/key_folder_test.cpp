#include <sys/wait.h>

#include "common/security/access_policy.hpp"
#include "common/security/cluster_keys.hpp"
#include "tests/unit/security/key_tree.hpp"

namespace millrace::test {
namespace {

const std::set<std::string> kNodeFiles = {"ca.crt", "curve.public", "curve.secret", "node.crt",
                                          "node.key"};
const std::set<std::string> kClientFiles = {"coordinator.public", "curve.public", "curve.secret",
                                            "worker.public"};

std::set<std::string> names_in(const fs::path& folder) {
  std::set<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder)) {
    names.insert(entry.path().filename().string());
  }
  return names;
}

std::size_t count(const std::vector<KeyFile>& files, KeyFileState state) {
  return static_cast<std::size_t>(std::count_if(
      files.begin(), files.end(), [&](const KeyFile& file) { return file.state == state; }));
}

AccessPolicy policy_of(const KeyTree& tree) {
  auto policy = AccessPolicy::parse(tree.text("policy.json"), "policy.json");
  BOOST_REQUIRE_MESSAGE(policy.is_ok(), policy.status().message());
  return std::move(policy).value();
}

std::string key_of(const KeyTree& tree, const std::string& id) {
  auto key = tree.text("clients/" + id + "/curve.public");
  key.pop_back();
  return key;
}

void load_all(const KeyTree& tree, std::chrono::sys_seconds now = kNow) {
  for (const auto& name : names_in(tree.path("nodes"))) {
    const auto role = name.starts_with("coordinator") ? NodeRole::coordinator : NodeRole::worker;
    const auto keys = load_cluster_keys(
        {.folder = tree.path("nodes/" + name).string(), .role = role, .policy = {}}, now);
    BOOST_TEST(keys.is_ok(), keys.status().message());
  }
  for (const auto& id : names_in(tree.path("clients"))) {
    const auto keys = load_client_keys(tree.path("clients/" + id).string(), NodeRole::worker);
    BOOST_TEST(keys.is_ok(), keys.status().message());
  }
}

BOOST_FIXTURE_TEST_SUITE(common_security_key_folder, KeyTree)

BOOST_AUTO_TEST_CASE(without_names_a_small_cluster_and_an_administrator_are_made) {
  const auto files = make();
  BOOST_TEST(count(files, KeyFileState::made) == files.size());
  BOOST_TEST((names_in(path("nodes")) == std::set<std::string>{"coordinator", "worker-1"}));
  BOOST_TEST((names_in(path("nodes/worker-1")) == kNodeFiles));
  BOOST_TEST((names_in(path("clients/admin")) == kClientFiles));
  BOOST_TEST(policy_of(*this).find_key(key_of(*this, "admin"))->roles.text() == "admin");
  load_all(*this);
}

BOOST_AUTO_TEST_CASE(files_and_folders_are_private_whatever_the_mask_says) {
  const mode_t mask = ::umask(0);
  const auto files = run();
  ::umask(mask);
  BOOST_REQUIRE(files.is_ok());
  for (const auto& file : files.value()) BOOST_TEST(mode_of(file.path) == 0600u, file.path);
  BOOST_TEST(mode_of(options.folder) == 0700u);
  for (const auto& entry : fs::recursive_directory_iterator(options.folder)) {
    if (entry.is_directory()) BOOST_TEST(mode_of(entry.path()) == 0700u, entry.path());
  }
}

BOOST_AUTO_TEST_CASE(a_second_run_changes_nothing) {
  make();
  const auto before = contents();
  const auto files = make(kNow + std::chrono::days(100));
  BOOST_TEST(count(files, KeyFileState::kept) == files.size());
  BOOST_TEST((contents() == before));
}

BOOST_AUTO_TEST_CASE(a_name_that_is_new_is_added_and_the_rest_kept) {
  make();
  const auto before = contents();
  name_node("worker-2");
  name_client("app", {ClientRole::predict, ClientRole::read_metrics});
  const auto found = states(*this, make());
  for (const auto& [file, state] : found) {
    const bool is_new = file.starts_with("nodes/worker-2/") || file.starts_with("clients/app/");
    if (file == "policy.json") continue;
    BOOST_TEST((state == (is_new ? KeyFileState::made : KeyFileState::kept)), file);
    if (!is_new) BOOST_TEST(before.at(path(file).string()) == text(file), file);
  }
  BOOST_TEST((found.at("policy.json") == KeyFileState::renewed));
  BOOST_TEST(policy_of(*this).find_key(key_of(*this, "app"))->roles.text() ==
             "predict, read-metrics");
  BOOST_TEST(policy_of(*this).find("admin") != nullptr);
  load_all(*this);
}

// Whatever one file is missing, the next run brings back a folder that can be used.
BOOST_AUTO_TEST_CASE(each_file_that_is_missing_is_made_again_or_its_loss_is_named) {
  make();
  // What cannot be made again without others having to change: the way out is said instead.
  const std::set<std::string> lost_for_good = {"clients/admin/curve.secret",
                                               "servers/coordinator.secret",
                                               "servers/worker.secret", "ca/ca.key"};
  const auto files = states(*this, make());
  for (const auto& [file, state] : files) {
    const auto content = text(file);
    fs::remove(path(file));
    const auto again = run();
    if (lost_for_good.contains(file)) {
      // It is missed only when it is needed.
      if (again.is_ok()) name_node("worker-2");
      if (again.is_ok()) name_node("coordinator-2");
      const auto needed = again.is_ok() ? run() : again;
      name_nobody();
      fs::remove_all(path("nodes/worker-2"));
      fs::remove_all(path("nodes/coordinator-2"));
      BOOST_TEST((needed.status().code() == Code::conflict), file);
      BOOST_TEST(needed.status().message().find(path(file).string()) == 0u,
                 needed.status().message());
      BOOST_TEST(needed.status().hint().find("--force") != std::string::npos);
      overwrite(path(file), content);
      continue;
    }
    BOOST_REQUIRE_MESSAGE(again.is_ok(), file << ": " << again.status().message());
    BOOST_TEST(fs::exists(path(file)), file);
    load_all(*this);
    // Halves of pairs and copies come back as they were.
    if (file.ends_with(".public")) BOOST_TEST(text(file) == content, file);
    if (file.ends_with("/ca.crt")) BOOST_TEST(text(file) == text("ca/ca.crt"), file);
  }
}

BOOST_AUTO_TEST_CASE(without_a_policy_nobody_is_given_a_role_that_was_not_named) {
  name_client("app", {ClientRole::predict});
  make();
  fs::remove(path("policy.json"));
  name_nobody();
  const auto files = run();
  BOOST_REQUIRE((files.status().code() == Code::conflict));
  BOOST_TEST(files.status().message().find("policy.json is gone") != std::string::npos);
  BOOST_TEST(!fs::exists(path("policy.json")));
  const auto key = key_of(*this, "app");
  name_client("app", {ClientRole::ingest});
  make();
  BOOST_TEST(policy_of(*this).find_key(key)->roles.text() == "ingest");
}

BOOST_AUTO_TEST_CASE(what_a_killed_run_left_half_written_is_removed) {
  make();
  overwrite(path("nodes/worker-1/node.key.tmp"), "half");
  const auto files = states(*this, make());
  BOOST_TEST(!files.contains("nodes/worker-1/node.key.tmp"));
  BOOST_TEST(!fs::exists(path("nodes/worker-1/node.key.tmp")));
}

BOOST_AUTO_TEST_CASE(clients_can_be_added_while_the_authority_is_kept_elsewhere) {
  make();
  fs::remove_all(path("ca"));
  name_client("app", {ClientRole::predict});
  make();
  BOOST_TEST(policy_of(*this).find("app") != nullptr);
  BOOST_TEST(!fs::exists(path("ca/ca.key")));
}

BOOST_AUTO_TEST_CASE(force_renews_what_is_named_and_nothing_else) {
  name_client("app", {ClientRole::predict});
  make();
  const auto before = contents();
  const auto old_key = key_of(*this, "app");
  name_nobody();
  name_node("worker-1");
  name_client("app", {});
  options.renew = true;
  options.days = std::chrono::days(30);
  make();
  for (const auto& [file, content] : contents()) {
    const bool may_change = file.find("worker-1/node.") != std::string::npos ||
                            file.find("app/curve.") != std::string::npos ||
                            file.ends_with("policy.json");
    BOOST_TEST((content != before.at(file)) == may_change, file);
  }
  const auto policy = policy_of(*this);
  BOOST_TEST(policy.find_key(old_key) == nullptr);
  BOOST_TEST(policy.find_key(key_of(*this, "app"))->roles.text() == "predict");
  const auto keys = load_cluster_keys(
      {.folder = path("nodes/worker-1").string(), .role = NodeRole::worker, .policy = {}}, kNow);
  BOOST_REQUIRE(keys.is_ok());
  BOOST_TEST((keys.value().expires_at == kNow + std::chrono::days(30)));
}

BOOST_AUTO_TEST_CASE(force_without_names_renews_everything) {
  name_client("app", {ClientRole::predict});
  make();
  name_nobody();
  const auto before = contents();
  options.renew = true;
  const auto files = make();
  BOOST_TEST(count(files, KeyFileState::renewed) == files.size());
  for (const auto& [file, content] : contents()) BOOST_TEST(content != before.at(file), file);
  load_all(*this);
  const auto policy = policy_of(*this);
  BOOST_TEST(policy.clients().size() == 1u);
  BOOST_TEST(policy.find_key(key_of(*this, "app"))->roles.text() == "predict");
}

BOOST_AUTO_TEST_CASE(who_was_taken_out_of_the_policy_stays_out_until_named_again) {
  name_client("app", {ClientRole::predict});
  name_client("other", {ClientRole::predict});
  make();
  AccessPolicy without;
  BOOST_REQUIRE(without.put(*policy_of(*this).find("other")).is_ok());
  overwrite(path("policy.json"), without.text());
  name_nobody();
  make();
  options.renew = true;
  make();
  BOOST_TEST(policy_of(*this).find("app") == nullptr);
  BOOST_TEST(policy_of(*this).find("other") != nullptr);
  options.renew = false;
  name_client("app", {ClientRole::ingest});
  make();
  BOOST_TEST(policy_of(*this).find_key(key_of(*this, "app"))->roles.text() == "ingest");
}

BOOST_AUTO_TEST_CASE(what_contradicts_what_exists_is_a_conflict_and_changes_nothing) {
  name_client("app", {ClientRole::predict});
  make();
  const auto before = contents();
  const auto refused = [&](const std::string& why) {
    const auto files = run();
    BOOST_REQUIRE((files.status().code() == Code::conflict));
    BOOST_TEST(files.status().message().find(why) != std::string::npos, files.status().message());
    BOOST_TEST(!files.status().hint().empty());
    BOOST_TEST((contents() == before));
    name_nobody();
  };
  name_nobody();
  name_client("app", {ClientRole::admin});
  refused("has the roles predict");
  name_node("worker-1", NodeRole::coordinator);
  refused("worker-1 is a worker");
}

BOOST_AUTO_TEST_CASE(keys_that_would_not_be_accepted_are_not_kept_in_silence) {
  make();
  const auto spoiled = [&](const std::string& why, std::chrono::sys_seconds now = kNow) {
    const auto files = run(now);
    BOOST_REQUIRE((files.status().code() == Code::conflict));
    BOOST_TEST(files.status().message().find(why) != std::string::npos, files.status().message());
    BOOST_TEST(files.status().hint().find("--force --node") != std::string::npos);
  };
  spoiled("expires on", kNow + std::chrono::days(364) + std::chrono::hours(1));
  KeyTree other;
  other.make();
  const auto certificate = text("nodes/worker-1/node.crt"), key = text("nodes/worker-1/node.key");
  overwrite(path("nodes/worker-1/node.crt"), other.text("nodes/worker-1/node.crt"));
  spoiled("was not signed by the authority");
  overwrite(path("nodes/worker-1/node.crt"), text("ca/ca.crt"));
  overwrite(path("nodes/worker-1/node.key"), text("ca/ca.key"));
  spoiled("nodes/worker-1/node.crt");
  overwrite(path("nodes/worker-1/node.crt"), text("nodes/coordinator/node.crt"));
  overwrite(path("nodes/worker-1/node.key"), text("nodes/coordinator/node.key"));
  spoiled("belongs to node coordinator");
  overwrite(path("nodes/worker-1/node.crt"), certificate);
  overwrite(path("nodes/worker-1/node.key"), key);
  overwrite(path("nodes/worker-1/curve.secret"), text("nodes/coordinator/curve.secret"));
  spoiled("is not what");
  name_node("worker-1");
  options.renew = true;
  make();
  load_all(*this);
}

BOOST_AUTO_TEST_CASE(wrong_names_and_days_are_refused_before_anything_is_made) {
  const auto refused = [&] {
    BOOST_TEST((run().status().code() == Code::invalid_argument));
    BOOST_TEST(!fs::exists(options.folder));
    name_nobody();
    options.days = std::chrono::days(365);
  };
  for (const char* name : {"", "A", "-a", "a-", "a/b", "..", "a..b", "a b", "a,b", "a\n"}) {
    name_node(name);
    refused();
    name_client(name, {ClientRole::predict});
    refused();
  }
  name_node(std::string(64, 'a'));
  refused();
  for (const int days : {-1, 0, 1, 3'651}) {
    options.days = std::chrono::days(days);
    refused();
  }
  name_node("twice");
  name_node("twice");
  refused();
  name_client("no-roles", {});
  BOOST_TEST((run().status().code() == Code::invalid_argument));
}

BOOST_AUTO_TEST_CASE(two_runs_at_once_make_one_folder) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(run().is_ok() ? 0 : 1);
  BOOST_REQUIRE(child > 0);
  const auto ours = run();
  int status = 1;
  BOOST_REQUIRE(::waitpid(child, &status, 0) == child);
  BOOST_TEST(status == 0);
  BOOST_REQUIRE_MESSAGE(ours.is_ok(), ours.status().message());
  load_all(*this);
  const auto before = contents();
  make();
  BOOST_TEST((contents() == before));
}

// The disk fails at every call in turn, for ever; the next run on a good disk completes the folder.
BOOST_AUTO_TEST_CASE(a_run_that_ended_anywhere_is_completed_by_the_next) {
  const auto try_at = [&](int fail_at, bool renews) {
    FaultDisk disk;
    disk.is_quick = true;
    disk.fail_at = fail_at;
    disk.is_crash = true;
    options.renew = renews;
    const auto files = make_key_folder(disk, options, kNow);
    options.renew = false;
    return files.is_ok();
  };
  int fail_at = 0;
  while (!try_at(fail_at, false)) {
    make();
    load_all(*this);
    BOOST_TEST((names_in(path("nodes")) == std::set<std::string>{"coordinator", "worker-1"}));
    BOOST_TEST(policy_of(*this).find_key(key_of(*this, "admin")) != nullptr);
    fs::remove_all(options.folder);
    BOOST_REQUIRE(++fail_at < 2'000);
  }
  BOOST_TEST(fail_at > 100);
  // While one client is renewed: either the former key is in force or the new one, or it is said.
  make();
  name_client("admin", {});
  for (fail_at = 0; !try_at(fail_at, true); ++fail_at) {
    const auto again = run();
    if (again.is_ok()) {
      BOOST_TEST(policy_of(*this).find_key(key_of(*this, "admin")) != nullptr);
    } else {
      BOOST_TEST((again.status().code() == Code::conflict));
      options.renew = true;
      make();
      options.renew = false;
    }
    load_all(*this);
    BOOST_REQUIRE(fail_at < 200);
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace millrace::test
