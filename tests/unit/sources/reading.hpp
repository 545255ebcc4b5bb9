// What the source tests share: gzip files, and reading a split to its end as a trainer would.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "common/data/schema_inference.hpp"
#include "worker/sources/record_source.hpp"

namespace millrace::test {

// `members` gzip members that decompress to `text`.
std::string gzip(const std::string& text, std::size_t members = 1);

// A file source with a header, and the schema `a` numeric, `b` text, `y` regression label.
SourceSpec file_spec(const std::string& path, bool header = true);
Schema abc_schema();

struct ReadBack {
  std::vector<std::uint64_t> offsets;
  std::vector<float> numbers, labels;
  std::vector<std::string> texts;
  std::vector<std::size_t> batches;  // their sizes
  std::vector<Offset> positions;     // after each batch
  std::vector<QuarantineEntry> quarantine;
  DecodeCounters counters;
  Status failure;  // ok unless reading failed
};

// From `from` to the end of the split, in batches of `capacity`; `stop_after` batches at most.
ReadBack read_split(const SourceSpec& source, const Schema& schema, const SplitDescription& split,
                    Offset from, std::size_t capacity, std::size_t stop_after = ~std::size_t{0});
// All splits, one after the other.
ReadBack read_splits(const SourceSpec& source, const Schema& schema,
                     const std::vector<SplitDescription>& splits, std::size_t capacity);

}  // namespace millrace::test
