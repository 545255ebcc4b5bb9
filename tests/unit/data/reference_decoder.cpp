#include "tests/unit/data/reference_decoder.hpp"

#include <cmath>
#include <cstdlib>
#include <optional>

namespace millrace::test {
namespace {

std::string trim(std::string text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.erase(0, 1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.pop_back();
  return text;
}

// Fields of a line, or nothing when its quotes are wrong.
std::optional<std::vector<std::string>> split(const std::string& line, char delimiter) {
  std::vector<std::string> fields;
  std::size_t i = 0;
  for (;;) {
    while (i < line.size() && (line[i] == ' ' || line[i] == '\t') && line[i] != delimiter) ++i;
    std::string field;
    if (i < line.size() && line[i] == '"') {
      ++i;
      for (;; ++i) {
        if (i >= line.size()) return std::nullopt;
        if (line[i] != '"') {
          field += line[i];
        } else if (i + 1 < line.size() && line[i + 1] == '"') {
          field += line[i++];
        } else {
          break;
        }
      }
      ++i;
      while (i < line.size() && (line[i] == ' ' || line[i] == '\t') && line[i] != delimiter) ++i;
      if (i < line.size() && line[i] != delimiter) return std::nullopt;
    } else {
      while (i < line.size() && line[i] != delimiter) field += line[i++];
      field = trim(field);
    }
    fields.push_back(field);
    if (i >= line.size()) return fields;
    ++i;
  }
}

bool parse(const std::string& text, float& value) {
  if (text.empty()) return false;
  for (const char c : text) {
    if (std::string("0123456789+-.eE").find(c) == std::string::npos) return false;
  }
  if (text[0] == '+' && text.size() > 1 && text[1] == '-') return false;
  char* end = nullptr;
  value = std::strtof(text.c_str(), &end);
  return *end == '\0' && std::isfinite(value);
}

bool is_missing(const Schema& schema, const std::string& text) {
  return std::find(schema.missing.begin(), schema.missing.end(), text) != schema.missing.end();
}

bool decode_label(const Schema& schema, const std::string& text, float& label) {
  if (is_missing(schema, text)) return false;
  float value = 0.0f;
  const bool is_number = parse(text, value);
  if (schema.task == Task::regression) {
    label = value;
    return is_number;
  }
  for (std::size_t id = 0; id < schema.classes.size(); ++id) {
    float known = 0.0f;
    const bool is_same_number = is_number && parse(schema.classes[id], known) && known == value;
    if (!is_same_number && schema.classes[id] != text) continue;
    label = static_cast<float>(id);
    return true;
  }
  return false;
}

bool decode(const Schema& schema, const std::vector<std::string>& fields, ReferenceRecord& record) {
  if (fields.size() != schema.fields.size()) return false;
  for (std::size_t i = 0; i < fields.size(); ++i) {
    const bool missing = is_missing(schema, fields[i]);
    float value = NAN;
    switch (schema.fields[i].role) {
      case FieldRole::numeric:
        if (!missing && !parse(fields[i], value)) return false;
        record.numbers.push_back(value);
        break;
      case FieldRole::categorical:
        record.texts.push_back(missing ? "\x01" : fields[i]);
        break;
      case FieldRole::weight:
        if (missing || !parse(fields[i], value) || value < 0.0f) return false;
        record.weight = value;
        break;
      case FieldRole::label:
        if (!decode_label(schema, fields[i], record.label)) return false;
        break;
      case FieldRole::excluded:
        break;
    }
  }
  return true;
}

}  // namespace

ReferenceOutcome decode_reference(const std::string& text, const Schema& schema, char delimiter) {
  ReferenceOutcome outcome;
  for (std::size_t begin = 0; begin < text.size();) {
    std::size_t end = text.find('\n', begin);
    const std::size_t next = end == std::string::npos ? text.size() : end + 1;
    if (end == std::string::npos) end = text.size();
    if (end > begin && text[end - 1] == '\r') --end;
    const std::string line = text.substr(begin, end - begin);
    ++outcome.counters.read;
    ReferenceRecord record;
    record.offset = begin;
    const auto fields = split(line, delimiter);
    if (trim(line).empty()) {
      ++outcome.counters.skipped;
    } else if (fields && decode(schema, *fields, record)) {
      ++outcome.counters.records;
      outcome.records.push_back(std::move(record));
    } else {
      ++outcome.counters.quarantined;
      outcome.quarantined.push_back(begin);
    }
    begin = next;
  }
  return outcome;
}

}  // namespace millrace::test
