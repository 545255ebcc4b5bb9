#include "common/pipeline/plan.hpp"

#include <bit>
#include <cmath>
#include <optional>

#include "common/base/digest.hpp"
#include "common/base/limits.hpp"
#include "common/config/nearest.hpp"

namespace millrace {
namespace {

// Fields that no transform encodes: few values seen get places of their own, more are hashed.
constexpr std::size_t kImpliedOneHotMax = 64;
// Rows of an implied hashed block per value seen at submit: keeps collisions of what is known below
// 1 in 8 and leaves room for what is to come.
constexpr std::size_t kImpliedRowsPerValue = 8;
constexpr std::uint32_t kImpliedBitsMin = 16;
constexpr std::uint32_t kImpliedBitsMax = 22;

const char* name_of(TransformKind kind) {
  switch (kind) {
    case TransformKind::impute:
      return "impute";
    case TransformKind::standardize:
      return "standardize";
    case TransformKind::one_hot:
      return "one_hot";
    case TransformKind::hash:
      return "hash";
  }
  return "unknown";
}

bool is_numeric_kind(TransformKind kind) {
  return kind == TransformKind::impute || kind == TransformKind::standardize;
}

class Planner {
 public:
  explicit Planner(const Schema& schema) : schema_(schema) {
    for (const auto& field : schema.fields) {
      if (field.role == FieldRole::numeric) numeric_.push_back({.field = &field});
      if (field.role == FieldRole::categorical) categorical_.push_back({.field = &field});
    }
  }

  Status add(std::size_t index, const TransformSpec& spec) {
    place_ = "preprocess[" + std::to_string(index) + "] (" + name_of(spec.kind) + ")";
    MILLRACE_TRY(check_parameters(spec));
    return is_numeric_kind(spec.kind) ? add_numeric(spec) : add_categorical(spec);
  }

  Result<PipelinePlan> finish();

 private:
  struct NumericField {
    const Field* field = nullptr;
    bool is_standardized = false;
    bool is_imputed = false;
    std::optional<float> constant = {};
    bool is_constant_late = false;  // declared behind standardize
  };
  struct CategoricalField {
    const Field* field = nullptr;
    std::optional<CategoricalPlan> plan = {};
  };

  Status fail(const std::string& why, std::string hint = {}) const {
    return {Code::invalid_argument, place_ + ": " + why, std::move(hint)};
  }
  Status check_parameters(const TransformSpec& spec) const;
  Result<std::uint32_t> column_of(const TransformSpec& spec, const std::string& name) const;
  Status add_numeric(const TransformSpec& spec);
  Status impute(const TransformSpec& spec, NumericField& column, bool is_named);
  Status add_categorical(const TransformSpec& spec);
  void add_implied_encoders();
  void one_hot(CategoricalField& column, std::uint32_t places);
  void hash(const std::vector<CategoricalField*>& columns, std::uint32_t bits);

  const Schema& schema_;
  std::string place_;
  std::vector<NumericField> numeric_;
  std::vector<CategoricalField> categorical_;
  std::uint64_t table_rows_ = 0;
};

Status Planner::check_parameters(const TransformSpec& spec) const {
  if (spec.kind == TransformKind::impute && !std::isfinite(static_cast<float>(spec.value)))
    return fail("`value` is not a finite 32-bit number");
  if (spec.kind == TransformKind::one_hot &&
      (spec.max_categories == 0 || spec.max_categories > limits::kCategoriesMax))
    return fail("`max_categories` is " + std::to_string(spec.max_categories) +
                    ", allowed are 1 to " + std::to_string(limits::kCategoriesMax),
                "use `hash` for fields with more values");
  if (spec.kind == TransformKind::hash && (spec.bits < 4 || spec.bits > 26))
    return fail("`bits` is " + std::to_string(spec.bits) + ", allowed are 4 to 26");
  return {};
}

// The column of a field that the transform names.
Result<std::uint32_t> Planner::column_of(const TransformSpec& spec, const std::string& name) const {
  const Field* field = schema_.find(name);
  if (field == nullptr) {
    std::vector<std::string> known;
    for (const auto& candidate : schema_.fields) known.push_back(candidate.name);
    return fail("there is no field '" + name + "'", suggestion(name, known));
  }
  const auto wanted = is_numeric_kind(spec.kind) ? FieldRole::numeric : FieldRole::categorical;
  if (field->role == wanted) return field->index;
  switch (field->role) {
    case FieldRole::label:
      return fail("field '" + name + "' is the label");
    case FieldRole::weight:
      return fail("field '" + name + "' is the weight");
    case FieldRole::excluded:
      return fail("field '" + name + "' is excluded", "remove it here or from `schema.exclude`");
    case FieldRole::numeric:
      return fail("field '" + name + "' holds numbers, not categories",
                  "list it under `schema.categorical` to treat its values as categories");
    case FieldRole::categorical:
      return fail("field '" + name + "' holds categories, not numbers",
                  "use one_hot or hash for it");
  }
  return fail("field '" + name + "' has an unknown role");
}

Status Planner::impute(const TransformSpec& spec, NumericField& column, bool is_named) {
  if (column.is_imputed) {
    // "every field" means those that can still have missing values.
    if (!is_named) return {};
    return fail("field '" + column.field->name +
                "' has been imputed already: nothing is missing any more");
  }
  column.is_imputed = true;
  if (spec.strategy == ImputeStrategy::constant) {
    column.constant = static_cast<float>(spec.value);
    column.is_constant_late = column.is_standardized;
  }
  return {};
}

Status Planner::add_numeric(const TransformSpec& spec) {
  std::vector<std::uint32_t> columns;
  for (const auto& name : spec.fields) {
    MILLRACE_ASSIGN(const std::uint32_t column, column_of(spec, name));
    columns.push_back(column);
  }
  const bool is_named = !spec.fields.empty();
  if (!is_named)
    for (std::uint32_t i = 0; i < numeric_.size(); ++i) columns.push_back(i);
  for (const auto index : columns) {
    auto& column = numeric_[index];
    if (spec.kind == TransformKind::impute) {
      MILLRACE_TRY(impute(spec, column, is_named));
    } else if (column.is_standardized) {
      return fail("field '" + column.field->name + "' has been standardized already",
                  "name disjoint `fields`, or remove this transform");
    } else {
      column.is_standardized = true;
    }
  }
  return {};
}

Status Planner::add_categorical(const TransformSpec& spec) {
  std::vector<CategoricalField*> columns;
  for (const auto& name : spec.fields) {
    MILLRACE_ASSIGN(const std::uint32_t index, column_of(spec, name));
    auto& column = categorical_[index];
    if (column.plan || std::ranges::find(columns, &column) != columns.end())
      return fail("field '" + name + "' has been encoded already", "encode each field once");
    columns.push_back(&column);
  }
  if (spec.fields.empty())
    for (auto& column : categorical_)
      if (!column.plan) columns.push_back(&column);
  if (spec.kind == TransformKind::hash) {
    hash(columns, spec.bits);
  } else {
    for (auto* column : columns) one_hot(*column, spec.max_categories);
  }
  if (table_rows_ > limits::kParametersMax)
    return fail("the model's table would have " + std::to_string(table_rows_) +
                    " rows, more than " + std::to_string(limits::kParametersMax),
                "use fewer `bits` or `max_categories`");
  return {};
}

void Planner::one_hot(CategoricalField& column, std::uint32_t places) {
  column.plan = CategoricalPlan{.kind = TransformKind::one_hot,
                                .first_row = static_cast<std::uint32_t>(table_rows_),
                                .places = places};
  table_rows_ += places + 1u;
}

void Planner::hash(const std::vector<CategoricalField*>& columns, std::uint32_t bits) {
  if (columns.empty()) return;
  for (auto* column : columns) {
    column->plan = CategoricalPlan{.kind = TransformKind::hash,
                                   .first_row = static_cast<std::uint32_t>(table_rows_),
                                   .mask = (1u << bits) - 1u,
                                   .salt = mix64(column->field->index + 1ull)};
  }
  table_rows_ += std::uint64_t{1} << bits;
}

void Planner::add_implied_encoders() {
  std::vector<CategoricalField*> hashed;
  std::size_t values = 0;
  for (auto& column : categorical_) {
    if (column.plan) continue;
    const auto index = column.field->index;
    const std::size_t seen =
        index < schema_.categories.size() ? schema_.categories[index].size() : 0;
    if (seen <= kImpliedOneHotMax) {
      one_hot(column, kImpliedOneHotMax);
    } else {
      hashed.push_back(&column);
      values += seen;
    }
  }
  const auto bits = static_cast<std::uint32_t>(std::bit_width(values * kImpliedRowsPerValue));
  hash(hashed, std::clamp(bits, kImpliedBitsMin, kImpliedBitsMax));
}

Result<PipelinePlan> Planner::finish() {
  add_implied_encoders();
  PipelinePlan plan;
  plan.layout.dense = static_cast<std::uint32_t>(numeric_.size());
  plan.layout.dense_stride =
      static_cast<std::uint32_t>(round_up(std::max<std::size_t>(numeric_.size(), 1), kRowFloats));
  plan.layout.table_slots = static_cast<std::uint32_t>(categorical_.size());
  plan.layout.table_rows = static_cast<std::uint32_t>(table_rows_);
  for (const auto& column : numeric_) {
    plan.layout.dense_names.push_back(column.field->name);
    NumericPlan numeric{.pivot = column.field->pivot, .is_standardized = column.is_standardized};
    if (column.constant) {
      numeric.constant = *column.constant;
      numeric.fill = column.is_standardized && !column.is_constant_late
                         ? FillKind::constant_then_standardize
                         : FillKind::constant;
    } else if (column.is_standardized) {
      numeric.fill = FillKind::constant;  // a mean, standardized, is 0
    }
    plan.numeric.push_back(numeric);
  }
  plan.dictionary_capacity.push_back(schema_.task == Task::regression ? 0 : schema_.max_classes);
  for (const auto& column : categorical_) {
    plan.categorical.push_back(*column.plan);
    plan.dictionary_capacity.push_back(column.plan->places);
  }
  return plan;
}

}  // namespace

bool PipelinePlan::learns() const {
  return std::ranges::any_of(numeric, [](const NumericPlan& column) {
    return column.is_standardized || column.fill == FillKind::mean;
  });
}

std::uint64_t PipelinePlan::fingerprint() const {
  ByteWriter writer;
  for (const auto& column : numeric) {
    writer.put(column.pivot);
    writer.put<std::uint8_t>(column.is_standardized ? 1 : 0);
    writer.put(column.fill);
    writer.put(column.constant);
  }
  for (const auto& column : categorical) {
    writer.put<std::uint8_t>(column.kind == TransformKind::hash ? 1 : 0);
    writer.put(column.first_row);
    writer.put(column.places);
    writer.put(column.mask);
    writer.put(column.salt);
  }
  return hash_text(as_text(writer.view()));
}

Result<PipelinePlan> make_plan(const std::vector<TransformSpec>& transforms, const Schema& schema) {
  Planner planner(schema);
  for (std::size_t i = 0; i < transforms.size(); ++i) MILLRACE_TRY(planner.add(i, transforms[i]));
  return planner.finish();
}

}  // namespace millrace
