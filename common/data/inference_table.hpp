// What the first records of a stream show about each column: the facts that schema inference
// decides on.
//
// Place: filled once by `tabulate`, then only read. Texts point into the bytes it was made from or
// into its arena. Bounded: at most limits::kInferenceRecords records, and limits::kCategoriesMax
// values of a column.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "common/base/bytes.hpp"
#include "common/data/csv_line.hpp"
#include "common/data/field_values.hpp"

namespace millrace {

struct ColumnFacts {
  std::string name;
  std::size_t present = 0;  // values that are not missing
  std::size_t numbers = 0;
  std::size_t integers = 0;
  std::string_view not_a_number;  // the first such value
  double sum = 0.0;               // of the numbers
  double last = 0.0;
  bool is_ascending = true;  // strictly, number after number
  bool is_descending = true;
  // Distinct values in order of first appearance with their counts; the label's are normalised.
  std::vector<std::string_view> values;
  std::vector<std::size_t> counts;
  bool has_more_values = false;  // beyond limits::kCategoriesMax
  std::unordered_map<std::string_view, std::uint32_t> ids;
  // The value before, whose number and id need not be found again when it comes once more.
  std::string_view last_text;
  std::uint32_t last_id = 0;
  bool last_is_number = false;
  // Beside the label: records with both, records with the same text, the label's value that each
  // own value came with, whether there was only ever one, and the moments of the correlation.
  std::size_t beside_label = 0;
  std::size_t equal_to_label = 0;
  std::vector<std::uint32_t> label_of_value;
  bool determines_label = true;
  double squares = 0.0, products = 0.0, label_sum = 0.0, label_squares = 0.0, paired_sum = 0.0;
  std::size_t pairs = 0;

  // Nine tenths of what is present: some broken values do not make a column text.
  bool is_numeric() const { return numbers * 10 >= present * 9; }
};

struct InferenceTable {
  std::vector<ColumnFacts> columns;
  std::size_t label = 0;
  std::size_t records = 0;
  std::size_t broken = 0;  // lines that are no record of this many columns
  TextArena arena;
};

// `lines` begins at the first record. `names` are those of the columns, names[label] is the label.
InferenceTable tabulate(std::string_view lines, bool is_whole, const CsvSpec& csv,
                        const MissingTexts& missing, const std::vector<std::string>& names,
                        std::size_t label);

}  // namespace millrace
