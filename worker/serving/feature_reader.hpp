// Reads the rows of a request into a micro-batch, as the decoder of a file reads its lines.
//
// Place: one per served version, made when it is published; the engine reads requests through it
// before predicting. Immutable and thread-safe.
//
// Meaning: text goes through the value parser of the CSV decoder, so "12.5" asked equals "12.5" in
// a file; texts that the schema calls missing are missing; a number given for a category is its
// shortest text. The label, the weight and excluded fields may be present and are ignored.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "common/base/status.hpp"
#include "common/data/micro_batch.hpp"
#include "common/ml/published_model.hpp"
#include "common/wire/prediction.hpp"

namespace millrace {

// What was noticed about one row.
struct RowRemarks {
  std::vector<std::string> missing;  // feature names
  std::vector<std::string> unknown;  // categorical feature names
};

class FeatureReader {
 public:
  // `model` outlives the reader.
  explicit FeatureReader(const PublishedModel& model);

  // Appends row `row` of a named or ordered request to the batch, which has room for it.
  // invalid_argument names row, field and value; the batch is then as before. Texts made from
  // numbers live in `texts`.
  Status append(const wire::PredictRequest& request, std::size_t row, MicroBatch& batch,
                std::deque<std::string>& texts, RowRemarks& remarks) const;
  // Appends rows [begin, end) of a numeric request, and adds up its missing values.
  Status append_numeric(const wire::PredictRequest& request, std::size_t begin, std::size_t end,
                        MicroBatch& batch, std::uint64_t& missing) const;
  // Checks what holds for a request as a whole: its form, and the number of columns.
  Status check(const wire::PredictRequest& request) const;

 private:
  struct Slot {
    std::string name;
    FieldRole role = FieldRole::excluded;
    std::uint32_t index = 0;
    bool is_open = false;  // a category without a dictionary (hashed): no value is unknown
  };
  const Slot* find(std::string_view name, std::size_t hint) const;
  Status unknown_field(std::string_view name, std::size_t row) const;
  Status read_cell(const wire::Cell& cell, const Slot& slot, std::size_t row, float* numbers,
                   Category* categories, std::deque<std::string>& texts, RowRemarks& remarks) const;

  const Dictionary* dictionary_;  // of the model
  std::vector<std::string> missing_texts_;
  std::vector<Slot> slots_;              // all fields, in schema order
  std::vector<std::uint32_t> features_;  // of slots_, those that a model reads, in schema order
  std::unordered_map<std::string_view, std::uint32_t> by_name_;  // keys point into slots_
  std::uint32_t numeric_count_ = 0;
  std::uint32_t categorical_count_ = 0;
};

}  // namespace millrace
