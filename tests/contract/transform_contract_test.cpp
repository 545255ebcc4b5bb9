// What every transform, alone and combined, must keep: the label is never read or touched, padding
// stays zero, nothing missing is left, unseen and missing categories have their place, the same
// input gives the same bits, and save -> load -> continue equals never stopped.
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstring>

#include "common/base/random.hpp"
#include "common/pipeline/pipeline.hpp"
#include "tests/support/seed.hpp"

using namespace millrace;

namespace {

constexpr std::uint32_t kNumbers = 21, kTexts = 3;
constexpr std::size_t kRows = 90;

struct Case {
  const char* name;
  std::vector<TransformSpec> transforms;
};

TransformSpec spec(TransformKind kind, std::vector<std::string> fields = {},
                   ImputeStrategy strategy = ImputeStrategy::mean) {
  TransformSpec transform;
  transform.kind = kind;
  transform.fields = std::move(fields);
  transform.strategy = strategy;
  transform.value = -7.5;
  transform.max_categories = 4;
  transform.bits = 6;
  return transform;
}

std::vector<Case> every_case() {
  using enum TransformKind;
  const auto constant = ImputeStrategy::constant;
  return {{"nothing declared", {}},
          {"impute mean", {spec(impute)}},
          {"impute constant", {spec(impute, {}, constant)}},
          {"standardize", {spec(standardize)}},
          {"standardize some", {spec(standardize, {"n3", "n17"}), spec(impute, {"n4"}, constant)}},
          {"impute constant, then standardize", {spec(impute, {}, constant), spec(standardize)}},
          {"standardize, then impute constant", {spec(standardize), spec(impute, {}, constant)}},
          {"one_hot", {spec(one_hot)}},
          {"hash", {spec(hash)}},
          {"all", {spec(impute), spec(standardize), spec(one_hot, {"c1"}), spec(hash)}}};
}

Schema make_schema() {
  Schema schema;
  schema.task = Task::binary;
  schema.max_classes = 2;
  schema.fields.resize(kNumbers + kTexts + 1);
  for (std::uint32_t i = 0; i < kNumbers + kTexts; ++i) {
    const bool is_number = i < kNumbers;
    schema.fields[i].index = is_number ? i : i - kNumbers;
    schema.fields[i].name = (is_number ? "n" : "c") + std::to_string(schema.fields[i].index);
    schema.fields[i].role = is_number ? FieldRole::numeric : FieldRole::categorical;
    schema.fields[i].pivot = 0.25 * i;
  }
  schema.fields.back().name = "y";
  schema.fields.back().role = FieldRole::label;
  schema.categories.resize(kTexts);
  return schema;
}

const std::string kWords[] = {"ash", "beech", "cedar", "elm", "fir", "oak", "pine"};

MicroBatch make_batch(RandomStream& random) {
  MicroBatch batch(kRows + 5, kNumbers, kTexts);
  batch.rows = kRows;
  for (std::size_t row = 0; row < kRows; ++row) {
    for (std::uint32_t i = 0; i < kNumbers; ++i) {
      batch.numeric_row(row)[i] = random.below(10) == 0 ? std::numeric_limits<float>::quiet_NaN()
                                                        : static_cast<float>(random.uniform() * i);
    }
    for (std::uint32_t i = 0; i < kTexts; ++i) {
      if (random.below(8) == 0) continue;
      const auto& word = kWords[random.below(std::size(kWords))];
      batch.category_row(row)[i] = {.hash = hash_text(word), .text = word};
    }
    batch.labels[row] = static_cast<float>(random.below(2));
  }
  return batch;
}

Pipeline compile(const Case& one) {
  auto compiled = Pipeline::compile(one.transforms, make_schema());
  BOOST_REQUIRE_MESSAGE(compiled.is_ok(), one.name << ": " << compiled.status().message());
  return std::move(compiled).value();
}

Dictionary make_dictionary(const Pipeline& pipeline) {
  Dictionary dictionary(make_schema(), pipeline.dictionary_capacity());
  for (DictionaryField field = 1; field <= kTexts; ++field) {
    for (const char* word : {"elm", "oak"}) dictionary.append(field, word);
  }
  return dictionary;
}

bool same_bits(const MicroBatch& a, const MicroBatch& b) {
  return std::memcmp(a.numeric.data(), b.numeric.data(), a.numeric.size() * sizeof(float)) == 0 &&
         a.table_rows == b.table_rows && a.labels == b.labels && a.weights == b.weights;
}

Bytes encoded(const Pipeline& pipeline) {
  ByteWriter writer;
  pipeline.encode(writer);
  return std::move(writer).take();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(transform_contract)

BOOST_AUTO_TEST_CASE(every_number_is_finite_and_every_row_is_in_the_table) {
  for (const auto& one : every_case()) {
    RandomStream random(test::seed());
    auto pipeline = compile(one);
    const auto dictionary = make_dictionary(pipeline);
    const auto& layout = pipeline.layout();
    for (int round = 0; round < 5; ++round) {
      auto batch = make_batch(random);
      pipeline.learn_and_transform(batch, dictionary);
      BOOST_REQUIRE_EQUAL(batch.numeric_stride, layout.dense_stride);
      for (std::size_t row = 0; row < kRows; ++row) {
        for (std::uint32_t i = 0; i < layout.dense_stride; ++i) {
          const float x = batch.numeric_row(row)[i];
          BOOST_REQUIRE_MESSAGE(i < kNumbers ? std::isfinite(x) : x == 0.0f, one.name);
        }
        for (std::uint32_t i = 0; i < kTexts; ++i) {
          const auto at = batch.table_row(row)[i];
          BOOST_REQUIRE_MESSAGE(at < layout.table_rows || at == kNoRow, one.name);
        }
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(labels_weights_and_rows_beyond_the_batch_are_untouched_and_unread) {
  for (const auto& one : every_case()) {
    RandomStream random(test::seed());
    auto pipeline = compile(one), blind = compile(one);
    const auto dictionary = make_dictionary(pipeline);
    auto batch = make_batch(random);
    batch.numeric_row(kRows)[0] = 77.0f;
    auto other = batch;
    std::ranges::fill(other.labels, -1.0f);
    std::ranges::fill(other.weights, 9.0f);
    const auto labels = batch.labels;
    pipeline.learn_and_transform(batch, dictionary);
    blind.learn_and_transform(other, dictionary);
    BOOST_TEST((batch.labels == labels), one.name);
    BOOST_TEST(batch.numeric_row(kRows)[0] == 77.0f, one.name);
    BOOST_TEST((batch.numeric == other.numeric), one.name);
    BOOST_TEST((encoded(pipeline) == encoded(blind)), one.name);
  }
}

BOOST_AUTO_TEST_CASE(saved_loaded_and_continued_equals_never_stopped) {
  for (const auto& one : every_case()) {
    RandomStream random(test::seed());
    auto never_stopped = compile(one);
    const auto dictionary = make_dictionary(never_stopped);
    auto first = make_batch(random);
    never_stopped.learn_and_transform(first, dictionary);
    auto resumed = compile(one);
    const auto saved = encoded(never_stopped);
    ByteReader reader(saved);
    BOOST_REQUIRE(resumed.restore(reader).is_ok());
    auto here = make_batch(random);
    auto there = here;
    never_stopped.learn_and_transform(here, dictionary);
    resumed.learn_and_transform(there, dictionary);
    BOOST_TEST(same_bits(here, there), one.name);
    BOOST_TEST((encoded(never_stopped) == encoded(resumed)), one.name);
  }
}

BOOST_AUTO_TEST_CASE(a_served_pipeline_gives_the_trainer_s_bits_for_the_same_statistics) {
  for (const auto& one : every_case()) {
    RandomStream random(test::seed());
    auto trainer = compile(one), server = compile(one);
    const auto dictionary = make_dictionary(trainer);
    auto batch = make_batch(random);
    trainer.learn_and_transform(batch, dictionary);
    // A version publishes the sum of all statistics.
    server.adopt(trainer.statistics(), {});
    auto here = make_batch(random);
    auto there = here;
    trainer.transform(here, dictionary);
    server.transform(there, dictionary);
    BOOST_TEST(same_bits(here, there), one.name);
  }
}

BOOST_AUTO_TEST_CASE(an_empty_batch_changes_nothing) {
  for (const auto& one : every_case()) {
    auto pipeline = compile(one);
    const auto before = encoded(pipeline);
    MicroBatch batch(4, kNumbers, kTexts);
    pipeline.learn_and_transform(batch, make_dictionary(pipeline));
    BOOST_TEST((encoded(pipeline) == before), one.name);
  }
}

BOOST_AUTO_TEST_SUITE_END()
