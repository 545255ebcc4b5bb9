// Reads the rows of requests into a micro-batch, as the decoder of a file reads its lines.
//
// Place: the prediction engine has one per version that it serves, in its own thread. The model
// outlives it.
//
// Meaning: text goes through the value parser of the CSV decoder, so "12.5" asked equals "12.5" in
// a file; texts that the schema calls missing are missing; a number given for a category is its
// shortest text. Label, weight and excluded fields may be present in named rows and are ignored.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "common/base/status.hpp"
#include "common/data/micro_batch.hpp"
#include "common/data/row_decoder.hpp"
#include "common/ml/published_model.hpp"
#include "common/wire/prediction.hpp"

namespace millrace {

class FeatureReader {
 public:
  explicit FeatureReader(const PublishedModel& model);

  // What holds for a request as a whole: it has rows, in a form that the model takes.
  Status check(const wire::PredictRequest& request) const;
  // Appends a row of a named or ordered request to the batch, which has room for it, and notes in
  // `prediction` which features were missing or unknown. invalid_argument names row, field and
  // value; the batch is then as before. Texts in the batch live until `clear`, or as long as the
  // request's.
  Status append(const wire::PredictRequest& request, std::size_t row, MicroBatch& batch,
                wire::Prediction& prediction);
  // Appends rows [begin, end) of a numeric request, and adds up its missing values.
  Status append_numeric(const wire::PredictRequest& request, std::size_t begin, std::size_t end,
                        MicroBatch& batch, std::uint64_t& missing);
  // Call when the batch is done with.
  void clear();

 private:
  struct Feature {
    std::string_view name;
    bool is_category = false;
    bool has_dictionary = false;  // without one (hashed), no value is unknown
    std::uint32_t index = 0;      // column among those of its kind
  };
  static constexpr std::uint32_t kNoFeature = 0xFFFFFFFFu;

  std::uint32_t find(std::string_view name, std::size_t guess) const;
  Status set(const wire::Cell& cell, std::uint32_t feature, MicroBatch& batch);
  Status set_named(const wire::Cell& cell, std::size_t position, MicroBatch& batch);
  void note(const MicroBatch& batch, wire::Prediction& prediction) const;

  const Dictionary* dictionary_;
  RowDecoder decoder_;
  std::vector<Feature> features_;  // in schema order
  std::unordered_map<std::string_view, std::uint32_t> by_name_;
  // The last row that named the feature: finds a field that is named twice without clearing per
  // row.
  std::vector<std::uint64_t> named_by_;
  std::uint64_t rows_read_ = 0;
  std::deque<std::string> number_texts_;
};

}  // namespace millrace
