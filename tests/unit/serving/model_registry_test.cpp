#include "coordinator/registry/model_registry.hpp"

#include <fstream>

#include "tests/support/temporary_folder.hpp"
#include "tests/unit/serving/example_model.hpp"

namespace millrace {
namespace {

using test::TemporaryFolder;

ModelRegistry open(const TemporaryFolder& folder, std::uint32_t retain = 10) {
  auto registry =
      ModelRegistry::open(registry_folder(folder.path(), "example"), {.retain = retain});
  BOOST_REQUIRE_MESSAGE(registry.is_ok(), registry.status().message());
  return std::move(registry).value();
}

void add(ModelRegistry& registry, std::uint64_t version,
         ModelRegistry::Promote promote = ModelRegistry::Promote::to_production) {
  const Status status = registry.add(*test::example_model({.version = version}), promote);
  BOOST_REQUIRE_MESSAGE(status.is_ok(), status.message());
}

std::vector<std::uint64_t> numbers(const ModelRegistry& registry) {
  std::vector<std::uint64_t> values;
  const auto versions = registry.versions();
  BOOST_REQUIRE(versions.is_ok());
  for (const auto version : versions.value()) values.push_back(version.value);
  return values;
}

std::uint64_t resolved(const ModelRegistry& registry, std::string_view reference) {
  const auto version = registry.resolve(reference);
  BOOST_REQUIRE_MESSAGE(version.is_ok(), version.status().message());
  return version.value().value;
}

void damage(const std::filesystem::path& path) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(static_cast<std::streamoff>(std::filesystem::file_size(path) / 2));
  file.put('\x55').put('\x2A');
}

BOOST_AUTO_TEST_SUITE(coordinator_registry_model_registry)

BOOST_AUTO_TEST_CASE(what_was_added_is_loaded_by_number_alias_and_newest) {
  TemporaryFolder folder;
  auto registry = open(folder);
  add(registry, 1);
  add(registry, 2);
  for (const std::string_view reference : {"2", "v2", "newest", "production", ""}) {
    const auto model = registry.load(reference);
    BOOST_REQUIRE_MESSAGE(model.is_ok(), model.status().message());
    BOOST_TEST(model.value()->version().value == 2u);
  }
  const auto first = registry.load("1");
  BOOST_REQUIRE(first.is_ok());
  BOOST_TEST(first.value()->digest() == test::example_model({.version = 1})->digest());
}

BOOST_AUTO_TEST_CASE(a_reopened_registry_holds_everything) {
  TemporaryFolder folder;
  {
    auto registry = open(folder);
    add(registry, 1);
    add(registry, 2);
    BOOST_REQUIRE(registry.move_alias("candidate", VersionId(1)).is_ok());
  }
  const auto registry = ModelRegistry::open_existing(registry_folder(folder.path(), "example"));
  BOOST_REQUIRE(registry.is_ok());
  const auto list = registry.value().list();
  BOOST_REQUIRE(list.is_ok());
  BOOST_REQUIRE(list.value().size() == 2u);
  BOOST_TEST(list.value()[0].aliases == std::vector<std::string>{"candidate"});
  BOOST_TEST(list.value()[1].aliases == std::vector<std::string>{"production"});
  BOOST_TEST(list.value()[1].header.lineage.metrics.at("accuracy") == 0.75);
}

BOOST_AUTO_TEST_CASE(adding_the_same_version_again_changes_nothing) {
  TemporaryFolder folder;
  auto registry = open(folder);
  add(registry, 1);
  add(registry, 1);
  BOOST_TEST(numbers(registry) == std::vector<std::uint64_t>{1});
  BOOST_TEST(registry.aliases().value().at(0).revision == 1u);
}

BOOST_AUTO_TEST_CASE(another_model_under_the_same_version_is_a_conflict) {
  TemporaryFolder folder;
  auto registry = open(folder);
  add(registry, 1);
  const auto other = test::example_model({.version = 1, .seed = 2});
  BOOST_TEST((registry.add(*other).code() == Code::conflict));
  BOOST_TEST(registry.load("1").value()->digest() == test::example_model()->digest());
}

BOOST_AUTO_TEST_CASE(a_rollback_survives_adding_the_same_version_again) {
  TemporaryFolder folder;
  auto registry = open(folder);
  add(registry, 1);
  add(registry, 2);
  const auto moved = registry.move_alias("production", VersionId(1));
  BOOST_REQUIRE(moved.is_ok());
  BOOST_TEST(moved.value().revision == 3u);
  add(registry, 2);
  BOOST_TEST(resolved(registry, "production") == 1u);
  add(registry, 3);
  BOOST_TEST(resolved(registry, "production") == 3u);
  BOOST_TEST(registry.aliases().value().at(0).revision == 4u);
}

BOOST_AUTO_TEST_CASE(a_version_whose_promotion_was_interrupted_is_promoted_later) {
  TemporaryFolder folder;
  auto registry = open(folder);
  add(registry, 1);
  add(registry, 2, ModelRegistry::Promote::no);  // as it is after a kill between file and alias
  BOOST_REQUIRE(registry.promote(VersionId(2)).is_ok());
  BOOST_TEST(resolved(registry, "production") == 2u);
  BOOST_REQUIRE(registry.move_alias("production", VersionId(1)).is_ok());
  BOOST_REQUIRE(registry.promote(VersionId(2)).is_ok());
  BOOST_TEST(resolved(registry, "production") == 1u);
}

BOOST_AUTO_TEST_CASE(clients_are_answered_from_production_with_all_that_names_it) {
  TemporaryFolder folder;
  auto registry = open(folder);
  BOOST_TEST(!registry.serving().value().has_value());
  add(registry, 1, ModelRegistry::Promote::no);
  BOOST_TEST(registry.serving().value()->version.value == 1u);
  BOOST_TEST(registry.serving().value()->aliases.empty());
  add(registry, 2);
  add(registry, 3, ModelRegistry::Promote::no);
  BOOST_REQUIRE(registry.move_alias("canary", VersionId(2)).is_ok());
  BOOST_REQUIRE(registry.move_alias("other", VersionId(1)).is_ok());
  const auto choice = registry.serving().value();
  BOOST_REQUIRE(choice.has_value());
  BOOST_TEST(choice->version.value == 2u);
  BOOST_REQUIRE(choice->aliases.size() == 2u);
  BOOST_TEST(choice->aliases[0].name == "canary");
  BOOST_TEST(choice->aliases[1].name == "production");
}

BOOST_AUTO_TEST_CASE(a_version_that_is_not_promoted_leaves_production_alone) {
  TemporaryFolder folder;
  auto registry = open(folder);
  add(registry, 1);
  add(registry, 2, ModelRegistry::Promote::no);
  BOOST_TEST(resolved(registry, "production") == 1u);
  BOOST_TEST(resolved(registry, "newest") == 2u);
}

BOOST_AUTO_TEST_CASE(retention_deletes_the_oldest_that_no_alias_names) {
  TemporaryFolder folder;
  auto registry = open(folder, 2);
  add(registry, 1);
  BOOST_REQUIRE(registry.move_alias("keep", VersionId(1)).is_ok());
  for (std::uint64_t version = 2; version <= 6; ++version) add(registry, version);
  // 1 and 6 are named; 4 and 5 are the two kept beside them.
  BOOST_TEST(numbers(registry) == (std::vector<std::uint64_t>{1, 4, 5, 6}));
}

BOOST_AUTO_TEST_CASE(a_damaged_file_is_named_and_the_version_before_it_is_usable) {
  TemporaryFolder folder;
  auto registry = open(folder);
  add(registry, 1);
  add(registry, 2);
  const auto path = registry.show("2").value().path;
  damage(path);
  const auto model = registry.load("2");
  BOOST_TEST((model.status().code() == Code::corrupted));
  BOOST_TEST(model.status().message().find(path.string()) != std::string::npos);
  BOOST_TEST(registry.load("1").is_ok());
  const auto usable = registry.load_newest_usable();
  BOOST_REQUIRE(usable.is_ok());
  BOOST_TEST(usable.value().model->version().value == 1u);
  BOOST_TEST(usable.value().damaged.size() == 1u);
}

BOOST_AUTO_TEST_CASE(a_truncated_file_is_listed_with_its_error) {
  TemporaryFolder folder;
  auto registry = open(folder);
  add(registry, 1);
  add(registry, 2);
  std::filesystem::resize_file(registry.show("2").value().path, 20);
  const auto list = registry.list();
  BOOST_REQUIRE(list.is_ok());
  BOOST_TEST(list.value()[0].status.is_ok());
  BOOST_TEST((list.value()[1].status.code() == Code::corrupted));
}

BOOST_AUTO_TEST_CASE(unknown_references_name_what_exists) {
  TemporaryFolder folder;
  auto registry = open(folder);
  BOOST_TEST((registry.resolve("").status().code() == Code::not_found));
  add(registry, 4);
  for (const std::string_view reference : {"5", "v0", "candidate"}) {
    const auto version = registry.resolve(reference);
    BOOST_TEST((version.status().code() == Code::not_found));
    BOOST_TEST(version.status().hint().find('4') != std::string::npos);
  }
  BOOST_TEST((registry.move_alias("candidate", VersionId(5)).status().code() == Code::not_found));
  BOOST_TEST(
      (ModelRegistry::open_existing(folder.path() / "none").status().code() == Code::not_found));
}

BOOST_AUTO_TEST_CASE(alias_names_that_read_like_versions_are_refused) {
  TemporaryFolder folder;
  auto registry = open(folder);
  add(registry, 1);
  for (const char* name : {"", "7", "v7", "v", "newest", "a/b", "a b"}) {
    BOOST_TEST((registry.move_alias(name, VersionId(1)).status().code() == Code::invalid_argument));
  }
}

BOOST_AUTO_TEST_CASE(what_an_interrupted_add_left_is_removed_and_never_listed) {
  TemporaryFolder folder;
  { auto registry = open(folder); }
  const auto left = registry_folder(folder.path(), "example") / "versions" / "3.model.99.tmp";
  std::ofstream(left) << "half";
  auto registry = open(folder);
  BOOST_TEST(!std::filesystem::exists(left));
  BOOST_TEST(numbers(registry).empty());
}

BOOST_AUTO_TEST_CASE(damaged_aliases_are_corrupted_with_their_path) {
  TemporaryFolder folder;
  auto registry = open(folder);
  add(registry, 1);
  const auto path = registry.folder() / "aliases.json";
  damage(path);
  const auto version = registry.resolve("production");
  BOOST_TEST((version.status().code() == Code::corrupted));
  BOOST_TEST(version.status().message().find(path.string()) != std::string::npos);
  BOOST_TEST(registry.load(VersionId(1)).is_ok());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace millrace
