// Decodes single rows for serving with the same value parsing as the training path.
//
// Place: a prediction server or `millrace predict` appends rows to a batch, by name or in schema
// order, then runs pipeline and model. Not thread-safe: one per thread. Texts are not copied: they
// must outlive the batch (unescaped quoted ones live in the decoder until `clear`).
#pragma once

#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "common/base/status.hpp"
#include "common/config/job_spec.hpp"
#include "common/data/micro_batch.hpp"
#include "common/data/schema.hpp"

namespace millrace {

class RowDecoder {
 public:
  explicit RowDecoder(const Schema& schema);
  ~RowDecoder();
  RowDecoder(RowDecoder&&) noexcept;
  RowDecoder& operator=(RowDecoder&&) noexcept;

  // Names of the features (numeric and categorical fields) in schema order: the order of
  // `set_ordered`.
  const std::vector<std::string>& feature_names() const;

  // Appends a row with every feature missing, label 0, weight 1. The batch must have room.
  void begin_row(MicroBatch& batch);
  // Sets a feature of the newest row. Label, weight and excluded fields are accepted and ignored;
  // an unknown name fails with not_found and the nearest name, a bad value with invalid_argument.
  Status set(MicroBatch& batch, std::string_view name, std::string_view text);
  Status set(MicroBatch& batch, std::string_view name, double value);
  // Sets the feature at position `feature` of feature_names().
  Status set_ordered(MicroBatch& batch, std::size_t feature, std::string_view text);
  Status set_ordered(MicroBatch& batch, std::size_t feature, double value);

  // CSV: the columns of the lines that follow. Default: the features in schema order, or all fields
  // of the schema, told apart by the number of values.
  Status set_columns(const std::vector<std::string>& names);
  // Appends one row from a line without its newline. On failure the batch keeps its earlier rows
  // only.
  Status decode_line(std::string_view line, const CsvSpec& spec, MicroBatch& batch);
  // Forgets unescaped texts: call when the batch is done with.
  void clear();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace millrace
