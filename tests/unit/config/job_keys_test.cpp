#include "common/config/job_keys.hpp"

#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

#include "common/config/job_file.hpp"
#include "common/config/nearest.hpp"

using namespace millrace;

namespace {

JobSpec job(const std::string& more) {
  auto parsed =
      parse_job("version: 1\nsource: {path: a.csv}\nschema: {label: y}\n" + more, "job.yaml");
  BOOST_TEST_REQUIRE(parsed.is_ok(), parsed.status().message());
  return parsed.value();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(common_config_job_keys)

BOOST_AUTO_TEST_CASE(the_reference_names_every_key_and_its_default) {
  const auto text = job_file_reference();
  for (const auto& key : job_keys()) BOOST_TEST_CONTEXT(key.path) {
      BOOST_TEST(text.find("\n  " + key.path) != std::string::npos);
      BOOST_TEST(!key.help.empty());
    }
  for (const auto& key : transform_keys())
    BOOST_TEST_CONTEXT(key.path) BOOST_TEST(text.find("- " + key.path) != std::string::npos);
  BOOST_TEST(text.find("default: 10s") != std::string::npos);
  BOOST_TEST(text.find("default: 1000") != std::string::npos);
  BOOST_TEST(text.find("1 to 1024; default: 1\n") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(every_condition_names_a_key_of_the_table) {
  for (const auto& key : job_keys()) {
    const auto condition = key.only_with.substr(0, key.only_with.find('='));
    BOOST_TEST_CONTEXT(key.path)
    BOOST_TEST((condition.empty() || find_job_key(condition) != nullptr));
  }
  for (const auto& key : unsupported_keys()) BOOST_TEST((find_job_key(key.path) == nullptr));
}

BOOST_AUTO_TEST_CASE(the_json_schema_is_closed_and_holds_every_key) {
  const auto schema = nlohmann::json::parse(job_file_json_schema());
  BOOST_TEST(schema["additionalProperties"] == false);
  BOOST_TEST(schema["properties"]["version"]["const"] == 1);
  for (const auto& key : job_keys()) {
    std::string pointer = "/properties/" + key.path;
    for (auto dot = pointer.find('.'); dot != std::string::npos; dot = pointer.find('.'))
      pointer.replace(dot, 1, "/properties/");
    BOOST_TEST_CONTEXT(key.path) BOOST_TEST(schema.contains(nlohmann::json::json_pointer(pointer)));
  }
  const auto& kind = schema["properties"]["model"]["properties"]["kind"]["enum"];
  BOOST_TEST(kind == nlohmann::json({"linear", "logistic", "softmax", "mlp"}));
  BOOST_TEST(schema["properties"]["checkpoint"]["properties"]["interval"]["default"] == "10s");
  BOOST_TEST(schema["properties"]["schema"]["required"] == nlohmann::json({"label"}));
}

BOOST_AUTO_TEST_CASE(rates_and_intervals_may_change_and_what_shapes_state_may_not) {
  const auto before = job("optimizer: {kind: sgd, learning_rate: 0.1}\n");
  const auto rate = compare_jobs(
      before, job("optimizer: {kind: sgd, learning_rate: 0.2}\ncheckpoint: {interval: 5s}\n"));
  BOOST_TEST(rate.fixed.empty());
  BOOST_TEST_REQUIRE(rate.adjustable.size() == 2u);
  BOOST_TEST(rate.adjustable[0] == "optimizer.learning_rate: 0.1 -> 0.2");
  BOOST_TEST(rate.adjustable[1] == "checkpoint.interval: 10s -> 5s");
  const auto kind =
      compare_jobs(before, job("optimizer: {kind: adagrad, learning_rate: 0.1}\nparallelism: 2\n"));
  BOOST_TEST(kind.fixed.at(0) == "optimizer.kind: sgd -> adagrad");
  BOOST_TEST(kind.fixed.size() == 1u);
  BOOST_TEST(kind.rescaled.at(0) == "parallelism: 1 -> 2");
  BOOST_TEST(compare_jobs(before, job("optimizer: {kind: sgd}\npreprocess: []\n")).fixed.at(0) ==
             "preprocess");
}

BOOST_AUTO_TEST_CASE(the_fingerprint_tells_the_two_kinds_of_change_apart) {
  const auto plain = job_fingerprint(job("seed: 1\n"));
  const auto faster = job_fingerprint(job("seed: 1\ncheckpoint: {retain: 9}\n"));
  BOOST_TEST(plain.fixed == faster.fixed);
  BOOST_TEST(plain.adjustable != faster.adjustable);
  const auto other = job_fingerprint(job("seed: 2\n"));
  BOOST_TEST(plain.fixed != other.fixed);
  BOOST_TEST(plain.adjustable == other.adjustable);
}

BOOST_AUTO_TEST_CASE(nearness_counts_a_swap_of_neighbours_as_one_edit) {
  BOOST_TEST(edit_distance("lable", "label") == 1u);
  BOOST_TEST(edit_distance("", "abc") == 3u);
  BOOST_TEST(edit_distance("kitten", "sitting") == 3u);
  BOOST_TEST(edit_distance("Label", "label") == 0u);
  const std::vector<std::string> known = {"source", "schema", "seed"};
  BOOST_TEST(nearest_word("shcema", known) == "schema");
  BOOST_TEST(nearest_word("kubernetes", known).empty());
  BOOST_TEST(suggestion("kubernetes", known) == "known: source, schema, seed");
}

BOOST_AUTO_TEST_SUITE_END()
