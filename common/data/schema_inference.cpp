#include "common/data/schema_inference.hpp"

#include <bit>
#include <charconv>
#include <set>

#include "common/base/limits.hpp"
#include "common/config/kafka_columns.hpp"
#include "common/config/nearest.hpp"
#include "common/data/inference_table.hpp"
#include "common/data/label_inference.hpp"
#include "common/data/schema_warnings.hpp"

namespace millrace {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

Status invalid(std::string message, std::string hint = {}) {
  return Status(Code::invalid_argument, std::move(message), std::move(hint));
}

std::string column_name(std::size_t column) {
  return "c" + std::to_string(column + 1);
}

// "c3" names the third column of a file without a header.
bool is_column_name(const std::string& name, std::size_t columns) {
  for (std::size_t i = 0; i < columns; ++i) {
    if (name == column_name(i)) return true;
  }
  return false;
}

struct FirstLine {
  std::vector<std::string> fields;
  std::string_view rest;  // the lines behind it
};

Result<FirstLine> read_first_line(std::string_view text, bool is_whole, const CsvSpec& csv) {
  TextArena arena;
  CsvLine line;
  const char* end = text.data() + text.size();
  if (trim_blanks(text).empty()) return invalid("the stream is empty: it has no first line");
  split_line(text.data(), end, is_whole, csv, arena, line);
  if (line.state != LineState::complete) {
    return invalid(
        "the first line cannot be read: a quote is not closed, or it is longer than 1 MiB",
        "check source.csv, and that the file is CSV at all");
  }
  if (line.fields.size() > limits::kColumnsMax) {
    return invalid("the first line has " + count_text(line.fields.size()) + " columns, at most " +
                       count_text(limits::kColumnsMax) + " are allowed",
                   "check source.csv.delimiter");
  }
  FirstLine first;
  first.fields.assign(line.fields.begin(), line.fields.end());
  first.rest = {line.next, static_cast<std::size_t>(end - line.next)};
  return first;
}

struct HeaderDecision {
  bool has_header = false;
  std::string evidence;
};

HeaderDecision decide_header(const std::vector<std::string>& fields, const std::string& label) {
  if (std::ranges::find(fields, label) != fields.end()) {
    return {true, "the first line is a header: it names the label"};
  }
  for (const auto& field : fields) {
    double number;
    if (parse_number(field, number) == NumberState::number) {
      return {false, "the first line is data: " + quote_for_message(field) + " is a number"};
    }
  }
  if (is_column_name(label, fields.size())) {
    return {false, "the first line is data: the label is named by its position"};
  }
  return {true, "the first line is a header: none of its fields is a number"};
}

Result<std::vector<std::string>> make_names(const std::vector<std::string>& fields,
                                            bool has_header) {
  std::vector<std::string> names;
  std::set<std::string> seen;
  for (std::size_t i = 0; i < fields.size(); ++i) {
    names.push_back(has_header && !fields[i].empty() ? fields[i] : column_name(i));
    if (names.back().size() > limits::kStringBytesMax)
      return invalid("the name of column " + std::to_string(i + 1) + " is longer than 4 KiB");
    if (!seen.insert(names.back()).second) {
      return invalid("two columns are named '" + names.back() + "'",
                     "rename one in the header line");
    }
  }
  return names;
}

Result<std::size_t> find_column(const std::vector<std::string>& names, const std::string& name,
                                const std::string& path) {
  const auto found = std::ranges::find(names, name);
  if (found != names.end()) return static_cast<std::size_t>(found - names.begin());
  std::string hint = suggestion(name, names);
  if (names.size() == 1) hint += "; the data has one column: check source.csv.delimiter";
  return invalid(path + ": '" + name + "' is not a column of the data", std::move(hint));
}

// Of a topic, whose messages have no header line: the declared columns of the value, or c1, c2,
// ..., and behind them those that come from elsewhere in a message.
Result<std::vector<std::string>> message_names(const SchemaSpec& spec, const KafkaSpec& kafka,
                                               std::size_t count) {
  const auto behind = kafka_columns_behind(kafka, spec.label);
  auto names = kafka.columns;
  if (names.empty() && count > behind.size()) {
    for (std::size_t i = 0; i + behind.size() < count; ++i) names.push_back(column_name(i));
  }
  names.insert(names.end(), behind.begin(), behind.end());
  if (names.size() == count) {
    if (std::set<std::string>(names.begin(), names.end()).size() == count) return names;
    return invalid("two fields of a message have one name: c1, c2, ... are columns of its value",
                   "name these with source.kafka.columns");
  }
  return invalid("the first message has " + count_text(count - std::min(count, behind.size())) +
                     " columns, and source.kafka.columns names " + count_text(kafka.columns.size()),
                 "check source.kafka.columns and source.csv.delimiter");
}

// Roles that the job declares; absent: to be inferred.
Result<std::vector<std::optional<Field>>> declared_roles(const SchemaSpec& spec,
                                                         const std::vector<std::string>& names) {
  std::vector<std::optional<Field>> roles(names.size());
  const auto declare = [&](const std::string& name, FieldRole role,
                           const std::string& path) -> Status {
    MILLRACE_ASSIGN(const std::size_t column, find_column(names, name, path));
    if (roles[column] && role != roles[column]->role) {
      return invalid(path + ": '" + name + "' is also " + roles[column]->evidence,
                     "remove it from one of the two");
    }
    roles[column] = Field{name, role, 0, 0.0, path};
    return {};
  };
  MILLRACE_TRY(declare(spec.label, FieldRole::label, "schema.label"));
  if (spec.weight) MILLRACE_TRY(declare(*spec.weight, FieldRole::weight, "schema.weight"));
  for (const auto& name : spec.exclude)
    MILLRACE_TRY(declare(name, FieldRole::excluded, "schema.exclude"));
  for (const auto& name : spec.sensitive)
    MILLRACE_TRY(declare(name, FieldRole::excluded, "schema.sensitive"));
  for (const auto& name : spec.categorical)
    MILLRACE_TRY(declare(name, FieldRole::categorical, "schema.categorical"));
  return roles;
}

Field infer_field(const ColumnFacts& column) {
  Field field{column.name, FieldRole::numeric, 0, 0.0, {}};
  if (column.present == 0) {
    field.evidence = "no value seen";
  } else if (column.is_numeric()) {
    field.evidence =
        count_text(column.numbers) + " of " + count_text(column.present) + " values are numbers";
  } else {
    field.role = FieldRole::categorical;
    field.evidence = count_text(column.present - column.numbers) + " of " +
                     count_text(column.present) + " values are texts, for instance " +
                     quote_for_message(column.not_a_number);
  }
  return field;
}

Status fill_fields(const SchemaSpec& spec, const InferenceTable& table,
                   const std::vector<std::optional<Field>>& declared, Schema& schema) {
  std::uint32_t numeric = 0, categorical = 0;
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    const ColumnFacts& column = table.columns[i];
    Field field = declared[i] ? *declared[i] : infer_field(column);
    if (field.role == FieldRole::numeric) {
      field.index = numeric++;
      if (column.numbers != 0) field.pivot = column.sum / static_cast<double>(column.numbers);
    } else if (field.role == FieldRole::categorical) {
      field.index = categorical++;
      schema.categories.emplace_back(column.values.begin(), column.values.end());
    } else if (field.role == FieldRole::weight && !column.is_numeric()) {
      return invalid("schema.weight: '" + column.name + "' holds texts, for instance " +
                         quote_for_message(column.not_a_number),
                     "name a numeric field");
    }
    schema.fields.push_back(std::move(field));
  }
  if (numeric + categorical == 0) {
    return invalid("no feature is left beside the label '" + spec.label + "'",
                   "check schema.exclude, and source.csv.delimiter");
  }
  return {};
}

}  // namespace

std::vector<std::string> header_names(std::string_view line, const CsvSpec& spec) {
  if (line.starts_with(kByteOrderMark)) line.remove_prefix(kByteOrderMark.size());
  TextArena arena;
  CsvLine split;
  split_line(line.data(), line.data() + line.size(), true, spec, arena, split);
  return {split.fields.begin(), split.fields.end()};
}

Result<InferredSchema> infer_schema(const SchemaSpec& spec, const SourceSpec& source, ByteView head,
                                    bool is_whole) {
  if (spec.label.empty()) return invalid("schema.label is not given", "name the column to predict");
  std::string_view text = as_text(head);
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  MILLRACE_ASSIGN(const FirstLine first, read_first_line(text, is_whole, source.csv));
  InferredSchema inferred;
  inferred.csv = source.csv;
  const bool is_topic = source.kind == SourceKind::kafka;
  if (is_topic) {
    inferred.csv.header = false;
  } else if (!source.csv.header) {
    const auto decision = decide_header(first.fields, spec.label);
    inferred.csv.header = decision.has_header;
    inferred.evidence.push_back(decision.evidence);
  }
  const bool has_header = *inferred.csv.header;
  MILLRACE_ASSIGN(const auto names, is_topic
                                        ? message_names(spec, source.kafka, first.fields.size())
                                        : make_names(first.fields, has_header));
  MILLRACE_ASSIGN(const auto declared, declared_roles(spec, names));
  MILLRACE_ASSIGN(const std::size_t label, find_column(names, spec.label, "schema.label"));

  const MissingTexts missing(source.missing);
  const InferenceTable table =
      tabulate(has_header ? first.rest : text, is_whole, inferred.csv, missing, names, label);
  if (table.records == 0) {
    return invalid(
        table.broken == 0 ? "the stream has no records"
                          : "none of the first " + count_text(table.broken) + " lines has the " +
                                std::to_string(names.size()) + " columns of the first line",
        has_header ? "there is only a header line; source.csv.header: false reads it as data" : "");
  }
  Schema& schema = inferred.schema;
  schema.missing = source.missing;
  MILLRACE_TRY(fill_fields(spec, table, declared, schema));
  MILLRACE_ASSIGN(LabelDecision decision, decide_label(spec, table.columns[label], table.records));
  schema.task = decision.task;
  schema.classes = std::move(decision.classes);
  schema.classes_are_declared = decision.classes_are_declared;
  schema.max_classes = decision.max_classes;
  schema.positive = std::move(decision.positive);
  schema.fields[label].evidence = decision.evidence;
  inferred.evidence.push_back("label '" + spec.label + "': " + decision.evidence);
  inferred.records = table.records;
  inferred.warnings = find_warnings(schema, table);
  for (auto& warning : decision.warnings) inferred.warnings.push_back(std::move(warning));
  return inferred;
}

Result<InferredSchema> generator_schema(const SchemaSpec& spec, const SourceSpec& source) {
  const std::vector<std::string> names = {"f1", "f2", "f3", "label"};
  SchemaSpec declared = spec;
  if (declared.label.empty()) declared.label = "label";
  if (declared.label != "label") {
    return invalid(
        "schema.label: generator '" + source.generator.name + "' has no label '" + spec.label + "'",
        "its label is 'label', its features are f1, f2 and f3");
  }
  MILLRACE_ASSIGN(const auto roles, declared_roles(declared, names));
  InferredSchema inferred;
  Schema& schema = inferred.schema;
  schema.task = Task::binary;
  schema.classes = {"0", "1"};
  schema.classes_are_declared = true;
  schema.max_classes = 2;
  schema.missing = source.missing;
  std::uint32_t numeric = 0;
  for (std::size_t i = 0; i < names.size(); ++i) {
    Field field = roles[i] ? *roles[i] : Field{names[i], FieldRole::numeric, 0, 0.0, {}};
    if (field.role == FieldRole::weight || field.role == FieldRole::categorical)
      return invalid(field.evidence + ": '" + field.name + "' of a generator is a numeric feature");
    field.evidence = "by the generator's definition";
    if (field.role == FieldRole::numeric) {
      field.index = numeric++;
      field.pivot = 5.0;  // uniform in [0, 10)
    }
    schema.fields.push_back(std::move(field));
  }
  if (numeric == 0) return invalid("no feature is left beside the label", "check schema.exclude");
  inferred.evidence.push_back("label 'label': classes 0 and 1 by the generator's definition");
  return inferred;
}

}  // namespace millrace
