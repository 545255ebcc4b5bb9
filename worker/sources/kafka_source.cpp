#include "worker/sources/kafka_source.hpp"

#include <algorithm>
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
  std::vector<std::string> take_warnings() override { return client_->take_warnings(Clock::now()); }

 private:
  Status take_messages(milliseconds timeout);
  Result<bool> take_lines(MicroBatch& batch);
  FillOutcome decode_lines(MicroBatch& batch, const Dictionary& dictionary);
  CsvDecoder::Outcome decode_run(MicroBatch& batch, const Dictionary& dictionary);
  void quarantine_line();
  void step_over_line();
  bool is_overdue() const;
  FillOutcome deliver(FillState state);

  const std::shared_ptr<KafkaClient> client_;
  std::unique_ptr<KafkaPartition> partition_;
  const std::optional<milliseconds> linger_;
  CsvDecoder decoder_;
  std::span<const KafkaMessage> messages_;  // taken, and not in lines_ yet
  KafkaLines lines_;
  std::size_t line_ = 0;  // of lines_, the next one
  const bool has_texts_;
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
  for (std::size_t i = first_entry; i < quarantined_.size(); ++i)
    quarantined_[i].offset = offset_of(quarantined_[i].offset);
  const std::size_t reached = begin.value + outcome.consumed_bytes;
  while (line_ < lines_.size() && !lines_[line_].is_refused && lines_[line_].begin < reached)
    step_over_line();
  return outcome;
}

void KafkaSource::quarantine_line() {
  ++filling_.read;
  ++filling_.quarantined;
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
