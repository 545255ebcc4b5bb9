#include <boost/test/unit_test.hpp>
#include <cmath>

#include "tests/compat/golden.hpp"
#include "tests/unit/serving/example_model.hpp"

namespace millrace {
namespace {

const char* const kModel = "v1/logistic.model";
// From the formula in double precision, over the parameters and moments in the file.
constexpr float kFirst = 0.574338238f;
constexpr float kSecond = 0.496343125f;

BOOST_AUTO_TEST_SUITE(compat_published_model)

// Run once when the stored form gains a version: `compat --run_test=*/write_golden_model`.
BOOST_AUTO_TEST_CASE(write_golden_model, *boost::unit_test::disabled()) {
  test::write_golden(kModel, test::example_model({.version = 5})->encode());
}

BOOST_AUTO_TEST_CASE(a_model_of_version_1_predicts_what_it_predicted) {
  const auto model = PublishedModel::decode(test::read_golden(kModel));
  BOOST_REQUIRE_MESSAGE(model.is_ok(), model.status().message());
  BOOST_TEST(model.value()->lineage().version.value == 5u);
  BOOST_TEST(model.value()->lineage().metrics.at("accuracy") == 0.75);
  BOOST_TEST(model.value()->classes() == (std::vector<std::string>{"no", "yes"}));
  MicroBatch batch = model.value()->make_batch(2);
  batch.rows = 2;
  batch.numeric_row(0)[0] = 1.5f;
  batch.numeric_row(0)[1] = -2.0f;
  batch.numeric_row(0)[2] = 0.25f;
  const std::string city = "rome";
  batch.category_row(0)[0] = {hash_text(city), city};
  for (int i = 0; i < 3; ++i) batch.numeric_row(1)[i] = std::nanf("");
  const auto outputs = test::predict_directly(*model.value(), batch);
  // Equal bit for bit per instruction set, to 1e-6 across.
  BOOST_TEST(std::abs(outputs[0] - kFirst) < 1e-6f, outputs[0]);
  BOOST_TEST(std::abs(outputs[1] - kSecond) < 1e-6f, outputs[1]);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace millrace
