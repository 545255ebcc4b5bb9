// Messages of a topic as lines of CSV in one block, so that the decoder takes many at once.
//
// Place: between a KafkaPartition and the decoder, in a KafkaSource and where the schema is
// inferred. A line is the message's value, and behind it what the job wants of key, timestamp and
// headers as further columns. What cannot be a line stands in its place with the reason.
//
// Invariant: one message, one line: a line break within a value never becomes a second record.
#pragma once

#include <string>
#include <vector>

#include "common/base/bytes.hpp"
#include "common/config/job_spec.hpp"
#include "common/data/quarantine.hpp"
#include "common/kafka/kafka_partition.hpp"

namespace millrace {

struct KafkaLine {
  Offset offset;          // of the message
  std::size_t begin = 0;  // of the line in the block
  bool is_refused = false;
  std::size_t refusal = 0;  // index of the reason
};

class KafkaLines {
 public:
  // A block is full with about so many bytes, or so many lines.
  static constexpr std::size_t kBlockBytes = std::size_t{1} << 20;
  static constexpr std::size_t kLinesMax = 4'096;

  KafkaLines(const SourceSpec& source, const std::string& label);

  void clear();
  // False when the block is full; then the message is not in it.
  bool append(const KafkaMessage& message);
  // After the last append: only now lines may be read.
  void finish() { close_run(); }

  std::size_t size() const { return lines_.size(); }
  const KafkaLine& operator[](std::size_t line) const { return lines_[line]; }
  // From this line, which is not refused, to the end or before the next refused one; and behind it
  // bytes without a newline, which let the decoder read ahead.
  ByteView run(std::size_t line) const;
  // Column, reason and record of a refused line; the rest is the caller's to fill in.
  const QuarantineEntry& why(std::size_t line) const { return refusals_[lines_[line].refusal]; }
  // All lines that are not refused, each with its newline.
  std::string text() const;

 private:
  void append_field(std::string_view text, const std::string& column);
  void refuse(const KafkaMessage& message, std::string column, std::string reason);
  bool append_value(const KafkaMessage& message);
  void close_run();

  const KafkaSpec kafka_;
  const std::string key_column_;  // empty: the key is no column
  const char delimiter_;
  std::string block_;
  std::vector<KafkaLine> lines_;
  std::vector<QuarantineEntry> refusals_;
  bool is_run_open_ = false;
  std::string bad_column_;  // of the line being made, whose field holds a line break
};

}  // namespace millrace
