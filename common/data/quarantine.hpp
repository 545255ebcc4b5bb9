// What is kept of a record that could not be decoded, and the counts every source keeps.
//
// Place: written by decoders, carried by the trainer to the job's quarantine, shown by the
// summary. Invariant: read = records + quarantined + skipped, after every call.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "common/base/ids.hpp"

namespace millrace {

struct QuarantineEntry {
  SplitId split;
  Offset offset;       // where the record begins
  std::string column;  // name of the bad field; empty when the whole record is meant
  std::string reason;  // for people: "'abc' is not a number"
  std::string record;  // its first limits::kRetainedRecordBytes bytes
};

// A message that went to quarantine, whole, for who writes it to another topic.
struct DeadLetter {
  QuarantineEntry entry;
  std::optional<std::string> key;    // nothing: null
  std::optional<std::string> value;  // likewise
};

struct DecodeCounters {
  std::uint64_t read = 0;
  std::uint64_t records = 0;
  std::uint64_t quarantined = 0;
  std::uint64_t skipped = 0;  // blank lines

  DecodeCounters& operator+=(const DecodeCounters& other) {
    read += other.read;
    records += other.records;
    quarantined += other.quarantined;
    skipped += other.skipped;
    return *this;
  }
  friend bool operator==(const DecodeCounters&, const DecodeCounters&) = default;
};

}  // namespace millrace
