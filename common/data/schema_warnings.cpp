#include "common/data/schema_warnings.hpp"

#include <cmath>

namespace millrace {
namespace {

// Fewer records than this make coincidences likely.
constexpr std::size_t kRecordsMin = 100;
// A feature with more values than this may determine the label by chance.
constexpr std::size_t kGiveawayValuesMax = 50;
constexpr double kGiveawayCorrelation = 0.99999;
constexpr std::size_t kClassesNamed = 5;

using Warnings = std::vector<std::string>;

std::string field_name(const ColumnFacts& column) {
  return "field '" + column.name + "' ";
}

double correlation(const ColumnFacts& column) {
  const auto n = static_cast<double>(column.pairs);
  const double spread = n * column.squares - column.paired_sum * column.paired_sum;
  const double label_spread = n * column.label_squares - column.label_sum * column.label_sum;
  if (spread <= 0.0 || label_spread <= 0.0) return 0.0;
  return (n * column.products - column.paired_sum * column.label_sum) /
         std::sqrt(spread * label_spread);
}

bool warn_about_giveaway(const Schema& schema, const InferenceTable& table,
                         const ColumnFacts& column, Warnings& warnings) {
  const ColumnFacts& label = table.columns[table.label];
  if (column.beside_label < kRecordsMin || label.values.size() < 2) return false;
  if (column.equal_to_label == column.beside_label) {
    warnings.push_back(field_name(column) + "equals the label in all " +
                       count_text(column.beside_label) + " records: exclude it");
    return true;
  }
  const std::size_t values = column.values.size();
  const bool determines = schema.task != Task::regression && column.determines_label &&
                          values >= 2 && values <= kGiveawayValuesMax;
  if (determines) {
    warnings.push_back(field_name(column) + "gives the label away: each of its " +
                       count_text(values) + " values comes with one class only");
    return true;
  }
  const bool is_copy = schema.task == Task::regression && column.pairs >= kRecordsMin &&
                       std::fabs(correlation(column)) > kGiveawayCorrelation;
  if (is_copy) {
    warnings.push_back(field_name(column) +
                       "gives the label away: it is the label times a constant, nearly exactly");
  }
  return is_copy;
}

void warn_about_feature(const Schema& schema, const InferenceTable& table,
                        const ColumnFacts& column, FieldRole role, Warnings& warnings) {
  if (column.present == 0) {
    warnings.push_back(field_name(column) + "has no value in the first " +
                       count_text(table.records) + " records");
    return;
  }
  if (table.records < 2) return;
  const bool is_whole = column.present == table.records;
  if (is_whole && column.values.size() == 1) {
    warnings.push_back(field_name(column) + "has the same value in all of the first " +
                       count_text(table.records) + " records");
    return;
  }
  if (warn_about_giveaway(schema, table, column, warnings)) return;
  if (!is_whole || table.records < kRecordsMin) return;
  const bool is_numbered = role == FieldRole::numeric && column.numbers == column.present &&
                           (column.is_ascending || column.is_descending);
  const bool is_all_texts = role == FieldRole::categorical && !column.has_more_values &&
                            column.values.size() == table.records;
  if (is_numbered) {
    warnings.push_back(field_name(column) + "looks like a record number: it is distinct and " +
                       (column.is_ascending ? "ascending" : "descending") +
                       " in all of the first " + count_text(table.records) +
                       " records; exclude it unless it is a cause");
  } else if (is_all_texts) {
    warnings.push_back(field_name(column) + "has another text in every one of the first " +
                       count_text(table.records) + " records: nothing can be learned from it");
  }
}

void warn_about_label(const Schema& schema, const InferenceTable& table, Warnings& warnings) {
  const ColumnFacts& label = table.columns[table.label];
  if (label.values.size() == 1) {
    warnings.push_back("the label has one value only, " + quote_for_message(label.values[0]) +
                       ", in the first " + count_text(table.records) +
                       " records: is the file sorted by it?");
  }
  if (schema.task == Task::regression) return;
  std::string named;
  std::size_t rare = 0;
  for (std::size_t i = 0; i < label.values.size(); ++i) {
    if (label.counts[i] != 1 || table.records < kRecordsMin) continue;
    if (rare++ < kClassesNamed)
      named += (named.empty() ? "" : ", ") + quote_for_message(label.values[i]);
  }
  if (rare != 0) {
    warnings.push_back(count_text(rare) + (rare == 1 ? " class appears" : " classes appear") +
                       " once only in the first " + count_text(table.records) +
                       " records: " + named + (rare > kClassesNamed ? ", ..." : ""));
  }
}

}  // namespace

std::string count_text(std::size_t count) {
  std::string text = std::to_string(count);
  for (std::size_t at = text.size(); at > 3; at -= 3) text.insert(at - 3, ",");
  return text;
}

std::vector<std::string> find_warnings(const Schema& schema, const InferenceTable& table) {
  Warnings warnings;
  warn_about_label(schema, table, warnings);
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    const ColumnFacts& column = table.columns[i];
    const FieldRole role = schema.fields[i].role;
    if (role == FieldRole::numeric || role == FieldRole::categorical) {
      warn_about_feature(schema, table, column, role, warnings);
    }
    const std::size_t odd = column.present - column.numbers;
    if (role == FieldRole::numeric && odd != 0) {
      warnings.push_back(field_name(column) + "is numeric, but " + count_text(odd) + " of " +
                         count_text(column.present) +
                         " values are not numbers and will be quarantined, for instance " +
                         quote_for_message(column.not_a_number) +
                         "; list it in source.missing if it means no value");
    }
  }
  if (table.broken != 0) {
    warnings.push_back(count_text(table.broken) + " of the first " +
                       count_text(table.records + table.broken) +
                       " lines are broken and will be quarantined");
  }
  return warnings;
}

}  // namespace millrace
