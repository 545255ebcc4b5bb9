#include "common/data/inference_table.hpp"

#include <cmath>

#include "common/base/limits.hpp"

namespace millrace {
namespace {

constexpr std::uint32_t kNoValue = 0xFFFFFFFFu;

struct Cell {
  std::string_view text;
  bool is_missing = false;
  bool is_number = false;
  double number = 0.0;
  std::uint32_t id = kNoValue;  // of the value in its column
};

void note_number(ColumnFacts& column, bool is_repeated, Cell& cell) {
  if (is_repeated) {
    cell.is_number = column.last_is_number;
    cell.number = column.last;
  } else {
    cell.is_number = parse_number(cell.text, cell.number) == NumberState::number;
  }
  if (!cell.is_number) {
    if (column.not_a_number.data() == nullptr) column.not_a_number = cell.text;
    return;
  }
  if (column.numbers != 0) {
    column.is_ascending = column.is_ascending && cell.number > column.last;
    column.is_descending = column.is_descending && cell.number < column.last;
  }
  column.last = cell.number;
  column.sum += cell.number;
  ++column.numbers;
  if (std::trunc(cell.number) == cell.number) ++column.integers;
}

std::uint32_t note_value(ColumnFacts& column, std::string_view text, TextArena& arena,
                         bool must_copy) {
  const auto known = column.ids.find(text);
  if (known != column.ids.end()) {
    ++column.counts[known->second];
    return known->second;
  }
  if (column.values.size() >= limits::kCategoriesMax) {
    column.has_more_values = true;
    return kNoValue;
  }
  const auto id = static_cast<std::uint32_t>(column.values.size());
  const auto kept = must_copy ? arena.copy(text) : text;
  column.ids.emplace(kept, id);
  column.values.push_back(kept);
  column.counts.push_back(1);
  column.label_of_value.push_back(kNoValue);
  return id;
}

void note_cell(ColumnFacts& column, bool is_label, bool is_repeated, TextArena& arena, Cell& cell) {
  ++column.present;
  note_number(column, is_repeated, cell);
  if (is_repeated && column.last_id != kNoValue) {
    cell.id = column.last_id;
    ++column.counts[cell.id];
    return;
  }
  column.last_text = cell.text;
  column.last_is_number = cell.is_number;
  std::array<char, 24> buffer;
  const auto value = is_label ? normalise_class(cell.text, buffer) : cell.text;
  cell.id = note_value(column, value, arena, is_label);
  column.last_id = cell.id;
}

void compare_with_label(ColumnFacts& column, const Cell& cell, const Cell& label) {
  if (cell.is_missing || label.is_missing) return;
  ++column.beside_label;
  if (cell.text == label.text) ++column.equal_to_label;
  if (cell.id != kNoValue) {
    auto& seen = column.label_of_value[cell.id];
    if (seen == kNoValue) seen = label.id;
    column.determines_label = column.determines_label && seen == label.id;
  }
  if (!cell.is_number || !label.is_number) return;
  ++column.pairs;
  column.paired_sum += cell.number;
  column.squares += cell.number * cell.number;
  column.products += cell.number * label.number;
  column.label_sum += label.number;
  column.label_squares += label.number * label.number;
}

}  // namespace

InferenceTable tabulate(std::string_view lines, bool is_whole, const CsvSpec& csv,
                        const MissingTexts& missing, const std::vector<std::string>& names,
                        std::size_t label) {
  InferenceTable table;
  table.label = label;
  for (const auto& name : names) table.columns.emplace_back().name = name;
  std::vector<Cell> cells(names.size());
  CsvLine line;
  const char* at = lines.data();
  const char* end = at + lines.size();
  while (at != end && table.records < limits::kInferenceRecords) {
    split_line(at, end, is_whole, csv, table.arena, line);
    if (line.state == LineState::incomplete || line.next == nullptr) break;
    at = line.next;
    if (line.state == LineState::complete && trim_blanks(line.content).empty()) continue;
    if (line.state != LineState::complete || line.fields.size() != names.size()) {
      ++table.broken;
      continue;
    }
    ++table.records;
    for (std::size_t i = 0; i < cells.size(); ++i) {
      ColumnFacts& column = table.columns[i];
      const bool is_repeated = column.present != 0 && line.fields[i] == column.last_text;
      cells[i] = {line.fields[i], !is_repeated && missing.contains(line.fields[i])};
      if (!cells[i].is_missing) {
        note_cell(column, i == label, is_repeated, table.arena, cells[i]);
      }
    }
    for (std::size_t i = 0; i < cells.size(); ++i) {
      if (i != label) compare_with_label(table.columns[i], cells[i], cells[label]);
    }
  }
  return table;
}

}  // namespace millrace
