#include "worker/sources/kafka_lines.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "common/base/limits.hpp"
#include "common/config/kafka_columns.hpp"

namespace millrace {
namespace {

// Behind a run: more than the decoder reads beyond a line.
constexpr std::size_t kPadding = 64;

bool has_line_break(std::string_view text) {
  return text.find('\n') != text.npos;
}

bool needs_quotes(std::string_view text, char delimiter) {
  if (text.empty()) return false;
  const auto is_blank = [](char c) { return c == ' ' || c == '\t'; };
  return is_blank(text.front()) || is_blank(text.back()) ||
         std::ranges::any_of(text, [&](char c) { return c == delimiter || c == '"' || c == '\r'; });
}

}  // namespace

KafkaLines::KafkaLines(const SourceSpec& source, const std::string& label)
    : kafka_(source.kafka),
      key_column_(kafka_key_column(source.kafka, label)),
      delimiter_(source.csv.delimiter) {
  block_.reserve(kBlockBytes + kBlockBytes / 8);
}

void KafkaLines::clear() {
  block_.clear();
  lines_.clear();
  refusals_.clear();
  is_run_open_ = false;
}

bool KafkaLines::append(const KafkaMessage& message) {
  if (block_.size() >= kBlockBytes || lines_.size() >= kLinesMax) return false;
  const std::size_t begin = block_.size();
  lines_.push_back({message.offset, begin, false, 0});
  if (append_value(message)) {
    block_ += '\n';
    is_run_open_ = true;
  }
  return true;
}

// False: the message is no line, and says why.
bool KafkaLines::append_value(const KafkaMessage& message) {
  const std::size_t begin = lines_.back().begin;
  if (!message.value) {
    refuse(message, "", "the value is null (a tombstone)");
    return false;
  }
  std::string_view value = *message.value;
  if (value.ends_with('\n')) value.remove_suffix(1);
  if (value.ends_with('\r')) value.remove_suffix(1);
  if (value.size() > limits::kLineBytesMax) {
    refuse(message, "", "record is longer than 1 MiB");
    return false;
  }
  if (has_line_break(value)) {
    refuse(message, "", "the value holds a line break: one message is one record");
    return false;
  }
  const bool holds_label = kafka_.label_from == KafkaPart::key;
  if (holds_label && !message.key) {
    refuse(message, key_column_, "the key, which holds the label, is null");
    return false;
  }
  bad_column_.clear();
  block_ += value;
  if (!key_column_.empty()) append_field(message.key.value_or(""), key_column_);
  if (kafka_.timestamp_field) {
    std::array<char, 24> digits;
    char* end = digits.data();
    if (message.timestamp_ms)
      end = std::to_chars(end, end + digits.size(), *message.timestamp_ms).ptr;
    append_field({digits.data(), static_cast<std::size_t>(end - digits.data())},
                 *kafka_.timestamp_field);
  }
  for (const auto& name : kafka_.header_fields)
    append_field(message.header(name).value_or(""), name);
  const std::size_t size = block_.size() - begin;
  if (bad_column_.empty() && size <= limits::kLineBytesMax) return true;
  block_.resize(begin);
  if (bad_column_.empty()) {
    refuse(message, "", "record is longer than 1 MiB");
  } else {
    refuse(message, bad_column_, "the field holds a line break");
  }
  return false;
}

void KafkaLines::append_field(std::string_view text, const std::string& column) {
  block_ += delimiter_;
  if (has_line_break(text)) {
    if (bad_column_.empty()) bad_column_ = column;
  } else if (!needs_quotes(text, delimiter_)) {
    block_ += text;
  } else {
    block_ += '"';
    for (const char c : text) {
      if (c == '"') block_ += '"';
      block_ += c;
    }
    block_ += '"';
  }
}

void KafkaLines::refuse(const KafkaMessage& message, std::string column, std::string reason) {
  close_run();
  auto& line = lines_.back();
  line.begin = block_.size();
  line.is_refused = true;
  line.refusal = refusals_.size();
  // What there is to recognise it by.
  const auto shown = message.value ? *message.value : message.key.value_or("");
  refusals_.push_back({{},
                       message.offset,
                       std::move(column),
                       std::move(reason),
                       std::string(shown.substr(0, limits::kRetainedRecordBytes))});
}

void KafkaLines::close_run() {
  if (std::exchange(is_run_open_, false)) block_.append(kPadding, ' ');
}

ByteView KafkaLines::run(std::size_t line) const {
  const std::size_t begin = lines_[line].begin;
  std::size_t next = line;
  while (next < lines_.size() && !lines_[next].is_refused) ++next;
  const std::size_t end = next < lines_.size() ? lines_[next].begin : block_.size();
  return as_bytes(std::string_view(block_).substr(begin, end - begin));
}

std::string KafkaLines::text() const {
  std::string text;
  for (std::size_t i = 0; i < lines_.size(); ++i) {
    if (lines_[i].is_refused) continue;
    const auto end = block_.find('\n', lines_[i].begin);
    text.append(block_, lines_[i].begin, end + 1 - lines_[i].begin);
  }
  return text;
}

}  // namespace millrace
