#include "common/pipeline/plan.hpp"

#include <boost/test/unit_test.hpp>
#include <set>

#include "common/base/limits.hpp"
#include "tests/unit/pipeline/streams.hpp"

using namespace millrace;
using namespace millrace::test;

namespace {

std::string error_of(const std::vector<TransformSpec>& transforms, const Schema& schema) {
  const auto compiled = Pipeline::compile(transforms, schema);
  BOOST_REQUIRE(!compiled.is_ok());
  BOOST_TEST((compiled.status().code() == Code::invalid_argument));
  return compiled.status().message();
}

void check_names(const std::string& message, const std::string& place, const std::string& field) {
  BOOST_TEST(message.find(place) == 0u, message);
  BOOST_TEST(message.find("'" + field + "'") != std::string::npos, message);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(pipeline_plan)

BOOST_AUTO_TEST_CASE(disjoint_fields_may_be_transformed_apart) {
  const auto schema = make_schema(3, 0);
  const std::vector<TransformSpec> transforms = {
      transform(TransformKind::standardize, {"n0"}), transform(TransformKind::standardize, {"n2"}),
      impute_constant(1.0, {"n1"}), transform(TransformKind::impute)};
  const auto plan = make_plan(transforms, schema);
  BOOST_REQUIRE(plan.is_ok());
  BOOST_TEST(plan.value().numeric[0].is_standardized);
  BOOST_TEST(!plan.value().numeric[1].is_standardized);
  BOOST_TEST(plan.value().numeric[2].is_standardized);
  BOOST_TEST((plan.value().numeric[1].fill == FillKind::constant));
}

BOOST_AUTO_TEST_CASE(errors_name_transform_and_field) {
  auto schema = make_schema(2, 1);
  const auto standardize = transform(TransformKind::standardize);
  check_names(error_of({transform(TransformKind::impute), standardize, standardize}, schema),
              "preprocess[2] (standardize)", "n0");
  check_names(
      error_of({transform(TransformKind::impute, {"n1"}), impute_constant(0, {"n1"})}, schema),
      "preprocess[1] (impute)", "n1");
  check_names(error_of({transform(TransformKind::standardize, {"m0"})}, schema),
              "preprocess[0] (standardize)", "m0");
  check_names(error_of({transform(TransformKind::standardize, {"y"})}, schema),
              "preprocess[0] (standardize)", "y");
  check_names(error_of({transform(TransformKind::standardize, {"c0"})}, schema),
              "preprocess[0] (standardize)", "c0");
  check_names(error_of({transform(TransformKind::one_hot, {"n0"})}, schema),
              "preprocess[0] (one_hot)", "n0");
  check_names(error_of({transform(TransformKind::hash, {"c0", "c0"})}, schema),
              "preprocess[0] (hash)", "c0");
  schema.fields[0].role = FieldRole::excluded;
  schema.fields[1].index = 0;
  check_names(error_of({transform(TransformKind::impute, {"n0"})}, schema),
              "preprocess[0] (impute)", "n0");
}

BOOST_AUTO_TEST_CASE(parameters_are_held_against_their_limits) {
  const auto schema = make_schema(1, 1);
  auto one_hot = transform(TransformKind::one_hot);
  one_hot.max_categories = limits::kCategoriesMax;
  BOOST_TEST(Pipeline::compile({one_hot}, schema).is_ok());
  for (const std::uint32_t bad : {0u, limits::kCategoriesMax + 1}) {
    one_hot.max_categories = bad;
    error_of({one_hot}, schema);
  }
  auto hash = transform(TransformKind::hash);
  for (const std::uint32_t bits : {4u, 26u}) {
    hash.bits = bits;
    BOOST_TEST(Pipeline::compile({hash}, schema).is_ok());
  }
  for (const std::uint32_t bits : {3u, 27u}) {
    hash.bits = bits;
    error_of({hash}, schema);
  }
  error_of({impute_constant(1e300)}, schema);
}

BOOST_AUTO_TEST_CASE(one_hot_gives_ids_their_rows_and_the_rest_is_other) {
  const auto schema = make_schema(0, 2);
  auto one_hot = transform(TransformKind::one_hot);
  one_hot.max_categories = 3;
  auto pipeline = std::move(Pipeline::compile({one_hot}, schema)).value();
  BOOST_TEST(pipeline.layout().table_rows == 8u);
  BOOST_TEST(pipeline.layout().table_slots == 2u);
  BOOST_TEST(pipeline.dictionary_capacity() == (std::vector<std::uint32_t>{2, 3, 3}),
             boost::test_tools::per_element());
  Dictionary dictionary(schema, pipeline.dictionary_capacity());
  dictionary.append(1, "red");
  dictionary.append(1, "blue");
  dictionary.append(2, "blue");

  MicroBatch batch(3, 0, 2);
  batch.rows = 3;
  set_category(batch, 0, 0, "blue");
  set_category(batch, 0, 1, "blue");
  set_category(batch, 1, 0, "red");
  set_category(batch, 1, 1, "never seen");  // and row 2 is missing in both
  pipeline.learn_and_transform(batch, dictionary);
  BOOST_TEST(batch.table_rows == (std::vector<std::uint32_t>{1, 4, 0, 7, 3, 7}),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(hashed_fields_share_a_block_and_missing_has_no_row) {
  const auto schema = make_schema(0, 3);
  auto hash = transform(TransformKind::hash, {"c1", "c2"});
  hash.bits = 10;
  auto pipeline =
      std::move(Pipeline::compile({transform(TransformKind::one_hot, {"c0"}), hash}, schema))
          .value();
  BOOST_TEST(pipeline.layout().table_rows == 65u + 1024u);
  BOOST_TEST(pipeline.dictionary_capacity()[2] == 0u);
  MicroBatch batch(200, 0, 3);
  batch.rows = 200;
  std::vector<std::string> words;
  for (int i = 0; i < 199; ++i) words.push_back("word " + std::to_string(i));
  for (std::size_t row = 0; row < words.size(); ++row) {
    set_category(batch, row, 1, words[row]);
    set_category(batch, row, 2, words[row]);
  }
  auto again = batch;
  pipeline.learn_and_transform(batch, {});
  pipeline.transform(again, {});
  BOOST_TEST((batch.table_rows == again.table_rows));
  std::set<std::uint32_t> used;
  int same = 0;
  for (std::size_t row = 0; row < words.size(); ++row) {
    const auto* rows = batch.table_row(row);
    BOOST_REQUIRE(rows[1] >= 65 && rows[1] < 65 + 1024 && rows[2] >= 65 && rows[2] < 65 + 1024);
    used.insert(rows[1]);
    same += rows[1] == rows[2] ? 1 : 0;
  }
  BOOST_TEST(used.size() > 160u);  // 181 expected when 199 balls fall into 1,024 places
  BOOST_TEST(same < 5);            // the field is part of what is hashed
  BOOST_TEST(batch.table_row(199)[1] == kNoRow);
}

BOOST_AUTO_TEST_CASE(fields_without_an_encoder_get_one_by_what_was_seen) {
  auto schema = make_schema(1, 2);
  for (int i = 0; i < 64; ++i) schema.categories[0].push_back(std::to_string(i));
  for (int i = 0; i < 65; ++i) schema.categories[1].push_back(std::to_string(i));
  const auto plan = make_plan({}, schema);
  BOOST_REQUIRE(plan.is_ok());
  BOOST_TEST((plan.value().categorical[0].kind == TransformKind::one_hot));
  BOOST_TEST((plan.value().categorical[1].kind == TransformKind::hash));
  BOOST_TEST(plan.value().layout.table_rows == 65u + 65'536u);
  schema.categories[1].resize(10'000);
  BOOST_TEST(make_plan({}, schema).value().layout.table_rows == 65u + (1u << 17));
}

BOOST_AUTO_TEST_SUITE_END()
