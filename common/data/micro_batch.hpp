// A micro-batch: consecutive records of one split, as numbers, reused from batch to batch.
//
// Place: filled by a decoder, transformed in place by the pipeline, read by model and evaluation.
// Owned by one training slot or one request; nothing is allocated per record.
//
// Shapes: numeric [rows, numeric_stride] row-major float32, rows 64-byte aligned, columns past
// `numeric_columns` zero; NaN marks a missing value until the pipeline imputes it. categories
// [rows, categorical_columns]; texts point into the decoder's buffer and live as long as the batch.
// rows_of_table [rows, categorical_columns] is filled by the pipeline.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "common/base/aligned.hpp"
#include "common/base/ids.hpp"

namespace millrace {

struct Category {
  std::uint64_t hash = 0;  // hash_text of the value
  std::string_view text;   // empty data() pointer: missing
  bool is_missing() const { return text.data() == nullptr; }
};

// No table row: a category that contributes nothing.
inline constexpr std::uint32_t kNoRow = 0xFFFFFFFFu;

class MicroBatch {
 public:
  MicroBatch() = default;
  MicroBatch(std::size_t records, std::uint32_t numeric_width, std::uint32_t categorical_width)
      : numeric_columns(numeric_width),
        categorical_columns(categorical_width),
        numeric_stride(static_cast<std::uint32_t>(
            round_up(numeric_width == 0 ? 1 : numeric_width, kRowFloats))),
        capacity(records),
        numeric(records * numeric_stride, 0.0f),
        categories(records * categorical_width),
        table_rows(records * categorical_width, kNoRow),
        labels(records, 0.0f),
        weights(records, 1.0f),
        offsets(records) {}

  float* numeric_row(std::size_t row) { return numeric.data() + row * numeric_stride; }
  const float* numeric_row(std::size_t row) const { return numeric.data() + row * numeric_stride; }
  Category* category_row(std::size_t row) { return categories.data() + row * categorical_columns; }
  const Category* category_row(std::size_t row) const {
    return categories.data() + row * categorical_columns;
  }
  std::uint32_t* table_row(std::size_t row) {
    return table_rows.data() + row * categorical_columns;
  }
  const std::uint32_t* table_row(std::size_t row) const {
    return table_rows.data() + row * categorical_columns;
  }

  std::uint32_t numeric_columns = 0;
  std::uint32_t categorical_columns = 0;
  std::uint32_t numeric_stride = 0;  // floats, a multiple of 16
  std::size_t capacity = 0;          // records
  std::size_t rows = 0;              // records present
  // Classes of the label head that the dictionary has given out, 0 meaning all; the others get
  // probability 0.
  std::uint32_t active_classes = 0;

  SplitId split;
  AlignedVector<float> numeric;
  std::vector<Category> categories;
  std::vector<std::uint32_t> table_rows;  // row of the model's table per category, or kNoRow
  std::vector<float> labels;              // class id or value
  std::vector<float> weights;             // importance, 1 when the schema has no weight
  std::vector<Offset> offsets;            // where each record begins
};

}  // namespace millrace
