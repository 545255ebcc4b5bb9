#include "worker/sources/generator_source.hpp"

#include <algorithm>

#include "common/base/random.hpp"

namespace millrace {
namespace {

// In the order of Street and Kim's four concepts.
constexpr std::array<double, 4> kThresholds = {8.0, 9.0, 7.0, 9.5};
// Tells the generator's draws from others that are keyed by the job's seed.
constexpr std::uint64_t kPurpose = 0x5EA;

class GeneratorSource final : public RecordSource {
 public:
  GeneratorSource(const GeneratorSpec& spec, const Schema& schema, const SplitDescription& split,
                  Offset from, std::uint64_t seed)
      : spec_(spec), seed_(seed), split_(split.id), position_(from), end_(split.end) {
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      const Field* field = schema.find("f" + std::to_string(i + 1));
      if (field != nullptr && field->role == FieldRole::numeric) columns_[i] = field->index;
    }
  }

  Result<FillOutcome> fill(MicroBatch& batch, const Dictionary&) override {
    batch.split = split_;
    while (batch.rows < batch.capacity && position_ < end_) {
      write(make_sea_record(spec_, seed_, position_.value), batch);
      position_ = position_.next();
      ++counters_.read;
      ++counters_.records;
    }
    const bool is_full = batch.rows == batch.capacity;
    return FillOutcome{is_full ? FillState::batch_ready : FillState::end_of_split, false, {}};
  }
  bool wait(std::chrono::milliseconds) override { return true; }
  Offset position() const override { return position_; }
  const DecodeCounters& counters() const override { return counters_; }
  std::uint64_t quarantined_so_far() const override { return 0; }
  std::vector<QuarantineEntry> take_quarantine() override { return {}; }

 private:
  static constexpr std::uint32_t kNoColumn = 0xFFFFFFFFu;

  void write(const SeaRecord& record, MicroBatch& batch) const {
    const std::size_t row = batch.rows++;
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      if (columns_[i] != kNoColumn) batch.numeric_row(row)[columns_[i]] = record.features[i];
    }
    batch.labels[row] = record.label ? 1.0f : 0.0f;
    batch.weights[row] = 1.0f;
    batch.offsets[row] = position_;
  }

  GeneratorSpec spec_;
  std::uint64_t seed_;
  SplitId split_;
  std::array<std::uint32_t, 3> columns_ = {kNoColumn, kNoColumn, kNoColumn};
  Offset position_;
  Offset end_;
  DecodeCounters counters_;
};

}  // namespace

SeaRecord make_sea_record(const GeneratorSpec& spec, std::uint64_t seed, std::uint64_t number) {
  RandomStream random(seed, kPurpose, number);
  std::array<double, 3> features;
  for (auto& feature : features) feature = 10.0 * random.uniform();
  const auto drifts = std::ranges::upper_bound(spec.drift_at, number) - spec.drift_at.begin();
  const double threshold = kThresholds[static_cast<std::size_t>(drifts) % kThresholds.size()];
  const bool is_flipped = random.uniform() < spec.noise;
  SeaRecord record;
  for (std::size_t i = 0; i < 3; ++i) record.features[i] = static_cast<float>(features[i]);
  record.label = (features[0] + features[1] <= threshold) != is_flipped;
  return record;
}

std::unique_ptr<RecordSource> open_generator_source(const GeneratorSpec& spec, const Schema& schema,
                                                    const SplitDescription& split, Offset from,
                                                    std::uint64_t seed) {
  return std::make_unique<GeneratorSource>(spec, schema, split, from, seed);
}

}  // namespace millrace
