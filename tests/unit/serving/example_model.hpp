// Small published versions for tests: parameters and rows are pure functions of a seed.
#pragma once

#include <boost/test/unit_test.hpp>
#include <string>
#include <vector>

#include "common/base/random.hpp"
#include "common/ml/published_model.hpp"
#include "common/wire/prediction.hpp"

namespace millrace::test {

struct ExampleOptions {
  std::string job = "example";
  std::uint64_t version = 1;
  Task task = Task::binary;
  std::uint32_t numbers = 3;  // features x1, x2, ...
  bool has_city = true;       // and a category with the places oslo, rome, bern
  std::uint64_t seed = 1;
  ModelSpec model{.kind = ModelKind::logistic, .layers = {}, .dropout = {}};
};

inline Schema example_schema(const ExampleOptions& options) {
  Schema schema;
  schema.task = options.task;
  schema.missing = {"", "NA", "?"};
  const auto add = [&schema](const std::string& name, FieldRole role, std::uint32_t index) {
    schema.fields.push_back(
        {.name = name, .role = role, .index = index, .pivot = 0.0, .evidence = "example"});
  };
  add("id", FieldRole::excluded, 0);
  add("x1", FieldRole::numeric, 0);
  if (options.has_city) {
    add("city", FieldRole::categorical, 0);
    schema.categories = {{"oslo", "rome", "bern"}};
  }
  for (std::uint32_t i = 1; i < options.numbers; ++i) {
    add("x" + std::to_string(i + 1), FieldRole::numeric, i);
  }
  add("y", FieldRole::label, 0);
  if (options.task == Task::binary) schema.classes = {"no", "yes"};
  if (options.task == Task::multiclass) schema.classes = {"red", "green", "blue"};
  schema.max_classes = options.task == Task::multiclass ? 8 : options.task == Task::binary ? 2 : 0;
  return schema;
}

// A batch of raw rows; some numbers are missing, some cities are unknown.
inline MicroBatch example_batch(std::size_t rows, std::uint32_t numbers, bool has_city,
                                std::uint64_t seed) {
  static const std::vector<std::string> kCities = {"oslo", "rome", "bern", "lima"};
  MicroBatch batch(rows, numbers, has_city ? 1 : 0);
  batch.rows = rows;
  RandomStream random(seed);
  for (std::size_t row = 0; row < rows; ++row) {
    for (std::uint32_t i = 0; i < numbers; ++i) {
      const auto value = static_cast<float>(10.0 * random.uniform() - 4.0);
      batch.numeric_row(row)[i] =
          random.below(20) == 0 ? std::numeric_limits<float>::quiet_NaN() : value;
    }
    if (!has_city) continue;
    const auto& city = kCities[random.below(kCities.size())];
    if (random.below(20) != 0) batch.category_row(row)[0] = {hash_text(city), city};
  }
  return batch;
}

inline PublishedModelParts example_parts(const ExampleOptions& options = {}) {
  PublishedModelParts parts;
  parts.schema = example_schema(options);
  parts.transforms = {{.kind = TransformKind::impute, .fields = {}},
                      {.kind = TransformKind::standardize, .fields = {}}};
  parts.model = options.model;
  auto pipeline = Pipeline::compile(parts.transforms, parts.schema);
  BOOST_REQUIRE_MESSAGE(pipeline.is_ok(), pipeline.status().message());
  parts.dictionary = Dictionary(parts.schema, pipeline.value().dictionary_capacity());
  MicroBatch batch = example_batch(100, options.numbers, options.has_city, options.seed);
  pipeline.value().learn_and_transform(batch, parts.dictionary);
  parts.statistics = pipeline.value().statistics();
  const auto model = make_model(parts.model, {.features = pipeline.value().layout(),
                                              .task = options.task,
                                              .classes = parts.schema.max_classes});
  BOOST_REQUIRE_MESSAGE(model.is_ok(), model.status().message());
  // Padding gets values too: it must not matter.
  parts.theta.resize(model.value()->parameters().total());
  model.value()->initialise(parts.theta, options.seed);
  RandomStream random(options.seed, options.version);
  for (auto& value : parts.theta) value += static_cast<float>(random.uniform() - 0.5);
  auto& lineage = parts.lineage;
  lineage.job = options.job;
  lineage.job_fingerprint = "f1";
  lineage.program_version = "0.1.0";
  lineage.instruction_set = "avx2";
  lineage.version = VersionId(options.version);
  if (options.version > 1) lineage.parent = VersionId(options.version - 1);
  lineage.cut = CutId(10 + options.version);
  lineage.attempt = Attempt(1);
  lineage.slice = {
      {.path = "data.csv", .begin = Offset(0), .offset = Offset(1234), .content_digest = ""}};
  lineage.records = 100;
  lineage.metrics = {{"accuracy", 0.75}, {"log_loss", 0.5}};
  lineage.created_at = std::chrono::sys_time<std::chrono::milliseconds>(
      std::chrono::milliseconds(1'700'000'000'000));
  return parts;
}

inline std::shared_ptr<const PublishedModel> example_model(const ExampleOptions& options = {}) {
  auto model = PublishedModel::make(example_parts(options));
  BOOST_REQUIRE_MESSAGE(model.is_ok(), model.status().message());
  return model.value();
}

// What the version itself says about the rows.
inline std::vector<float> predict_directly(const PublishedModel& model, MicroBatch batch) {
  Workspace workspace;
  std::vector<float> outputs(batch.rows * model.outputs());
  model.predict(batch, workspace, outputs);
  return outputs;
}

// The rows of the batch as a named request. Numbers travel as numbers; `names` outlives the
// request.
inline void add_named_rows(const MicroBatch& batch, std::size_t begin, std::size_t end,
                           const std::vector<std::string>& names, wire::PredictRequest& request) {
  for (std::size_t row = begin; row < end; ++row) {
    for (std::uint32_t i = 0; i < batch.numeric_columns; ++i) {
      request.add_number(names[i], batch.numeric_row(row)[i]);
    }
    if (batch.categorical_columns != 0 && !batch.category_row(row)[0].is_missing()) {
      request.add_text("city", batch.category_row(row)[0].text);
    }
    request.end_row();
  }
}

inline std::vector<std::string> number_names(std::uint32_t numbers) {
  std::vector<std::string> names;
  for (std::uint32_t i = 0; i < numbers; ++i) names.push_back("x" + std::to_string(i + 1));
  return names;
}

}  // namespace millrace::test
