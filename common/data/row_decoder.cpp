#include "common/data/row_decoder.hpp"

#include <charconv>
#include <cmath>
#include <limits>
#include <unordered_map>

#include "common/base/check.hpp"
#include "common/base/limits.hpp"
#include "common/config/nearest.hpp"
#include "common/data/csv_line.hpp"
#include "common/data/field_values.hpp"

namespace millrace {
namespace {

Status invalid(const std::string& name, const std::string& why) {
  return Status(Code::invalid_argument, "field '" + name + "': " + why);
}

}  // namespace

struct RowDecoder::State {
  explicit State(const Schema& schema) : fields(schema.fields), missing(schema.missing) {
    for (std::size_t i = 0; i < fields.size(); ++i) {
      by_name.emplace(fields[i].name, i);
      if (fields[i].role != FieldRole::numeric && fields[i].role != FieldRole::categorical)
        continue;
      features.push_back(i);
      feature_names.push_back(fields[i].name);
    }
  }

  std::vector<Field> fields;
  MissingTexts missing;
  std::unordered_map<std::string_view, std::size_t> by_name;  // keys point into `fields`
  std::vector<std::size_t> features;                          // positions in `fields`
  std::vector<std::string> feature_names;
  std::vector<std::size_t> columns;  // of CSV lines: positions in `fields`; empty: by their number
  TextArena arena;
  CsvLine line;

  Status set(MicroBatch& batch, const Field& field, std::string_view text) const;
  Status set(MicroBatch& batch, const Field& field, double value);
  Result<std::size_t> find(std::string_view name) const;
};

Status RowDecoder::State::set(MicroBatch& batch, const Field& field, std::string_view text) const {
  const std::size_t row = batch.rows - 1;
  const bool is_missing = missing.contains(text);
  if (field.role == FieldRole::categorical) {
    batch.category_row(row)[field.index] = is_missing ? Category{} : make_category(text);
  } else if (field.role == FieldRole::numeric) {
    float value = std::numeric_limits<float>::quiet_NaN();
    if (!is_missing) {
      const auto state = parse_number(text, value);
      if (state != NumberState::number)
        return invalid(field.name, describe_number_error(state, text));
    }
    batch.numeric_row(row)[field.index] = value;
  }
  return {};
}

Status RowDecoder::State::set(MicroBatch& batch, const Field& field, double value) {
  if (field.role == FieldRole::numeric) {
    const auto narrow = static_cast<float>(value);
    if (std::isinf(narrow))
      return invalid(field.name, "the number is infinite or too large for float32");
    batch.numeric_row(batch.rows - 1)[field.index] = narrow;
    return {};
  }
  if (field.role != FieldRole::categorical) return {};
  if (std::isnan(value)) {
    batch.category_row(batch.rows - 1)[field.index] = Category{};
    return {};
  }
  // A category that looks like a number, in the shortest spelling: 3 and 0.1, as a CSV would have
  // it.
  std::array<char, 32> buffer;
  const auto printed = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value);
  return set(batch, field,
             arena.copy({buffer.data(), static_cast<std::size_t>(printed.ptr - buffer.data())}));
}

Result<std::size_t> RowDecoder::State::find(std::string_view name) const {
  const auto found = by_name.find(name);
  if (found != by_name.end()) return found->second;
  return Status(Code::not_found, "the model has no field " + quote_for_message(name),
                suggestion(name, feature_names));
}

RowDecoder::RowDecoder(const Schema& schema) : state_(std::make_unique<State>(schema)) {}
RowDecoder::~RowDecoder() = default;
RowDecoder::RowDecoder(RowDecoder&&) noexcept = default;
RowDecoder& RowDecoder::operator=(RowDecoder&&) noexcept = default;

const std::vector<std::string>& RowDecoder::feature_names() const {
  return state_->feature_names;
}

void RowDecoder::begin_row(MicroBatch& batch) {
  MILLRACE_CHECK(batch.rows < batch.capacity);
  const std::size_t row = batch.rows++;
  std::fill_n(batch.numeric_row(row), batch.numeric_columns,
              std::numeric_limits<float>::quiet_NaN());
  std::fill_n(batch.category_row(row), batch.categorical_columns, Category{});
  batch.labels[row] = 0.0f;
  batch.weights[row] = 1.0f;
  batch.offsets[row] = Offset(row);
}

Status RowDecoder::set(MicroBatch& batch, std::string_view name, std::string_view text) {
  MILLRACE_ASSIGN(const std::size_t field, state_->find(name));
  return state_->set(batch, state_->fields[field], text);
}

Status RowDecoder::set(MicroBatch& batch, std::string_view name, double value) {
  MILLRACE_ASSIGN(const std::size_t field, state_->find(name));
  return state_->set(batch, state_->fields[field], value);
}

Status RowDecoder::set_ordered(MicroBatch& batch, std::size_t feature, std::string_view text) {
  MILLRACE_CHECK(feature < state_->features.size());
  return state_->set(batch, state_->fields[state_->features[feature]], text);
}

Status RowDecoder::set_ordered(MicroBatch& batch, std::size_t feature, double value) {
  MILLRACE_CHECK(feature < state_->features.size());
  return state_->set(batch, state_->fields[state_->features[feature]], value);
}

Status RowDecoder::set_columns(const std::vector<std::string>& names) {
  std::vector<std::size_t> columns;
  for (const auto& name : names) {
    MILLRACE_ASSIGN(const std::size_t field, state_->find(name));
    if (std::ranges::find(columns, field) != columns.end())
      return Status(Code::invalid_argument, "two columns are named '" + name + "'");
    columns.push_back(field);
  }
  state_->columns = std::move(columns);
  return {};
}

Status RowDecoder::decode_line(std::string_view text, const CsvSpec& spec, MicroBatch& batch) {
  State& state = *state_;
  split_line(text.data(), text.data() + text.size(), true, spec, state.arena, state.line);
  if (state.line.state != LineState::complete || state.line.next != text.data() + text.size())
    return Status(Code::invalid_argument,
                  "the line is not one CSV record: " + quote_for_message(text));
  const auto& values = state.line.fields;
  const auto& columns = state.columns;
  const std::size_t expected = !columns.empty() ? columns.size() : state.features.size();
  const bool is_whole = columns.empty() && values.size() == state.fields.size();
  if (values.size() != expected && !is_whole) {
    return Status(Code::invalid_argument, "the line has " + std::to_string(values.size()) +
                                              " values, expected " + std::to_string(expected));
  }
  begin_row(batch);
  for (std::size_t i = 0; i < values.size(); ++i) {
    const std::size_t field = !columns.empty() ? columns[i] : is_whole ? i : state.features[i];
    if (auto status = state.set(batch, state.fields[field], values[i]); !status.is_ok()) {
      --batch.rows;
      return status;
    }
  }
  return {};
}

void RowDecoder::clear() {
  state_->arena.clear();
}

}  // namespace millrace
