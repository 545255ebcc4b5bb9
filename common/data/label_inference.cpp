#include "common/data/label_inference.hpp"

#include <bit>
#include <charconv>

#include "common/base/limits.hpp"
#include "common/config/nearest.hpp"
#include "common/data/schema_warnings.hpp"

namespace millrace {
namespace {

// The least room for classes that were not declared and may still appear: texts (attack names,
// products) grow a longer tail than integers, of which few are usually absent from the first
// records.
constexpr std::uint32_t kPlacesMinIntegers = 8;
constexpr std::uint32_t kPlacesMinTexts = 32;

Status invalid(std::string message, std::string hint = {}) {
  return Status(Code::invalid_argument, std::move(message), std::move(hint));
}

std::int64_t to_integer(const std::string& text) {
  std::int64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

std::string join(const std::vector<std::string>& texts) {
  constexpr std::size_t kShown = 10;
  std::string joined;
  for (std::size_t i = 0; i < texts.size() && i < kShown; ++i)
    joined += (i == 0 ? "" : ", ") + texts[i];
  return texts.size() > kShown ? joined + ", ..." : joined;
}

bool are_integers(const ColumnFacts& label) {
  return label.integers * 10 >= label.present * 9;
}

// Integers in ascending order when nearly all are, else every text in order of first appearance.
std::vector<std::string> seen_classes(const ColumnFacts& label) {
  const bool only_integers = are_integers(label);
  std::vector<std::string> classes;
  for (const auto& value : label.values) {
    if (!only_integers || is_integer_class(value)) classes.emplace_back(value);
  }
  if (only_integers) std::ranges::sort(classes, {}, to_integer);
  return classes;
}

Result<std::vector<std::string>> normalise_declared(const std::vector<std::string>& declared) {
  std::vector<std::string> classes;
  std::array<char, 24> buffer;
  for (const auto& text : declared) {
    const std::string normalised(normalise_class(trim_blanks(text), buffer));
    if (std::ranges::find(classes, normalised) != classes.end())
      return invalid("schema.classes: class '" + normalised + "' is listed twice");
    classes.push_back(normalised);
  }
  if (classes.size() < 2) return invalid("schema.classes: a classifier needs at least two classes");
  return classes;
}

// The label's values alone: classes, or nothing for regression.
bool looks_like_classes(const ColumnFacts& label, std::string& evidence) {
  if (!label.is_numeric()) {
    evidence = count_text(label.present - label.numbers) + " of " + count_text(label.present) +
               " values are texts, so they are classes";
    return true;
  }
  const auto distinct = seen_classes(label).size();
  if (label.integers == label.numbers && !label.has_more_values &&
      distinct <= limits::kClassesInferredMax) {
    evidence = count_text(distinct) + " distinct integers in " + count_text(label.present) +
               " values, so they are classes";
    return true;
  }
  evidence = label.integers == label.numbers
                 ? "more than " + std::to_string(limits::kClassesInferredMax) +
                       " distinct integers, so it is a value to regress"
                 : "fractional numbers, so it is a value to regress";
  return false;
}

Status decide_positive(const SchemaSpec& spec, const ColumnFacts& label,
                       const std::vector<std::string>& classes, LabelDecision& decision) {
  std::array<char, 24> buffer;
  decision.positive = normalise_class(trim_blanks(*spec.positive), buffer);
  if (spec.task == Task::multiclass)
    return invalid("schema.positive makes the label binary, but schema.task is multiclass");
  if (std::ranges::find(classes, decision.positive) == classes.end()) {
    if (!spec.classes.empty()) {
      return invalid("schema.positive: '" + decision.positive + "' is not in schema.classes",
                     suggestion(decision.positive, classes));
    }
    decision.warnings.push_back("schema.positive: no label is '" + decision.positive +
                                "' among the first " + count_text(label.present) + "; seen were " +
                                join(classes));
  }
  decision.task = Task::binary;
  decision.classes = {"not " + decision.positive, decision.positive};
  decision.classes_are_declared = true;
  decision.max_classes = 2;
  decision.evidence = "class '" + decision.positive + "' against the rest, as schema.positive says";
  return {};
}

Status decide_places(const SchemaSpec& spec, bool integers, LabelDecision& decision) {
  const auto seen = static_cast<std::uint32_t>(decision.classes.size());
  if (seen > limits::kClassesMax) {
    return invalid("the label has " + count_text(seen) + " classes, at most " +
                       count_text(limits::kClassesMax) + " are allowed",
                   "is '" + spec.label + "' the label? schema.task: regression if it is a number");
  }
  if (spec.task == Task::binary && seen > 2) {
    return invalid("schema.task is binary, but the label has " + count_text(seen) +
                       " classes: " + join(decision.classes),
                   "schema.positive makes one of them the class against the rest");
  }
  if (spec.max_classes != 0 && spec.max_classes < seen) {
    return invalid("schema.max_classes is " + std::to_string(spec.max_classes) +
                   ", but the label has " + count_text(seen) +
                   " classes: " + join(decision.classes));
  }
  const bool is_binary = spec.task != Task::multiclass && seen <= 2 && spec.max_classes <= 2;
  decision.task = is_binary ? Task::binary : Task::multiclass;
  if (is_binary) {
    decision.max_classes = 2;
  } else if (spec.max_classes != 0) {
    decision.max_classes = std::max(spec.max_classes, 2u);
  } else if (decision.classes_are_declared) {
    decision.max_classes = seen;
  } else {
    const auto roomy =
        std::max(std::bit_ceil(2 * seen), integers ? kPlacesMinIntegers : kPlacesMinTexts);
    decision.max_classes = std::min(roomy, limits::kClassesMax);
  }
  return {};
}

Result<LabelDecision> decide_regression(const SchemaSpec& spec, const ColumnFacts& label,
                                        std::string evidence) {
  if (!spec.classes.empty() || spec.positive)
    return invalid(
        "schema.classes and schema.positive have no meaning when schema.task is regression");
  if (!label.is_numeric()) {
    return invalid("schema.task is regression, but label '" + label.name +
                   "' holds texts, for instance " + quote_for_message(label.not_a_number));
  }
  LabelDecision decision;
  decision.evidence = std::move(evidence);
  return decision;
}

}  // namespace

Result<LabelDecision> decide_label(const SchemaSpec& spec, const ColumnFacts& label,
                                   std::size_t records) {
  if (label.present == 0) {
    return invalid("label '" + label.name + "' has no value in the first " + count_text(records) +
                   " records");
  }
  if (spec.task == Task::regression)
    return decide_regression(spec, label, "a value to regress, as schema.task says");
  LabelDecision decision;
  const bool is_declared = !spec.classes.empty();
  if (is_declared) {
    MILLRACE_ASSIGN(decision.classes, normalise_declared(spec.classes));
    decision.classes_are_declared = true;
    decision.evidence = count_text(decision.classes.size()) + " classes, as schema.classes says";
  } else {
    std::string evidence;
    const bool are_classes = looks_like_classes(label, evidence);
    if (!are_classes && !spec.task && !spec.positive)
      return decide_regression(spec, label, evidence);
    decision.classes = seen_classes(label);
    decision.evidence = spec.task ? "classes, as schema.task says" : evidence;
  }
  if (spec.positive) {
    const auto classes = std::move(decision.classes);
    MILLRACE_TRY(decide_positive(spec, label, classes, decision));
    return decision;
  }
  MILLRACE_TRY(decide_places(spec, are_integers(label), decision));
  decision.evidence += ": " + join(decision.classes);
  return decision;
}

}  // namespace millrace
