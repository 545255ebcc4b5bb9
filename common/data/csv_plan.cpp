#include "common/data/csv_plan.hpp"

#include "common/base/limits.hpp"

namespace millrace::csv {
namespace {

// Three digits at most and no leading zero: the number is its own normal form.
std::optional<std::size_t> small_integer(std::string_view text) {
  if (text.empty() || text.size() > 3) return std::nullopt;
  if (text.size() > 1 && text[0] == '0') return std::nullopt;
  std::size_t value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + static_cast<std::size_t>(c - '0');
  }
  return value;
}

}  // namespace

Plan::Plan(const Schema& schema, const CsvSpec& spec)
    : csv(spec), columns(schema.fields), missing(schema.missing) {
  MILLRACE_CHECK(!columns.empty());
  for (std::size_t i = 0; i + 1 < columns.size(); ++i) {
    const Field& field = columns[i];
    const bool continues = !runs.empty() && runs.back().role == field.role &&
                           field.role == FieldRole::numeric &&
                           runs.back().index + runs.back().count == field.index;
    if (continues) {
      ++runs.back().count;
    } else {
      runs.push_back({field.role, field.index, 1});
    }
  }
  last_role = columns.back().role;
  last_index = columns.back().index;
  is_regression = schema.task == Task::regression;
  classes_are_declared = schema.classes_are_declared;
  if (!is_regression && !schema.positive.empty()) {
    std::array<char, 24> buffer;
    positive = normalise_class(schema.positive, buffer);
  }
  classes_are_integers = !schema.classes.empty() && positive.empty() &&
                         std::ranges::all_of(schema.classes, [](const std::string& text) {
                           std::array<char, 24> buffer;
                           return is_integer_class(normalise_class(text, buffer));
                         });
}

ClassLookup::ClassLookup(const Plan& plan) : plan_(&plan) {
  small_.fill(-1.0f);
}

std::optional<float> ClassLookup::find(std::string_view text, const Dictionary& dictionary) {
  const auto small = small_integer(text);
  const bool is_cached = small && *small < kCached;
  if (is_cached && small_[*small] >= 0.0f) return small_[*small];
  std::array<char, 24> buffer;
  const auto normalised = is_cached ? text : normalise_class(text, buffer);
  std::optional<float> id;
  if (!plan_->positive.empty()) {
    id = normalised == plan_->positive ? 1.0f : 0.0f;
  } else if (const auto found = dictionary.find(kLabelField, normalised)) {
    id = static_cast<float>(*found);
  }
  if (is_cached && id) small_[*small] = *id;
  return id;
}

ClassLookup::Resolution ClassLookup::resolve(std::string_view text, const Dictionary& dictionary) {
  if (const auto id = find(text, dictionary)) return {ClassState::known, *id, {}};
  std::array<char, 24> buffer;
  const auto normalised = normalise_class(text, buffer);
  const auto quoted = quote_for_message(text);
  const auto refuse = [](std::string reason) {
    return Resolution{ClassState::refused, 0.0f, std::move(reason)};
  };
  if (normalised.size() > limits::kStringBytesMax) return refuse("class is longer than 4 KiB");
  if (plan_->classes_are_declared) return refuse("class " + quoted + " is not in schema.classes");
  if (plan_->classes_are_integers && !is_integer_class(normalised)) {
    return refuse(quoted + " is not a class: the label's classes are integers");
  }
  if (dictionary.is_full(kLabelField)) {
    return refuse("class " + quoted + " has no place: all " +
                  std::to_string(dictionary.size(kLabelField)) +
                  " are taken; declare schema.classes or raise schema.max_classes");
  }
  return {ClassState::pending, 0.0f, std::string(normalised)};
}

}  // namespace millrace::csv
