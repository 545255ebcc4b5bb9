#include "worker/serving/model_catalog.hpp"

#include "tests/unit/serving/example_model.hpp"

namespace millrace {
namespace {

std::shared_ptr<const ModelCatalog> catalog_of(
    const std::vector<std::shared_ptr<const PublishedModel>>& models, std::uint32_t kept = 4) {
  auto catalog = std::make_shared<const ModelCatalog>();
  for (const auto& model : models) {
    auto next = catalog->with_version(model, kept);
    BOOST_REQUIRE_MESSAGE(next.is_ok(), next.status().message());
    catalog = next.value();
  }
  return catalog;
}

BOOST_AUTO_TEST_SUITE(worker_serving_model_catalog)

BOOST_AUTO_TEST_CASE(without_version_or_alias_production_answers_else_the_newest) {
  auto catalog = catalog_of({test::example_model(), test::example_model({.version = 2})});
  BOOST_TEST(catalog->resolve("", 0, "").value().model->version().value == 2u);
  catalog = catalog->with_alias("example", {"production", VersionId(1), 5}, 4).value();
  const auto production = catalog->resolve("example", 0, "");
  BOOST_TEST(production.value().model->version().value == 1u);
  BOOST_TEST(production.value().alias_revision == 5u);
  BOOST_TEST(catalog->resolve("", 0, "newest").value().model->version().value == 2u);
  BOOST_TEST(catalog->resolve("", 2, "").value().alias_revision == 0u);
}

BOOST_AUTO_TEST_CASE(what_is_not_served_is_answered_with_what_is) {
  const auto catalog =
      catalog_of({test::example_model(), test::example_model({.job = "other", .version = 8})});
  const auto fails = [&](std::string_view model, std::uint64_t version, std::string_view alias,
                         Code code, const char* text) {
    const auto resolved = catalog->resolve(model, version, alias);
    BOOST_TEST((resolved.status().code() == code));
    BOOST_TEST((resolved.status().message() + resolved.status().hint()).find(text) !=
               std::string::npos);
  };
  fails("third", 0, "", Code::not_found, "served: example, other");
  fails("", 0, "", Code::invalid_argument, "name one of: example, other");
  fails("other", 7, "", Code::not_found, "served versions: 8");
  fails("other", 0, "candidate", Code::not_found, "newest");
  fails("other", 8, "candidate", Code::invalid_argument, "both");
  BOOST_TEST((ModelCatalog().resolve("", 0, "").status().code() == Code::not_found));
}

BOOST_AUTO_TEST_CASE(the_last_versions_stay_and_named_ones_too) {
  auto catalog = catalog_of({test::example_model()}, 2);
  catalog = catalog->with_alias("example", {"keep", VersionId(1), 1}, 2).value();
  for (std::uint64_t version = 2; version <= 5; ++version) {
    catalog = catalog->with_version(test::example_model({.version = version}), 2).value();
  }
  BOOST_TEST(
      (catalog->models().at(0).versions == std::vector{VersionId(1), VersionId(4), VersionId(5)}));
}

BOOST_AUTO_TEST_CASE(an_alias_never_goes_back_to_an_older_revision) {
  auto catalog = catalog_of({test::example_model(), test::example_model({.version = 2})});
  catalog = catalog->with_alias("example", {"production", VersionId(2), 4}, 4).value();
  const auto move = [&](std::uint64_t version, std::uint64_t revision) {
    return catalog->with_alias("example", {"production", VersionId(version), revision}, 4)
        .status()
        .code();
  };
  BOOST_TEST((move(1, 3) == Code::conflict));
  BOOST_TEST((move(1, 4) == Code::conflict));
  BOOST_TEST((move(2, 4) == Code::ok));
  BOOST_TEST((move(1, 5) == Code::ok));
  BOOST_TEST((move(9, 6) == Code::not_found));
}

std::shared_ptr<const ModelCatalog> ordered(const ModelCatalog& catalog, std::uint64_t version,
                                            std::uint64_t revision) {
  return catalog
      .with_order("example", test::example_model({.version = version}),
                  {{"production", VersionId(version), revision}}, 1)
      .value();
}

BOOST_AUTO_TEST_CASE(an_order_that_was_overtaken_changes_no_alias) {
  auto catalog = ordered(ModelCatalog(), 5, 7);
  catalog = ordered(*catalog, 4, 6);
  BOOST_TEST(catalog->resolve("", 0, "").value().alias_revision == 7u);
  BOOST_TEST(catalog->resolve("", 0, "").value().model->version().value == 5u);
  const auto other = catalog->with_order("example", test::example_model({.version = 4}),
                                         {{"production", VersionId(4), 7}}, 1);
  BOOST_TEST((other.status().code() == Code::conflict));
}

BOOST_AUTO_TEST_CASE(an_order_to_go_back_is_followed_though_newer_versions_are_kept) {
  auto catalog = ordered(ModelCatalog(), 2, 1);
  for (std::uint64_t version = 3; version <= 5; ++version) {
    catalog = ordered(*catalog, version, version - 1);
  }
  BOOST_TEST((catalog->models().at(0).versions == std::vector{VersionId(4), VersionId(5)}));
  catalog = ordered(*catalog, 2, 5);
  BOOST_TEST(catalog->resolve("", 0, "").value().model->version().value == 2u);
  BOOST_TEST(catalog->resolve("", 0, "").value().alias_revision == 5u);
}

BOOST_AUTO_TEST_CASE(an_order_of_another_job_or_without_its_version_changes_nothing) {
  const ModelCatalog empty;
  const auto other = empty.with_order("other", test::example_model(), {}, 1);
  BOOST_TEST((other.status().code() == Code::invalid_argument));
  const auto missing = empty.with_order("example", nullptr, {{"production", VersionId(1), 1}}, 1);
  BOOST_TEST((missing.status().code() == Code::not_found));
  BOOST_TEST(empty.with_order("example", nullptr, {}, 1).value()->models().empty());
}

BOOST_AUTO_TEST_CASE(a_version_never_changes_its_digest) {
  const auto catalog = catalog_of({test::example_model()});
  BOOST_TEST(catalog->with_version(test::example_model(), 4).is_ok());
  const auto other = catalog->with_version(test::example_model({.seed = 2}), 4);
  BOOST_TEST((other.status().code() == Code::conflict));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace millrace
