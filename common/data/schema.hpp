// What the columns of a stream mean, frozen in the first checkpoint of a job.
//
// Place: made once by inference (schema_inference.hpp) from the job's declarations and the first
// records; read by the decoder, the pipeline, the model servers. Immutable afterwards: what grows
// is the Dictionary.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/base/bytes.hpp"
#include "common/config/job_spec.hpp"

namespace millrace {

enum class FieldRole : std::uint8_t { numeric, categorical, label, weight, excluded };

struct Field {
  std::string name;
  FieldRole role = FieldRole::numeric;
  // Position among the fields of the same role: the column of MicroBatch::numeric or ::categories.
  std::uint32_t index = 0;
  // numeric: mean of the first records, the pivot of all shifted sums; 0 when none was present.
  double pivot = 0.0;
  // Why it was given this role, for people: "10,000 of 10,000 values are numbers".
  std::string evidence;
};

struct Schema {
  Task task = Task::regression;
  std::vector<Field> fields;         // in column order
  std::vector<std::string> missing;  // texts that mean "no value"
  std::vector<std::string>
      classes;  // dictionary of the label at cut 0, in order of id; empty for regression
  bool classes_are_declared = false;  // then an unseen class is quarantined instead of added
  std::uint32_t max_classes = 0;      // width of the label head; binary has 2
  std::string positive;               // when not empty: "this class against the rest", id 1
  // Per categorical field, the values seen at submit, in order of id.
  std::vector<std::vector<std::string>> categories;

  std::uint32_t numeric_count() const;
  std::uint32_t categorical_count() const;
  // Null when there is no such field.
  const Field* find(const std::string& name) const;
  const Field& label() const;

  void encode(ByteWriter& writer) const;
  static Result<Schema> decode(ByteReader& reader);
};

}  // namespace millrace
