// What the decoder tests share: a schema from a line, and a caller's loop that feeds blocks of any
// size.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "common/data/csv_decoder.hpp"

namespace millrace::test {

// One letter per column: n numeric, c categorical, l label, w weight, x excluded. Classes are
// declared when given.
Schema make_schema(const std::string& roles, Task task, std::vector<std::string> classes = {});

struct Decoded {
  struct Record {
    std::uint64_t offset;
    std::vector<float> numbers;
    std::vector<std::string> texts;  // "\x01" marks a missing one
    float label;
    float weight;
  };
  std::vector<Record> records;
  DecodeCounters counters;
  std::vector<QuarantineEntry> quarantine;
};

struct Feeding {
  std::size_t batch_capacity = 64;
  // Size of the next block handed over, at least 1; 0: everything at once.
  std::function<std::size_t()> block_bytes = [] { return std::size_t{0}; };
};

// Decodes all of `text` as a source would, in blocks; new classes are appended to `dictionary`.
Decoded decode_all(const std::string& text, const Schema& schema, const CsvSpec& spec,
                   Dictionary& dictionary, const Feeding& feeding = {});
Decoded decode_all(const std::string& text, const Schema& schema, const CsvSpec& spec = {},
                   const Feeding& feeding = {});

}  // namespace millrace::test
