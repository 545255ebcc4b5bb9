#include "common/ml/evaluation/evaluation_state.hpp"

#include "common/base/check.hpp"
#include "common/base/limits.hpp"

namespace millrace {

SplitHistory& Evaluation::State::history_of(const MicroBatch& batch) {
  const auto [found, is_new] = splits.try_emplace(batch.split);
  auto& split = found->second;
  if (is_new) {
    MILLRACE_CHECK(splits.size() <= limits::kSplitsMax);
    split.label_counts.assign(classes, 0);
    split.first_offset = batch.offsets[0];
  }
  split.last_offset = batch.offsets[batch.rows - 1];
  split.ring.reserve(batch.rows, window);
  return split;
}

std::uint16_t Evaluation::State::class_of(float label) const {
  MILLRACE_CHECK(label >= 0.0f && label < static_cast<float>(classes));
  return static_cast<std::uint16_t>(label);
}

// The probabilities to score, and the predicted classes.
void Evaluation::State::gather(std::span<const float> predictions, std::size_t first,
                               std::size_t count, std::span<const std::uint16_t> labels,
                               std::span<std::uint16_t> predicted, ScoreChunk& chunk) const {
  for (std::size_t i = 0; i < count; ++i) {
    if (task == Task::binary) {
      chunk.probability[i] = predictions[first + i];
      predicted[i] = predicts_one(chunk.probability[i]) ? 1 : 0;
    } else {
      const float* probabilities = predictions.data() + (first + i) * classes;
      chunk.probability[i] = probabilities[labels[i]];
      predicted[i] = static_cast<std::uint16_t>(most_probable(probabilities, classes));
    }
  }
}

void Evaluation::State::update_classes(const MicroBatch& batch, std::span<const float> predictions,
                                       SplitHistory& split) {
  std::uint64_t repeats = 0, majority_hits = 0;
  ScoreChunk chunk{};
  std::array<std::uint16_t, kScoreChunk> labels, predicted;
  for (std::size_t first = 0; first < batch.rows; first += kScoreChunk) {
    const std::size_t count = std::min(kScoreChunk, batch.rows - first);
    for (std::size_t i = 0; i < count; ++i) labels[i] = class_of(batch.labels[first + i]);
    gather(predictions, first, count, labels, predicted, chunk);
    score_chunk(chunk);
    for (std::size_t i = 0; i < count; ++i) {
      const auto label = labels[i];
      if (task == Task::binary)
        class_scores.add_bin(label, static_cast<std::uint32_t>(chunk.bin[i]));
      class_scores.add_class(label, predicted[i],
                             fixed_loss(chunk.loss_of[task == Task::binary ? label : 1][i]));
      bool is_majority;
      const bool is_repeat = split.learn_label(label, is_majority);
      repeats += is_repeat ? 1 : 0;
      majority_hits += is_majority ? 1 : 0;
      split.ring.push(ScoredClass{.score = chunk.probability[i],
                                  .label = label,
                                  .predicted = static_cast<std::uint16_t>(predicted[i] & 0x7FFFu),
                                  .is_repeat = is_repeat});
    }
  }
  class_scores.add_repeats(repeats);
  baselines.majority_hits += majority_hits;
}

void Evaluation::State::update_values(const MicroBatch& batch, std::span<const float> predictions,
                                      SplitHistory& split) {
  for (std::size_t i = 0; i < batch.rows; ++i) {
    const float label = batch.labels[i];
    const auto value = static_cast<double>(label);
    value_scores.add(value, static_cast<double>(predictions[i]));
    if (split.records == 0) {
      split.first_value = value;
    } else {
      const double mean = split.first_value + split.value_sum / static_cast<double>(split.records);
      baselines.add_values(value, split.last_value, mean);
    }
    split.value_sum += value - split.first_value;
    split.last_value = value;
    ++split.records;
    split.ring.push(ScoredValue{.label = label, .prediction = predictions[i]});
  }
}

// The first value of `later` had nothing to be predicted from where it was scored; `earlier`
// predicts it now.
void Evaluation::State::append_values(const SplitHistory& earlier, SplitHistory& later) {
  const double mean =
      earlier.first_value + earlier.value_sum / static_cast<double>(earlier.records);
  baselines.add_values(later.first_value, earlier.last_value, mean);
  later.value_sum += static_cast<double>(later.records) * (later.first_value - earlier.first_value);
}

// `later` continues `earlier`: the first record of `later` had nothing before it where it was
// scored.
void Evaluation::State::append(SplitHistory& earlier, SplitHistory later) {
  if (later.records == 0) return;
  auto entries = earlier.ring.in_order();
  auto more = later.ring.in_order();
  if (task == Task::regression) {
    append_values(earlier, later);
  } else if (later.first_label == earlier.last_label) {
    class_scores.add_repeats(1);
    if (more.size() == later.records) {
      auto first = std::bit_cast<ScoredClass>(more.front());
      first.is_repeat = 1;
      more.front() = std::bit_cast<std::uint64_t>(first);
    }
  }
  entries.insert(entries.end(), more.begin(), more.end());
  if (entries.size() > window)
    entries.erase(entries.begin(), entries.end() - static_cast<std::ptrdiff_t>(window));
  earlier.ring.assign(std::move(entries));
  earlier.records += later.records;
  earlier.last_offset = later.last_offset;
  earlier.last_label = later.last_label;
  for (std::size_t i = 0; i < earlier.label_counts.size(); ++i)
    earlier.label_counts[i] += later.label_counts[i];
  earlier.choose_majority();
  earlier.last_value = later.last_value;
  earlier.value_sum += later.value_sum;
}

void Evaluation::State::add_sums(const State& theirs) {
  class_scores.merge(theirs.class_scores);
  value_scores.merge(theirs.value_scores);
  baselines.merge(theirs.baselines);
}

void Evaluation::State::adopt(SplitId id, const SplitHistory& theirs) {
  const auto [found, is_new] = splits.try_emplace(id, theirs);
  MILLRACE_CHECK(splits.size() <= limits::kSplitsMax);
  if (is_new) return;
  auto& mine = found->second;
  if (theirs.last_offset < mine.first_offset) {
    auto earlier = theirs;
    append(earlier, std::move(mine));
    mine = std::move(earlier);
  } else {
    append(mine, theirs);
  }
}

MetricsReport Evaluation::State::report_window() const {
  ClassScores recent(task == Task::binary, classes);
  ValueScores recent_values;
  for (const auto& [id, split] : splits) {
    for (const auto entry : split.ring.in_order()) {
      if (task == Task::regression) {
        const auto scored = std::bit_cast<ScoredValue>(entry);
        recent_values.add(static_cast<double>(scored.label),
                          static_cast<double>(scored.prediction));
        continue;
      }
      const auto scored = std::bit_cast<ScoredClass>(entry);
      const bool is_one = task == Task::multiclass || scored.label != 0;
      const auto score = score_binary(scored.score, is_one);
      if (task == Task::binary) recent.add_bin(scored.label, score.bin);
      recent.add_class(scored.label, scored.predicted, score.loss);
      recent.add_repeats(scored.is_repeat);
    }
  }
  return task == Task::regression ? recent_values.report() : recent.report();
}

}  // namespace millrace
