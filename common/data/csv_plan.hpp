// What a CSV decoder needs to know of a schema, laid out for the decoder.
//
// Place: built once per CsvDecoder, read by its fast and its careful path. Holds the class ids of
// small integers, so that most labels need no lookup; ids never change, so the cache is only ever
// filled.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "common/config/job_spec.hpp"
#include "common/data/dictionary.hpp"
#include "common/data/field_values.hpp"
#include "common/data/micro_batch.hpp"
#include "common/data/schema.hpp"

namespace millrace::csv {

// Consecutive columns of one role with consecutive indexes.
struct Run {
  FieldRole role = FieldRole::excluded;
  std::uint32_t index = 0;
  std::uint32_t count = 0;
};

struct Plan {
  Plan(const Schema& schema, const CsvSpec& spec);

  CsvSpec csv;
  std::vector<Field> columns;
  std::vector<Run> runs;  // all columns but the last, which ends differently
  FieldRole last_role = FieldRole::excluded;
  std::uint32_t last_index = 0;
  MissingTexts missing;
  bool is_regression = false;
  bool classes_are_declared = false;
  bool classes_are_integers = false;  // every class at submit is: another text is no class
  std::string positive;               // normalised; empty: every class has its own id
};

enum class ClassState : std::uint8_t { known, pending, refused };

// Finds the id of a label's text. `refused` comes with a reason.
class ClassLookup {
 public:
  explicit ClassLookup(const Plan& plan);

  // The id as the batch stores it, or nothing when the text needs `resolve`.
  std::optional<float> find(std::string_view text, const Dictionary& dictionary);

  struct Resolution {
    ClassState state = ClassState::known;
    float id = 0.0f;
    std::string text;  // pending: the normalised class; refused: the reason
  };
  Resolution resolve(std::string_view text, const Dictionary& dictionary);

 private:
  static constexpr std::size_t kCached = 256;

  const Plan* plan_;
  std::array<float, kCached>
      small_;  // id of the class named by a small integer; negative: not known yet
};

}  // namespace millrace::csv
