#include "common/data/csv_decoder.hpp"

#include <cmath>
#include <cstring>
#include <limits>
#include <optional>

#include "common/base/limits.hpp"
#include "common/data/csv_fast.hpp"
#include "common/data/csv_line.hpp"
#include "common/data/csv_plan.hpp"

namespace millrace {
namespace {

using csv::ClassState;

// An overlong line of which the end has not come yet.
struct Discard {
  Offset offset;
  std::string record;
};

std::string describe(LineState state) {
  switch (state) {
    case LineState::overlong:
      return "record is longer than 1 MiB; is a newline missing?";
    case LineState::unbalanced_quote:
      return "quote is not closed";
    case LineState::text_after_quote:
      return "text follows a closing quote";
    default:
      return {};
  }
}

bool is_blank_line(std::string_view content) {
  return trim_blanks(content).empty();
}

}  // namespace

struct CsvDecoder::State {
  State(const Schema& schema, const CsvSpec& spec) : plan(schema, spec), classes(plan) {}

  // One call's arguments, for the functions below.
  struct Call {
    const Dictionary& dictionary;
    MicroBatch& batch;
    DecodeCounters& counters;
    std::vector<QuarantineEntry>& quarantine;
    const char* begin;
    Offset begin_offset;
    Offset offset_of(const char* at) const {
      return Offset(begin_offset.value + static_cast<std::uint64_t>(at - begin));
    }
  };

  csv::Plan plan;
  csv::ClassLookup classes;
  TextArena arena;
  std::size_t kept_rows = 0;  // of the batch, whose texts are in the arena already
  CsvLine line;
  std::optional<Discard> discard;
  std::string pending;

  struct Refusal {
    std::string column;
    std::string reason;
  };

  const char* finish_discard(Call& call, const char* from, const char* end, bool is_last);
  std::optional<Stop> decode_careful(Call& call, const char*& at, const char* end, bool is_last);
  std::optional<Refusal> decode_fields(Call& call);
  std::optional<Refusal> decode_field(Call& call, const Field& field, std::string_view text);
  std::optional<Refusal> decode_label(Call& call, const Field& field, std::string_view text);
  void refuse(Call& call, Offset offset, std::string_view record, Refusal why);
};

// Looks for the end of the overlong line from `from` on. Returns where the next record begins;
// `end` when the line goes on, and then it stays being discarded.
const char* CsvDecoder::State::finish_discard(Call& call, const char* from, const char* end,
                                              bool is_last) {
  const auto size = static_cast<std::size_t>(end - from);
  const auto* newline = static_cast<const char*>(std::memchr(from, '\n', size));
  if (newline == nullptr && !is_last) return end;
  refuse(call, discard->offset, discard->record, {"", describe(LineState::overlong)});
  discard.reset();
  return newline == nullptr ? end : newline + 1;
}

// Decodes one record with every rule. Nothing: it is dealt with and `at` is behind it.
std::optional<CsvDecoder::Stop> CsvDecoder::State::decode_careful(Call& call, const char*& at,
                                                                  const char* end, bool is_last) {
  if (at == end) return Stop::need_more_bytes;
  split_line(at, end, is_last, plan.csv, arena, line);
  if (line.state == LineState::incomplete) return Stop::need_more_bytes;
  const Offset offset = call.offset_of(at);
  if (line.next == nullptr) {
    discard = Discard{offset, std::string(line.content.substr(0, limits::kRetainedRecordBytes))};
    at = finish_discard(call, at, end, is_last);
    return discard ? std::optional(Stop::need_more_bytes) : std::nullopt;
  }
  if (line.state != LineState::complete) {
    refuse(call, offset, line.content, {"", describe(line.state)});
  } else if (is_blank_line(line.content)) {
    ++call.counters.read;
    ++call.counters.skipped;
  } else if (auto refusal = decode_fields(call)) {
    refuse(call, offset, line.content, std::move(*refusal));
  } else if (!pending.empty()) {
    return Stop::pending_class;
  } else {
    call.batch.offsets[call.batch.rows++] = offset;
    ++call.counters.read;
    ++call.counters.records;
  }
  at = line.next;
  return std::nullopt;
}

std::optional<CsvDecoder::State::Refusal> CsvDecoder::State::decode_fields(Call& call) {
  const auto& fields = line.fields;
  if (fields.size() != plan.columns.size()) {
    return Refusal{"", "record has " + std::to_string(fields.size()) + " columns, expected " +
                           std::to_string(plan.columns.size())};
  }
  call.batch.weights[call.batch.rows] = 1.0f;
  std::size_t label = fields.size();
  for (std::size_t i = 0; i < fields.size(); ++i) {
    if (plan.columns[i].role == FieldRole::label) {
      label = i;
    } else if (auto refusal = decode_field(call, plan.columns[i], fields[i])) {
      return refusal;
    }
  }
  // Last, so that a record that is broken elsewhere brings no new class.
  if (label == fields.size()) return std::nullopt;
  return decode_label(call, plan.columns[label], fields[label]);
}

std::optional<CsvDecoder::State::Refusal> CsvDecoder::State::decode_field(Call& call,
                                                                          const Field& field,
                                                                          std::string_view text) {
  const std::size_t row = call.batch.rows;
  const bool is_missing = plan.missing.contains(text);
  if (field.role == FieldRole::categorical) {
    call.batch.category_row(row)[field.index] = is_missing ? Category{} : make_category(text);
    return std::nullopt;
  }
  if (field.role == FieldRole::excluded) return std::nullopt;
  float value = std::numeric_limits<float>::quiet_NaN();
  if (!is_missing) {
    const auto state = parse_number(text, value);
    if (state != NumberState::number)
      return Refusal{field.name, describe_number_error(state, text)};
  }
  if (field.role == FieldRole::numeric) {
    call.batch.numeric_row(row)[field.index] = value;
    return std::nullopt;
  }
  if (is_missing) return Refusal{field.name, "weight is missing"};
  if (value < 0.0f)
    return Refusal{field.name, "weight " + quote_for_message(text) + " is negative"};
  call.batch.weights[row] = value;
  return std::nullopt;
}

std::optional<CsvDecoder::State::Refusal> CsvDecoder::State::decode_label(Call& call,
                                                                          const Field& field,
                                                                          std::string_view text) {
  if (plan.missing.contains(text)) return Refusal{field.name, "label is missing"};
  float& label = call.batch.labels[call.batch.rows];
  if (plan.is_regression) {
    const auto state = parse_number(text, label);
    if (state == NumberState::number) return std::nullopt;
    return Refusal{field.name, describe_number_error(state, text)};
  }
  auto resolved = classes.resolve(text, call.dictionary);
  if (resolved.state == ClassState::refused) return Refusal{field.name, std::move(resolved.text)};
  if (resolved.state == ClassState::pending) pending = std::move(resolved.text);
  label = resolved.id;
  return std::nullopt;
}

void CsvDecoder::State::refuse(Call& call, Offset offset, std::string_view record, Refusal why) {
  ++call.counters.read;
  ++call.counters.quarantined;
  if (call.quarantine.size() >= limits::kQuarantineEntriesKept) return;
  call.quarantine.push_back({call.batch.split, offset, std::move(why.column), std::move(why.reason),
                             std::string(record.substr(0, limits::kRetainedRecordBytes))});
}

CsvDecoder::CsvDecoder(const Schema& schema, const CsvSpec& spec)
    : state_(std::make_unique<State>(schema, spec)) {}
CsvDecoder::~CsvDecoder() = default;
CsvDecoder::CsvDecoder(CsvDecoder&&) noexcept = default;
CsvDecoder& CsvDecoder::operator=(CsvDecoder&&) noexcept = default;

CsvDecoder::Outcome CsvDecoder::decode(ByteView block, Offset block_offset, bool is_last_block,
                                       const Dictionary& dictionary, MicroBatch& batch,
                                       DecodeCounters& counters,
                                       std::vector<QuarantineEntry>& quarantine) {
  State& state = *state_;
  const char* begin = as_text(block).data();
  const char* end = begin + block.size();
  State::Call call{dictionary, batch, counters, quarantine, begin, block_offset};
  if (batch.rows == 0) {
    state.arena.clear();
    state.kept_rows = 0;
  }
  const char* at = state.discard ? state.finish_discard(call, begin, end, is_last_block) : begin;
  std::optional<Stop> stop;
  if (state.discard) stop = Stop::need_more_bytes;

  const csv::FastPath fast(state.plan, state.classes, dictionary, begin, end);
  while (!stop) {
    if (batch.rows == batch.capacity) {
      stop = Stop::batch_full;
    } else if (const char* next = fast.decode(at, batch)) {
      batch.offsets[batch.rows++] = call.offset_of(at);
      ++counters.read;
      ++counters.records;
      at = next;
    } else {
      stop = state.decode_careful(call, at, end, is_last_block);
    }
  }
  Outcome outcome{static_cast<std::size_t>(at - begin), *stop, {}};
  outcome.pending_class.swap(state.pending);
  return outcome;
}

Offset CsvDecoder::resume_offset(Offset consumed) const {
  return state_->discard ? state_->discard->offset : consumed;
}

void CsvDecoder::keep_texts(MicroBatch& batch) {
  const std::size_t columns = batch.categorical_columns;
  for (std::size_t i = state_->kept_rows * columns; i < batch.rows * columns; ++i) {
    auto& category = batch.categories[i];
    if (!category.is_missing()) category.text = state_->arena.copy(category.text);
  }
  state_->kept_rows = batch.rows;
}

}  // namespace millrace
