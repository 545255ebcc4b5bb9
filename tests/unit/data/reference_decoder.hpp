// A slow, plain CSV decoder that the fast one is held against: byte by byte, strings, strtof.
//
// It knows whole inputs only, a newline ends every record, classes are declared.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/config/job_spec.hpp"
#include "common/data/quarantine.hpp"
#include "common/data/schema.hpp"

namespace millrace::test {

struct ReferenceRecord {
  std::uint64_t offset = 0;
  std::vector<float> numbers;
  std::vector<std::string> texts;  // "\x01" marks a missing one
  float label = 0.0f;
  float weight = 1.0f;
};

struct ReferenceOutcome {
  std::vector<ReferenceRecord> records;
  DecodeCounters counters;
  std::vector<std::uint64_t> quarantined;  // offsets
};

ReferenceOutcome decode_reference(const std::string& text, const Schema& schema, char delimiter);

}  // namespace millrace::test
