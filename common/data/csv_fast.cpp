#include "common/data/csv_fast.hpp"

#include <cstring>
#include <limits>

#include "common/base/limits.hpp"
#include "common/data/csv_number.hpp"

namespace millrace::csv {

FastPath::FastPath(const Plan& plan, ClassLookup& classes, const Dictionary& dictionary,
                   const char* begin, const char* end)
    : plan_(plan),
      classes_(classes),
      dictionary_(dictionary),
      delimiter_(plan.csv.delimiter),
      end_(end) {
  const auto size = static_cast<std::size_t>(end - begin);
  if (size <= kNumberReadAhead) return;
  newline_ = static_cast<const char*>(memrchr(begin, '\n', size - kNumberReadAhead));
}

const char* FastPath::decode(const char* at, MicroBatch& batch) const {
  // Compared as integers: the null pointer stands for "before everything".
  if (reinterpret_cast<std::uintptr_t>(at) >= reinterpret_cast<std::uintptr_t>(newline_))
    return nullptr;
  const char* const begin = at;
  const std::size_t row = batch.rows;
  batch.weights[row] = 1.0f;
  float* const numbers = batch.numeric_row(row);
  for (const Run& run : plan_.runs) {
    if (run.role == FieldRole::numeric) {
      at = decode_numbers(at, run.count, numbers + run.index);
    } else {
      at = decode_one(at, run.role, run.index, batch);
      if (at != nullptr) at = *at == delimiter_ ? at + 1 : nullptr;
    }
    if (at == nullptr) return nullptr;
  }
  at = decode_one(at, plan_.last_role, plan_.last_index, batch);
  if (at == nullptr) return nullptr;
  at += *at == '\r';
  const bool is_good =
      *at == '\n' && at - begin <= static_cast<std::ptrdiff_t>(limits::kLineBytesMax);
  return is_good ? at + 1 : nullptr;
}

// `count` numbers, each followed by the delimiter.
const char* FastPath::decode_numbers(const char* at, std::uint32_t count, float* out) const {
  const char delimiter = delimiter_;
  while (count != 0) {
    // Guessed by the branch predictor, so that the next field's place need not wait for the vector
    // path.
    if (at[1] == delimiter) {
      if (count >= 8) {
        const int digits = read_one_digit_fields(at, delimiter, out);
        at += 2 * digits;
        out += digits;
        count -= static_cast<std::uint32_t>(digits);
        if (digits != 0) continue;
      } else if (at[0] >= '0' && at[0] <= '9') {
        *out++ = static_cast<float>(at[0] - '0');
        at += 2;
        --count;
        continue;
      }
    }
    const char* behind = read_number(at, end_, *out);
    if (behind == nullptr || *behind != delimiter) [[unlikely]] {
      behind = decode_odd_number(at, *out);
      if (behind == nullptr || *behind != delimiter) return nullptr;
    }
    at = behind + 1;
    ++out;
    --count;
  }
  return at;
}

// One field of any role; returns where it ends, at the delimiter or the line's end.
const char* FastPath::decode_one(const char* at, FieldRole role, std::uint32_t index,
                                 MicroBatch& batch) const {
  const bool is_class = role == FieldRole::label && !plan_.is_regression;
  if (is_class || role == FieldRole::categorical || role == FieldRole::excluded) {
    return decode_text(at, role, index, batch);
  }
  float value;
  const char* behind = read_number(at, end_, value);
  if (behind == nullptr || (*behind != delimiter_ && *behind != '\n' && *behind != '\r')) {
    behind = decode_odd_number(at, value);
    if (behind == nullptr) return nullptr;
  }
  const std::size_t row = batch.rows;
  if (role == FieldRole::numeric) {
    batch.numeric_row(row)[index] = value;
    return behind;
  }
  // Labels and weights must be there, which NaN is not, and no weight is negative.
  if (role == FieldRole::weight ? !(value >= 0.0f) : value != value) return nullptr;
  (role == FieldRole::weight ? batch.weights : batch.labels)[row] = value;
  return behind;
}

// Missing values, blanks round a number, a plus sign.
const char* FastPath::decode_odd_number(const char* at, float& value) const {
  const char* behind = find_field_end(at);
  if (behind == nullptr) return nullptr;
  const auto text = field_text(at, behind);
  if (plan_.missing.contains(text)) {
    value = std::numeric_limits<float>::quiet_NaN();
  } else if (parse_number(text, value) != NumberState::number) {
    return nullptr;
  }
  return behind;
}

const char* FastPath::decode_text(const char* at, FieldRole role, std::uint32_t index,
                                  MicroBatch& batch) const {
  const char* behind = find_field_end(at);
  if (behind == nullptr) return nullptr;
  const std::size_t row = batch.rows;
  if (role != FieldRole::excluded) {
    const auto text = field_text(at, behind);
    const bool is_missing = plan_.missing.contains(text);
    if (role == FieldRole::categorical) {
      batch.category_row(row)[index] = is_missing ? Category{} : make_category(text);
    } else {
      const auto id = is_missing ? std::nullopt : classes_.find(text, dictionary_);
      if (!id) return nullptr;
      batch.labels[row] = *id;
    }
  }
  return behind;
}

// The delimiter or newline behind the field at `at`; null when the field is quoted.
const char* FastPath::find_field_end(const char* at) const {
  while (is_blank(*at) && *at != delimiter_) ++at;
  if (*at == '"') return nullptr;
  while (*at != delimiter_ && *at != '\n') ++at;
  return at;
}

std::string_view FastPath::field_text(const char* at, const char* end) {
  std::string_view text(at, static_cast<std::size_t>(end - at));
  if (*end == '\n' && !text.empty() && text.back() == '\r') text.remove_suffix(1);
  return trim_blanks(text);
}

}  // namespace millrace::csv
