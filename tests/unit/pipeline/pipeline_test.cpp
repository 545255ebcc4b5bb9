#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstring>

#include "tests/support/seed.hpp"
#include "tests/unit/pipeline/streams.hpp"

using namespace millrace;
using namespace millrace::test;

namespace {

const Dictionary kNoWords;

Pipeline compile(const std::vector<TransformSpec>& transforms, const Schema& schema) {
  auto compiled = Pipeline::compile(transforms, schema);
  BOOST_REQUIRE_MESSAGE(compiled.is_ok(), compiled.status().message());
  return std::move(compiled).value();
}

Pipeline standardizer(std::uint32_t columns, double pivot = 0.0) {
  return compile({transform(TransformKind::impute), transform(TransformKind::standardize)},
                 make_schema(columns, 0, pivot));
}

std::vector<float> learn(Pipeline& pipeline, const std::vector<float>& values) {
  auto batch = make_column(values);
  pipeline.learn_and_transform(batch, kNoWords);
  return column_of(batch);
}

Bytes encoded(const Pipeline& pipeline) {
  ByteWriter writer;
  pipeline.encode(writer);
  return std::move(writer).take();
}

bool same_bits(const MicroBatch& a, const MicroBatch& b) {
  return std::memcmp(a.numeric.data(), b.numeric.data(), a.numeric.size() * sizeof(float)) == 0;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(pipeline)

// preprocessing.StandardScaler of River 0.26.1, learn_one then transform_one.
BOOST_AUTO_TEST_CASE(standardize_equals_river) {
  const std::vector<float> a = {3.5f, -1.25f, 1000.0f, 7.75f, 7.75f, 0.0625f, -300.0f, 42.0f};
  const std::vector<float> b = {5, 5, 5, 6, 5, 5, 5, 5.5f};
  const std::vector<double> river_a = {0.0,          -1.0,         1.41420157,  -0.567100871,
                                       -0.491664733, -0.456619209, -1.05634018, -0.148383432};
  const std::vector<double> river_b = {0.0,  0.0,          0.0,         1.73205081,
                                       -0.5, -0.447213595, -0.40824829, 0.89802651};
  for (const double pivot : {0.0, 5.0, 123.456}) {
    auto first = standardizer(1, pivot), second = standardizer(1, pivot);
    const auto got_a = learn(first, a), got_b = learn(second, b);
    for (std::size_t i = 0; i < a.size(); ++i) {
      BOOST_TEST(std::abs(got_a[i] - river_a[i]) < 1e-6);
      BOOST_TEST(std::abs(got_b[i] - river_b[i]) < 1e-6);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_constant_column_is_zero_however_far_from_the_pivot) {
  for (const float value : {0.1f, 1e9f, -3e-20f}) {
    auto pipeline = standardizer(1, 0.7);
    for (const float z : learn(pipeline, std::vector<float>(5'000, value))) {
      BOOST_REQUIRE_EQUAL(z, 0.0f);
      BOOST_REQUIRE(!std::signbit(z));
    }
  }
}

BOOST_AUTO_TEST_CASE(huge_values_stay_finite) {
  auto pipeline = standardizer(1);
  const float huge = std::numeric_limits<float>::max();
  for (const float z : learn(pipeline, {huge, -huge, huge, 0.0f})) BOOST_TEST(std::isfinite(z));
}

BOOST_AUTO_TEST_CASE(a_missing_value_is_the_mean_and_is_not_learned) {
  auto raw = compile({transform(TransformKind::impute)}, make_schema(1, 0, 2.0));
  const auto values = learn(raw, {kMissing, 1.0f, kMissing, 4.0f, kMissing});
  BOOST_TEST(values == (std::vector<float>{0.0f, 1.0f, 1.0f, 4.0f, 2.5f}),
             boost::test_tools::per_element());
  BOOST_TEST(raw.statistics() == (std::vector<double>{2.0, 1.0, 5.0}),
             boost::test_tools::per_element());

  auto scaled = standardizer(1);
  const auto z = learn(scaled, {kMissing, 1.0f, 3.0f, kMissing});
  BOOST_TEST(z == (std::vector<float>{0.0f, 0.0f, 1.0f, 0.0f}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(the_order_of_constant_and_standardize_decides_what_is_scaled) {
  const auto schema = make_schema(1, 0);
  auto before = compile({impute_constant(5.0), transform(TransformKind::standardize)}, schema);
  auto after = compile({transform(TransformKind::standardize), impute_constant(5.0)}, schema);
  const std::vector<float> values = {1.0f, 3.0f, kMissing};
  BOOST_TEST(learn(before, values)[2] == 3.0f);  // (5 - 2) / 1
  BOOST_TEST(learn(after, values)[2] == 5.0f);
}

BOOST_AUTO_TEST_CASE(infinities_count_as_missing) {
  auto pipeline = standardizer(1);
  const float infinity = std::numeric_limits<float>::infinity();
  const auto z = learn(pipeline, {1.0f, infinity, -infinity, 3.0f});
  BOOST_TEST(z == (std::vector<float>{0.0f, 0.0f, 0.0f, 1.0f}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(numbers_that_no_transform_names_are_imputed_and_otherwise_untouched) {
  auto pipeline = compile({}, make_schema(1, 0));
  const auto values = learn(pipeline, {2.0f, kMissing, 8.0f});
  BOOST_TEST(values == (std::vector<float>{2.0f, 2.0f, 8.0f}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(nothing_is_learned_where_constants_suffice) {
  auto pipeline = compile({impute_constant(-1.0)}, make_schema(3, 0));
  BOOST_TEST(pipeline.statistics_size() == 0u);
  auto batch = make_numbers(*std::make_unique<RandomStream>(seed()), 9, 3, 0.5);
  pipeline.learn_and_transform(batch, kNoWords);
  BOOST_TEST(pipeline.take_increments().empty());
  for (std::size_t row = 0; row < batch.rows; ++row)
    for (int i = 0; i < 3; ++i) BOOST_TEST(std::isfinite(batch.numeric_row(row)[i]));
}

BOOST_AUTO_TEST_CASE(the_cut_into_batches_does_not_change_a_bit) {
  RandomStream random(seed());
  const auto whole = make_numbers(random, 300, 21, 0.05);
  auto at_once = standardizer(21), in_pieces = standardizer(21);
  auto expected = whole;
  at_once.learn_and_transform(expected, kNoWords);
  for (std::size_t begin = 0; begin < whole.rows;) {
    const std::size_t end = std::min<std::size_t>(begin + 1 + random.below(90), whole.rows);
    auto part = slice(whole, begin, end);
    in_pieces.learn_and_transform(part, kNoWords);
    BOOST_REQUIRE(same_bits(part, slice(expected, begin, end)));
    begin = end;
  }
  BOOST_TEST((encoded(at_once) == encoded(in_pieces)));
}

BOOST_AUTO_TEST_CASE(serving_gives_the_bits_of_training_and_changes_nothing) {
  RandomStream random(seed());
  auto pipeline = standardizer(37);
  for (int round = 0; round < 50; ++round) {
    // Learned alone, a record is transformed with statistics that end with itself: so will serving
    // do.
    const auto record = make_numbers(random, 1, 37, 0.1);
    auto learned = record, served = record;
    pipeline.learn_and_transform(learned, kNoWords);
    const auto before = encoded(pipeline);
    pipeline.transform(served, kNoWords);
    BOOST_REQUIRE(same_bits(learned, served));
    BOOST_REQUIRE((encoded(pipeline) == before));
  }
}

BOOST_AUTO_TEST_CASE(restored_it_goes_on_bit_for_bit) {
  RandomStream random(seed());
  auto original = standardizer(19), restored = standardizer(19);
  auto first = make_numbers(random, 100, 19, 0.1);
  original.learn_and_transform(first, kNoWords);
  original.take_increments();
  auto second = make_numbers(random, 70, 19, 0.1);
  original.learn_and_transform(second, kNoWords);
  const auto saved = encoded(original);
  ByteReader reader(saved);
  BOOST_REQUIRE(restored.restore(reader).is_ok());
  BOOST_TEST(reader.remaining() == 0u);
  auto here = make_numbers(random, 100, 19, 0.1);
  auto there = here;
  original.learn_and_transform(here, kNoWords);
  restored.learn_and_transform(there, kNoWords);
  BOOST_TEST(same_bits(here, there));
  BOOST_TEST((encoded(original) == encoded(restored)));
}

BOOST_AUTO_TEST_CASE(taking_increments_changes_no_transform) {
  RandomStream random(seed());
  auto pushed = standardizer(8), quiet = standardizer(8);
  for (int round = 0; round < 20; ++round) {
    auto a = make_numbers(random, 10, 8, 0.1);
    auto b = a;
    pushed.learn_and_transform(a, kNoWords);
    quiet.learn_and_transform(b, kNoWords);
    const auto statistics = pushed.statistics();
    pushed.take_increments();
    BOOST_REQUIRE(pushed.statistics() == statistics);
    BOOST_REQUIRE_EQUAL(pushed.take_increments()[0], 0.0);
  }
  const auto many = pushed.statistics(), one = quiet.statistics();
  for (std::size_t i = 0; i < many.size(); ++i)
    BOOST_TEST(std::abs(many[i] - one[i]) <= 1e-12 * std::abs(one[i]));
}

BOOST_AUTO_TEST_CASE(replicas_that_merge_by_addition_equal_one_that_saw_all) {
  RandomStream random(seed());
  constexpr std::uint32_t kColumns = 5;
  auto alone = standardizer(kColumns, 0.2);
  Pipeline replicas[] = {standardizer(kColumns, 0.2), standardizer(kColumns, 0.2)};
  std::vector<double> merged(alone.statistics_size(), 0.0);
  for (int round = 0; round < 40; ++round) {
    auto batch = make_numbers(random, 16, kColumns, 0.1);
    auto copy = batch;
    alone.learn_and_transform(copy, kNoWords);
    auto& replica = replicas[round % 2];
    replica.learn_and_transform(batch, kNoWords);
    const auto push = replica.take_increments();
    for (std::size_t i = 0; i < merged.size(); ++i) merged[i] += push[i];
    replica.adopt(merged, {});
  }
  replicas[0].adopt(merged, std::vector<double>(merged.size(), 0.0));
  const auto got = replicas[0].statistics(), wanted = alone.statistics();
  for (std::size_t i = 0; i < got.size(); ++i) {
    if (i < kColumns) BOOST_TEST(got[i] == wanted[i]);  // counts are exact
    BOOST_TEST(std::abs(got[i] - wanted[i]) <= 1e-12 * std::abs(wanted[i]) + 1e-15);
  }
}

BOOST_AUTO_TEST_CASE(what_is_in_flight_is_used_until_it_is_answered) {
  auto pipeline = standardizer(1);
  learn(pipeline, {1.0f, 3.0f});
  const auto in_flight = pipeline.take_increments();
  pipeline.adopt(std::vector<double>{2.0, 20.0, 300.0}, in_flight);
  learn(pipeline, {5.0f});
  BOOST_TEST(pipeline.statistics() == (std::vector<double>{5.0, 29.0, 335.0}),
             boost::test_tools::per_element());
  BOOST_TEST(pipeline.take_increments() == (std::vector<double>{1.0, 5.0, 25.0}),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(state_of_another_plan_is_refused_and_damage_is_found) {
  const auto saved = encoded(standardizer(4));
  auto other = standardizer(4, 1.0);
  ByteReader reader(saved);
  BOOST_TEST((other.restore(reader).code() == Code::conflict));
  auto same = standardizer(4);
  for (std::size_t size = 0; size < saved.size(); ++size) {
    ByteReader shortened(ByteView(saved).first(size));
    BOOST_REQUIRE(!same.restore(shortened).is_ok());
  }
}

BOOST_AUTO_TEST_SUITE_END()
