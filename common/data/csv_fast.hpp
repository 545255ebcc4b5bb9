// The decoder's fast path: one pass over a regular line, straight into the batch.
//
// It returns null for whatever it does not take (quotes, broken values, unknown classes, blank or
// overlong lines), and the careful path decodes the line again from its start. It takes only lines
// that end at least csv::kNumberReadAhead bytes before the block does, so words may be loaded
// without looking.
#pragma once

#include "common/data/csv_plan.hpp"
#include "common/data/micro_batch.hpp"

namespace millrace::csv {

class FastPath {
 public:
  FastPath(const Plan& plan, ClassLookup& classes, const Dictionary& dictionary, const char* begin,
           const char* end);

  // Decodes the line at `at` into row batch.rows and returns where the next one begins.
  const char* decode(const char* at, MicroBatch& batch) const;

 private:
  const char* decode_numbers(const char* at, std::uint32_t count, float* out) const;
  const char* decode_one(const char* at, FieldRole role, std::uint32_t index,
                         MicroBatch& batch) const;
  const char* decode_odd_number(const char* at, float& value) const;
  const char* decode_text(const char* at, FieldRole role, std::uint32_t index,
                          MicroBatch& batch) const;
  const char* find_field_end(const char* at) const;
  // The text of a field that ends at `end`, without blanks and the carriage return of a last
  // column.
  static std::string_view field_text(const char* at, const char* end);

  const Plan& plan_;
  ClassLookup& classes_;
  const Dictionary& dictionary_;
  char delimiter_;
  const char* newline_ = nullptr;  // the last one far enough from the end; null: no line is taken
  const char* end_;
};

}  // namespace millrace::csv
