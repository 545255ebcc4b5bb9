#include "worker/serving/feature_reader.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <cstring>
#include <span>

#include "common/data/field_values.hpp"

namespace millrace {
namespace {

// Rows count from 1 in messages.
Status in_row(const Status& status, std::size_t row) {
  return {Code::invalid_argument, "row " + std::to_string(row + 1) + ": " + status.message(),
          status.hint()};
}

std::string expected_text(std::span<const std::string> names) {
  constexpr std::size_t kShown = 20;
  std::string text = std::to_string(names.size()) + " features: ";
  for (std::size_t i = 0; i < std::min(names.size(), kShown); ++i) {
    text += (i == 0 ? "" : ", ") + names[i];
  }
  return names.size() > kShown ? text + ", ..." : text;
}

}  // namespace

FeatureReader::FeatureReader(const PublishedModel& model)
    : dictionary_(&model.dictionary()), decoder_(model.schema()) {
  const auto capacity = model.pipeline().dictionary_capacity();
  for (const auto& field : model.schema().fields) {
    if (field.role != FieldRole::numeric && field.role != FieldRole::categorical) continue;
    const bool is_category = field.role == FieldRole::categorical;
    const std::size_t place = std::size_t{1} + field.index;
    by_name_.emplace(field.name, static_cast<std::uint32_t>(features_.size()));
    features_.push_back(
        {.name = field.name,
         .is_category = is_category,
         .has_dictionary = is_category && place < capacity.size() && capacity[place] != 0,
         .index = field.index});
  }
  named_by_.resize(features_.size(), 0);
}

Status FeatureReader::check(const wire::PredictRequest& request) const {
  if (request.rows() == 0) {
    return {Code::invalid_argument, "the request has no rows", "send at least one row"};
  }
  if (request.form != wire::RowForm::numeric) return {};
  for (const auto& feature : features_) {
    if (!feature.is_category) continue;
    return {Code::invalid_argument,
            "numeric rows cannot hold the category '" + std::string(feature.name) + "'",
            "send named or ordered rows"};
  }
  if (request.numeric_columns == features_.size()) return {};
  return {Code::invalid_argument,
          "the rows have " + std::to_string(request.numeric_columns) + " columns",
          "the model reads " + expected_text(decoder_.feature_names())};
}

std::uint32_t FeatureReader::find(std::string_view name, std::size_t guess) const {
  // Most callers name the fields in schema order.
  if (guess < features_.size() && features_[guess].name == name) {
    return static_cast<std::uint32_t>(guess);
  }
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? kNoFeature : found->second;
}

Status FeatureReader::set(const wire::Cell& cell, std::uint32_t feature, MicroBatch& batch) {
  switch (cell.kind) {
    case wire::CellKind::missing:
      return {};
    case wire::CellKind::text:
      return decoder_.set_ordered(batch, feature, cell.text);
    case wire::CellKind::number:
      break;
  }
  if (!features_[feature].is_category) return decoder_.set_ordered(batch, feature, cell.number);
  if (std::isnan(cell.number)) return {};
  std::array<char, 32> buffer;
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), cell.number).ptr;
  const std::string& text = number_texts_.emplace_back(buffer.data(), end);
  return decoder_.set_ordered(batch, feature, std::string_view(text));
}

Status FeatureReader::set_named(const wire::Cell& cell, std::size_t position, MicroBatch& batch) {
  const std::uint32_t feature = find(cell.name, position);
  if (feature == kNoFeature) {
    // Label, weight and excluded fields pass; another name gets its error with the nearest one.
    return decoder_.set(batch, cell.name, std::string_view());
  }
  if (named_by_[feature] == rows_read_) {
    return {Code::invalid_argument, "the field " + quote_for_message(cell.name) + " stands twice",
            "send each field once"};
  }
  named_by_[feature] = rows_read_;
  return set(cell, feature, batch);
}

void FeatureReader::note(const MicroBatch& batch, wire::Prediction& prediction) const {
  const float* numbers = batch.numeric_row(batch.rows - 1);
  const Category* categories = batch.category_row(batch.rows - 1);
  for (const auto& feature : features_) {
    if (!feature.is_category) {
      if (std::isnan(numbers[feature.index])) prediction.missing.emplace_back(feature.name);
      continue;
    }
    const Category& category = categories[feature.index];
    if (category.is_missing()) {
      prediction.missing.emplace_back(feature.name);
    } else if (feature.has_dictionary && !dictionary_->find(1 + feature.index, category.text)) {
      prediction.unknown.emplace_back(feature.name);
    }
  }
}

Status FeatureReader::append(const wire::PredictRequest& request, std::size_t row,
                             MicroBatch& batch, wire::Prediction& prediction) {
  const std::size_t begin = row == 0 ? 0 : request.row_ends[row - 1];
  const auto cells = std::span(request.cells).subspan(begin, request.row_ends[row] - begin);
  const bool is_ordered = request.form == wire::RowForm::ordered;
  if (is_ordered && cells.size() != features_.size()) {
    return in_row({Code::invalid_argument, "it has " + std::to_string(cells.size()) + " values",
                   "the model reads " + expected_text(decoder_.feature_names())},
                  row);
  }
  ++rows_read_;
  decoder_.begin_row(batch);
  for (std::size_t i = 0; i < cells.size(); ++i) {
    const Status status = is_ordered ? set(cells[i], static_cast<std::uint32_t>(i), batch)
                                     : set_named(cells[i], i, batch);
    if (status.is_ok()) continue;
    --batch.rows;
    return in_row(status, row);
  }
  note(batch, prediction);
  return {};
}

Status FeatureReader::append_numeric(const wire::PredictRequest& request, std::size_t begin,
                                     std::size_t end, MicroBatch& batch, std::uint64_t& missing) {
  const std::size_t columns = request.numeric_columns;
  for (std::size_t row = begin; row < end; ++row) {
    decoder_.begin_row(batch);
    float* numbers = batch.numeric_row(batch.rows - 1);
    // Features of a schema without categories are its numeric columns in order.
    std::memcpy(numbers, request.numeric_values.data() + row * columns * sizeof(float),
                columns * sizeof(float));
    for (std::size_t column = 0; column < columns; ++column) {
      if (std::isnan(numbers[column])) ++missing;
      if (!std::isinf(numbers[column])) continue;
      --batch.rows;
      return in_row({Code::invalid_argument,
                     "field '" + std::string(features_[column].name) + "' is infinite",
                     "send a finite number, or NaN where the value is missing"},
                    row);
    }
  }
  return {};
}

void FeatureReader::clear() {
  decoder_.clear();
  number_texts_.clear();
}

}  // namespace millrace
