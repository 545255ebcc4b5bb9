#include "worker/sources/kafka_source.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "common/base/limits.hpp"
#include "common/data/csv_decoder.hpp"
#include "common/kafka/kafka_client.hpp"
#include "common/kafka/kafka_partition.hpp"
#include "worker/sources/kafka_lines.hpp"

namespace millrace {
namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

// Of one take: enough to spread its cost, few enough that a block of 1 MiB holds nearly all.
constexpr std::size_t kMessagesPerTake = 1'024;
constexpr std::size_t kBlocksPerCall = 2;

class KafkaSource final : public RecordSource {
 public:
  KafkaSource(const SourceSpec& source, const Schema& schema, const SplitDescription& split,
              Offset from, const SlotSources& slot)
      : client_(slot.kafka),
        linger_(slot.linger),
        decoder_(schema, source.csv),
        lines_(source, schema.label().name),
        has_texts_(schema.categorical_count() != 0),
        keeps_letters_(source.kafka.dead_letter.has_value()),
        split_(split.id),
        end_(split.end),
        is_finished_(from >= split.end),
        position_(from),
        next_(from) {}

  // A split without records never asks the broker.
  Status start() {
    if (is_finished_) return {};
    MILLRACE_ASSIGN(partition_, client_->read(split_.value, position_));
    return {};
  }

  Result<FillOutcome> fill(MicroBatch& batch, const Dictionary& dictionary) override;
  bool wait(milliseconds timeout) override;
  Offset position() const override { return position_; }
  const DecodeCounters& counters() const override { return counters_; }
  std::uint64_t quarantined_so_far() const override {
    return counters_.quarantined + filling_.quarantined;
  }
  std::vector<QuarantineEntry> take_quarantine() override { return std::exchange(delivered_, {}); }
  std::vector<DeadLetter> take_dead_letters() override {
    return std::exchange(delivered_letters_, {});
  }
  std::vector<std::string> take_warnings() override { return client_->take_warnings(Clock::now()); }

 private:
  Status take_messages(milliseconds timeout);
  Result<bool> take_lines(MicroBatch& batch);
  FillOutcome decode_lines(MicroBatch& batch, const Dictionary& dictionary);
  CsvDecoder::Outcome decode_run(MicroBatch& batch, const Dictionary& dictionary);
  void quarantine_line();
  void step_over_line();
  void keep_letter(const QuarantineEntry& entry, std::size_t line);
  bool is_overdue() const;
  bool is_full_of_letters() const;
  FillOutcome deliver(FillState state);

  const std::shared_ptr<KafkaClient> client_;
  std::unique_ptr<KafkaPartition> partition_;
  const std::optional<milliseconds> linger_;
  CsvDecoder decoder_;
  std::span<const KafkaMessage> messages_;  // taken, and not in lines_ yet
  KafkaLines lines_;
  std::span<const KafkaMessage> in_lines_;  // the messages behind them, one each
  std::size_t line_ = 0;                    // of lines_, the next one
  const bool has_texts_;
  const bool keeps_letters_;
  const SplitId split_;
  const Offset end_;
  bool is_finished_;  // nothing follows lines_

  Offset position_;                         // of delivered batches
  Offset next_;                             // behind the last line that was dealt with
  std::optional<Clock::time_point> began_;  // when the first line of the batch came
  DecodeCounters counters_;
  DecodeCounters filling_;  // of the batch being filled
  std::vector<QuarantineEntry> delivered_;
  std::vector<QuarantineEntry> quarantined_;  // in the batch being filled
  std::vector<DeadLetter> delivered_letters_;
  std::vector<DeadLetter> letters_;  // likewise
  std::size_t letter_bytes_ = 0;     // of letters_
};

Result<FillOutcome> KafkaSource::fill(MicroBatch& batch, const Dictionary& dictionary) {
  batch.split = split_;
  for (std::size_t blocks = 0; blocks < kBlocksPerCall; ++blocks) {
    if (line_ == lines_.size()) {
      if (is_finished_) return deliver(FillState::end_of_split);
      MILLRACE_ASSIGN(const bool is_taken, take_lines(batch));
      if (!is_taken) {
        if (is_finished_) return deliver(FillState::end_of_split);
        if (is_overdue()) return deliver(FillState::batch_ready);
        return FillOutcome{FillState::again, true, {}};
      }
    }
    auto outcome = decode_lines(batch, dictionary);
    if (outcome.state != FillState::again) return outcome;
    if (is_full_of_letters()) return deliver(FillState::batch_ready);
  }
  if (is_overdue()) return deliver(FillState::batch_ready);
  return FillOutcome{FillState::again, false, {}};
}

bool KafkaSource::wait(milliseconds timeout) {
  if (line_ < lines_.size() || is_finished_ || !messages_.empty()) return true;
  // One message: the library waits until it has as many as it was asked for.
  messages_ = {};
  auto taken = partition_->take(1, timeout);
  if (!taken.is_ok()) return true;  // fill meets it again
  messages_ = taken.value();
  const auto reached = partition_->end_reached();
  return !messages_.empty() || (reached && *reached >= end_);
}

// False: there are none. The block before is done with.
Result<bool> KafkaSource::take_lines(MicroBatch& batch) {
  client_->poll();
  if (messages_.empty()) {
    MILLRACE_ASSIGN(messages_, partition_->take(kMessagesPerTake, milliseconds{0}));
  }
  if (!messages_.empty()) {
    if (has_texts_) decoder_.keep_texts(batch);
    lines_.clear();
    line_ = 0;
  }
  const auto taken = messages_;
  std::size_t used = 0;
  for (const auto& message : messages_) {
    if (message.offset >= end_) {
      is_finished_ = true;
      used = messages_.size();
      break;
    }
    if (!lines_.append(message)) break;
    ++used;
    is_finished_ = message.offset.next() >= end_;
  }
  lines_.finish();
  if (!taken.empty()) in_lines_ = taken.first(lines_.size());
  messages_ = messages_.subspan(used);
  if (messages_.empty() && !is_finished_) {
    const auto reached = partition_->end_reached();
    is_finished_ = reached && *reached >= end_;
    // Behind the last record there may be marks that are none.
    if (line_ == lines_.size() && reached) next_ = std::max(next_, *reached);
  }
  return line_ < lines_.size();
}

FillOutcome KafkaSource::decode_lines(MicroBatch& batch, const Dictionary& dictionary) {
  if (!began_) began_ = Clock::now();
  while (line_ < lines_.size()) {
    if (lines_[line_].is_refused) {
      quarantine_line();
      if (is_full_of_letters()) return deliver(FillState::batch_ready);
      continue;
    }
    auto outcome = decode_run(batch, dictionary);
    if (outcome.stop == CsvDecoder::Stop::pending_class)
      return {FillState::pending_class, false, std::move(outcome.pending_class)};
    if (outcome.stop == CsvDecoder::Stop::batch_full) return deliver(FillState::batch_ready);
  }
  return {FillState::again, false, {}};
}

// The decoder counts bytes of the block; records and entries get the offsets of their messages.
CsvDecoder::Outcome KafkaSource::decode_run(MicroBatch& batch, const Dictionary& dictionary) {
  const Offset begin(lines_[line_].begin);
  const std::size_t first_row = batch.rows, first_entry = quarantined_.size();
  auto outcome =
      decoder_.decode(lines_.run(line_), begin, false, dictionary, batch, filling_, quarantined_);
  std::size_t line = line_;
  const auto offset_of = [&](Offset in_block) {
    while (lines_[line].begin < in_block.value) ++line;
    return lines_[line].offset;
  };
  for (std::size_t row = first_row; row < batch.rows; ++row)
    batch.offsets[row] = offset_of(batch.offsets[row]);
  line = line_;
  for (std::size_t i = first_entry; i < quarantined_.size(); ++i) {
    quarantined_[i].offset = offset_of(quarantined_[i].offset);
    keep_letter(quarantined_[i], line);
  }
  const std::size_t reached = begin.value + outcome.consumed_bytes;
  while (line_ < lines_.size() && !lines_[line_].is_refused && lines_[line_].begin < reached)
    step_over_line();
  return outcome;
}

void KafkaSource::quarantine_line() {
  ++filling_.read;
  ++filling_.quarantined;
  if (keeps_letters_) {
    QuarantineEntry entry = lines_.why(line_);
    entry.split = split_;
    keep_letter(entry, line_);
  }
  if (quarantined_.size() < limits::kQuarantineEntriesKept) {
    quarantined_.push_back(lines_.why(line_));
    quarantined_.back().split = split_;
  }
  step_over_line();
}

void KafkaSource::step_over_line() {
  next_ = lines_[line_].offset.next();
  ++line_;
}

// Whole, as the broker had it: an entry keeps the beginning of the line alone.
void KafkaSource::keep_letter(const QuarantineEntry& entry, std::size_t line) {
  if (!keeps_letters_) return;
  const KafkaMessage& message = in_lines_[line];
  DeadLetter& letter = letters_.emplace_back();
  letter.entry = entry;
  if (message.key) letter.key = *message.key;
  if (message.value) letter.value = *message.value;
  letter_bytes_ += message.key.value_or("").size() + message.value.value_or("").size();
}

// Then the batch ends, which depends on nothing but the records. The decoder makes no entry beyond
// those that are kept, so there must be room for what one block holds.
bool KafkaSource::is_full_of_letters() const {
  static_assert(limits::kDeadLettersMax + KafkaLines::kLinesMax < limits::kQuarantineEntriesKept);
  return letters_.size() >= limits::kDeadLettersMax || letter_bytes_ >= limits::kDeadLetterBytesMax;
}

bool KafkaSource::is_overdue() const {
  return linger_ && began_ && Clock::now() - *began_ >= *linger_;
}

FillOutcome KafkaSource::deliver(FillState state) {
  if (state == FillState::end_of_split) next_ = std::max(next_, end_);
  position_ = next_;
  began_.reset();
  counters_ += std::exchange(filling_, {});
  for (auto& entry : quarantined_) {
    if (delivered_.size() < limits::kQuarantineEntriesKept) delivered_.push_back(std::move(entry));
  }
  quarantined_.clear();
  std::ranges::move(letters_, std::back_inserter(delivered_letters_));
  letters_.clear();
  letter_bytes_ = 0;
  return {state, false, {}};
}

}  // namespace

Result<std::unique_ptr<RecordSource>> open_kafka_source(const SourceSpec& source,
                                                        const Schema& schema,
                                                        const SplitDescription& split, Offset from,
                                                        SlotSources& slot) {
  if (slot.kafka == nullptr) {
    KafkaClientOptions options;
    options.partitions = slot.splits;
    MILLRACE_ASSIGN(slot.kafka, KafkaClient::open(source.kafka, slot.secrets, options));
  }
  auto opened = std::make_unique<KafkaSource>(source, schema, split, from, slot);
  MILLRACE_TRY(opened->start());
  return std::unique_ptr<RecordSource>(std::move(opened));
}

}  // namespace millrace
