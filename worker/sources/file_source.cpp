// A RecordSource over a file split: a SplitReader's blocks through a CsvDecoder.
#include <cstring>
#include <optional>

#include "common/base/limits.hpp"
#include "common/data/csv_decoder.hpp"
#include "worker/sources/generator_source.hpp"
#include "worker/sources/kafka_source.hpp"
#include "worker/sources/record_source.hpp"
#include "worker/sources/split_reader.hpp"
#include "worker/sources/zeromq_source.hpp"

namespace millrace {
namespace {

constexpr std::size_t kBlocksPerCall = 8;

class FileSource final : public RecordSource {
 public:
  FileSource(const SourceSpec& source, const Schema& schema, SplitId split, Offset from,
             std::unique_ptr<SplitReader> reader)
      : reader_(std::move(reader)),
        decoder_(schema, source.csv),
        has_texts_(schema.categorical_count() != 0),
        split_(split),
        position_(from),
        next_(from) {}

  Result<FillOutcome> fill(MicroBatch& batch, const Dictionary& dictionary) override;
  bool wait(std::chrono::milliseconds timeout) override {
    return needs_block_ ? reader_->wait(timeout) : true;
  }
  Offset position() const override { return position_; }
  const DecodeCounters& counters() const override { return counters_; }
  std::uint64_t quarantined_so_far() const override {
    return counters_.quarantined + filling_.quarantined;
  }
  std::vector<QuarantineEntry> take_quarantine() override { return std::exchange(delivered_, {}); }

 private:
  Result<bool> take_block(MicroBatch& batch);
  void join(Block next);
  FillOutcome deliver(FillState state);

  std::unique_ptr<SplitReader> reader_;
  CsvDecoder decoder_;
  const bool has_texts_;
  const SplitId split_;
  std::optional<Block> block_;  // its view is what is not decoded yet
  bool needs_block_ = true;     // the view holds less than a record
  bool is_finished_ = false;

  Offset position_;  // of delivered batches
  Offset next_;      // where the view begins
  DecodeCounters counters_;
  DecodeCounters filling_;  // of the batch being filled
  std::vector<QuarantineEntry> delivered_;
  std::vector<QuarantineEntry> quarantined_;  // in the batch being filled
};

Result<FillOutcome> FileSource::fill(MicroBatch& batch, const Dictionary& dictionary) {
  batch.split = split_;
  if (is_finished_) return deliver(FillState::end_of_split);
  for (std::size_t blocks = 0; blocks < kBlocksPerCall;) {
    if (needs_block_) {
      MILLRACE_ASSIGN(const bool is_taken, take_block(batch));
      if (!is_taken) return FillOutcome{FillState::again, true, {}};
      ++blocks;
    }
    auto outcome = decoder_.decode(block_->view(), next_, block_->is_last, dictionary, batch,
                                   filling_, quarantined_);
    block_->begin += outcome.consumed_bytes;
    next_.value += outcome.consumed_bytes;
    switch (outcome.stop) {
      case CsvDecoder::Stop::batch_full:
        return deliver(FillState::batch_ready);
      case CsvDecoder::Stop::pending_class:
        return FillOutcome{FillState::pending_class, false, std::move(outcome.pending_class)};
      case CsvDecoder::Stop::need_more_bytes:
        break;
    }
    is_finished_ = block_->is_last;
    if (is_finished_) return deliver(FillState::end_of_split);
    needs_block_ = true;
  }
  return FillOutcome{FillState::again, false, {}};
}

// False: none is ready.
Result<bool> FileSource::take_block(MicroBatch& batch) {
  auto next = reader_->try_next();
  if (!next.is_ok()) return next.status();
  if (!next.value()) return false;
  // The block before goes, and with it what the batch's texts point into.
  if (has_texts_) decoder_.keep_texts(batch);
  if (block_) {
    join(std::move(*next.value()));
  } else {
    block_ = std::move(*next.value());
  }
  needs_block_ = false;
  return true;
}

// Puts what is left of the block before in front of `next`: nearly always into its head-room.
void FileSource::join(Block next) {
  const ByteView rest = block_->view();
  if (rest.size() <= next.begin) {
    next.begin -= rest.size();
    if (!rest.empty()) std::memcpy(next.storage.get() + next.begin, rest.data(), rest.size());
    if (!block_->is_joined) reader_->recycle(std::move(*block_));
    block_ = std::move(next);
    return;
  }
  Block joined;
  joined.end = rest.size() + next.view().size();
  joined.storage = std::make_unique_for_overwrite<std::byte[]>(joined.end);
  joined.is_last = next.is_last;
  joined.is_joined = true;
  std::memcpy(joined.storage.get(), rest.data(), rest.size());
  if (!next.view().empty())
    std::memcpy(joined.storage.get() + rest.size(), next.view().data(), next.view().size());
  reader_->recycle(std::move(next));
  block_ = std::move(joined);
}

FillOutcome FileSource::deliver(FillState state) {
  position_ = decoder_.resume_offset(next_);
  counters_ += std::exchange(filling_, {});
  for (auto& entry : quarantined_) {
    if (delivered_.size() < limits::kQuarantineEntriesKept) delivered_.push_back(std::move(entry));
  }
  quarantined_.clear();
  return {state, false, {}};
}

}  // namespace

bool are_read_in_turn(const SourceSpec& source) {
  return source.kind == SourceKind::kafka || source.kind == SourceKind::zeromq;
}

Result<std::unique_ptr<RecordSource>> open_record_source(const SourceSpec& source,
                                                         const Schema& schema,
                                                         const SplitDescription& split, Offset from,
                                                         std::uint64_t seed, SlotSources& slot) {
  if (source.kind == SourceKind::generator)
    return open_generator_source(source.generator, schema, split, from, seed);
  if (source.kind == SourceKind::kafka) return open_kafka_source(source, schema, split, from, slot);
  if (source.kind == SourceKind::zeromq)
    return open_zeromq_source(source, schema, split, from, slot);
  MILLRACE_ASSIGN(auto reader, SplitReader::open(split, from));
  return std::unique_ptr<RecordSource>(
      std::make_unique<FileSource>(source, schema, split.id, from, std::move(reader)));
}

Result<std::unique_ptr<RecordSource>> open_record_source(const SourceSpec& source,
                                                         const Schema& schema,
                                                         const SplitDescription& split, Offset from,
                                                         std::uint64_t seed) {
  SlotSources slot;
  return open_record_source(source, schema, split, from, seed, slot);
}

}  // namespace millrace
