// Schemas, transforms and micro-batches for tests of the pipeline.
#pragma once

#include <limits>
#include <string>
#include <vector>

#include "common/base/random.hpp"
#include "common/pipeline/pipeline.hpp"

namespace millrace::test {

inline constexpr float kMissing = std::numeric_limits<float>::quiet_NaN();

// Numeric fields n0, n1, ...; categorical fields c0, c1, ...; the label y.
inline Schema make_schema(std::uint32_t numeric, std::uint32_t categorical, double pivot = 0.0) {
  Schema schema;
  schema.task = Task::binary;
  schema.max_classes = 2;
  schema.classes = {"no", "yes"};
  schema.fields.resize(numeric + categorical + 1);
  for (std::uint32_t i = 0; i < numeric; ++i) {
    schema.fields[i].name = "n" + std::to_string(i);
    schema.fields[i].index = i;
    schema.fields[i].pivot = pivot;
  }
  for (std::uint32_t i = 0; i < categorical; ++i) {
    auto& field = schema.fields[numeric + i];
    field.name = "c" + std::to_string(i);
    field.role = FieldRole::categorical;
    field.index = i;
  }
  schema.fields.back().name = "y";
  schema.fields.back().role = FieldRole::label;
  schema.categories.resize(categorical);
  return schema;
}

inline TransformSpec transform(TransformKind kind, std::vector<std::string> fields = {}) {
  TransformSpec spec;
  spec.kind = kind;
  spec.fields = std::move(fields);
  return spec;
}

inline TransformSpec impute_constant(double value, std::vector<std::string> fields = {}) {
  auto spec = transform(TransformKind::impute, std::move(fields));
  spec.strategy = ImputeStrategy::constant;
  spec.value = value;
  return spec;
}

inline void set_category(MicroBatch& batch, std::size_t row, std::size_t column,
                         std::string_view text) {
  batch.category_row(row)[column] = {.hash = hash_text(text), .text = text};
}

// One numeric column.
inline MicroBatch make_column(const std::vector<float>& values) {
  MicroBatch batch(values.size(), 1, 0);
  batch.rows = values.size();
  for (std::size_t row = 0; row < values.size(); ++row) *batch.numeric_row(row) = values[row];
  return batch;
}

inline std::vector<float> column_of(const MicroBatch& batch, std::size_t column = 0) {
  std::vector<float> values;
  for (std::size_t row = 0; row < batch.rows; ++row)
    values.push_back(batch.numeric_row(row)[column]);
  return values;
}

// Numbers of many magnitudes, some missing.
inline MicroBatch make_numbers(RandomStream& random, std::size_t rows, std::uint32_t columns,
                               double missing) {
  MicroBatch batch(rows, columns, 0);
  batch.rows = rows;
  for (std::size_t row = 0; row < rows; ++row) {
    for (std::uint32_t i = 0; i < columns; ++i) {
      const double scale = i % 3 == 0 ? 1e-3 : i % 3 == 1 ? 1.0 : 1e6;
      const auto value = static_cast<float>(scale * (random.uniform() - 0.3));
      batch.numeric_row(row)[i] = random.uniform() < missing ? kMissing : value;
    }
  }
  return batch;
}

// The rows [begin, end) of another batch.
inline MicroBatch slice(const MicroBatch& whole, std::size_t begin, std::size_t end) {
  MicroBatch part(end - begin, whole.numeric_columns, whole.categorical_columns);
  part.rows = end - begin;
  for (std::size_t row = begin; row < end; ++row) {
    std::copy_n(whole.numeric_row(row), whole.numeric_stride, part.numeric_row(row - begin));
    std::copy_n(whole.category_row(row), whole.categorical_columns, part.category_row(row - begin));
  }
  return part;
}

}  // namespace millrace::test
