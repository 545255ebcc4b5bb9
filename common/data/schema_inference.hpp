// Infers what the columns of a stream mean from the job's declarations and the first records.
//
// Place: called once at submit, before cut 0 freezes the result. Pure: the caller reads the bytes.
//
// Rules. Header: the first line, when it names the label or none of its fields is a number;
// otherwise columns are c1, c2, ... A column is numeric when at least 90 % of its present values
// are numbers (the others will be quarantined), else categorical. The label: `schema.task` and
// `schema.classes` first; texts are classes, integers with at most limits::kClassesInferredMax
// distinct values are classes, the rest is regression. Classes are in ascending order when all are
// integers, else in order of first appearance. Room to grow: one or two classes seen make a binary
// label of two places; three or more reserve the power of two that is at least twice what was seen,
// at least 8 for integers and 32 for texts; `schema.max_classes` overrides.
#pragma once

#include <string>
#include <vector>

#include "common/base/bytes.hpp"
#include "common/config/job_spec.hpp"
#include "common/data/schema.hpp"

namespace millrace {

struct InferredSchema {
  Schema schema;
  CsvSpec csv;              // as given, with `header` decided
  std::size_t records = 0;  // inferred from so many records
  std::vector<std::string>
      evidence;  // one line per decision that is not a field's: task, header, classes
  std::vector<std::string> warnings;  // where the inference looks wrong, for people
};

// `head` holds the first bytes of the first file; at most limits::kInferenceRecords records of it
// are used. `is_whole` says that the stream ends with it, so that a last line without newline
// counts.
Result<InferredSchema> infer_schema(const SchemaSpec& spec, const SourceSpec& source, ByteView head,
                                    bool is_whole);

// The schema of a generator: f1, f2, f3 and the label `label` of classes 0 and 1.
Result<InferredSchema> generator_schema(const SchemaSpec& spec, const SourceSpec& source);

// The names in the first line of a CSV (quotes and blanks removed).
std::vector<std::string> header_names(std::string_view line, const CsvSpec& spec);

}  // namespace millrace
