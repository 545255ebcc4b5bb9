#include "common/ml/evaluation/evaluation.hpp"

#include "common/base/check.hpp"
#include "common/base/limits.hpp"
#include "common/ml/evaluation/baselines.hpp"
#include "common/ml/evaluation/class_scores.hpp"
#include "common/ml/evaluation/split_history.hpp"
#include "common/ml/evaluation/value_scores.hpp"

namespace millrace {
namespace {

constexpr std::uint16_t kFormat = 1;
// Records scored before their counts are written: independent logarithms overlap in the pipeline of
// the processor.
constexpr std::size_t kChunk = 64;

}  // namespace

struct Evaluation::State {
  Task task;
  std::uint32_t classes;
  std::uint32_t window;
  ClassScores class_scores;
  ValueScores value_scores;
  Baselines baselines;
  std::map<SplitId, SplitHistory> splits;

  State(Task the_task, std::uint32_t the_classes, std::uint32_t the_window)
      : task(the_task),
        classes(the_task == Task::regression ? 0 : the_classes),
        window(the_window),
        class_scores(the_task == Task::binary, classes) {}

  SplitHistory& history_of(const MicroBatch& batch);
  void update_binary(const MicroBatch& batch, std::span<const float> predictions,
                     SplitHistory& split);
  void update_multiclass(const MicroBatch& batch, std::span<const float> predictions,
                         SplitHistory& split);
  void update_values(const MicroBatch& batch, std::span<const float> predictions,
                     SplitHistory& split);
  std::uint32_t class_of(float label) const;
  void append(SplitHistory& earlier, SplitHistory later);
  MetricsReport report_window() const;
};

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

std::uint32_t Evaluation::State::class_of(float label) const {
  MILLRACE_CHECK(label >= 0.0f && label < static_cast<float>(classes));
  return static_cast<std::uint32_t>(label);
}

void Evaluation::State::update_binary(const MicroBatch& batch, std::span<const float> predictions,
                                      SplitHistory& split) {
  std::array<BinaryScore, kChunk> scores;
  std::uint64_t repeats = 0, majority_hits = 0;
  for (std::size_t first = 0; first < batch.rows; first += kChunk) {
    const std::size_t count = std::min(kChunk, batch.rows - first);
    const float* labels = batch.labels.data() + first;
    for (std::size_t i = 0; i < count; ++i) {
      scores[i] = score_binary(predictions[first + i], labels[i] != 0.0f);
    }
    for (std::size_t i = 0; i < count; ++i) {
      const auto label = class_of(labels[i]);
      class_scores.add_binary(label != 0, scores[i]);
      bool is_majority;
      const bool is_repeat = split.learn_label(label, is_majority);
      repeats += is_repeat ? 1 : 0;
      majority_hits += is_majority ? 1 : 0;
      split.ring.push(ScoredClass{.score = predictions[first + i],
                                  .label = static_cast<std::uint16_t>(label),
                                  .predicted = scores[i].is_predicted,
                                  .is_repeat = is_repeat});
    }
  }
  class_scores.add_repeats(repeats);
  baselines.majority_hits += majority_hits;
}

void Evaluation::State::update_multiclass(const MicroBatch& batch,
                                          std::span<const float> predictions, SplitHistory& split) {
  std::uint64_t repeats = 0, majority_hits = 0;
  for (std::size_t i = 0; i < batch.rows; ++i) {
    const float* probabilities = predictions.data() + i * classes;
    const auto label = class_of(batch.labels[i]);
    const auto predicted = most_probable(probabilities, classes);
    const FixedLoss loss = score_class(probabilities[label]);
    class_scores.add_class(label, predicted, loss);
    bool is_majority;
    const bool is_repeat = split.learn_label(label, is_majority);
    repeats += is_repeat ? 1 : 0;
    majority_hits += is_majority ? 1 : 0;
    split.ring.push(ScoredClass{.score = probabilities[label],
                                .label = static_cast<std::uint16_t>(label),
                                .predicted = static_cast<std::uint16_t>(predicted & 0x7FFFu),
                                .is_repeat = is_repeat});
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

// `later` continues `earlier`: the first record of `later` had nothing before it where it was
// scored.
void Evaluation::State::append(SplitHistory& earlier, SplitHistory later) {
  if (later.records == 0) return;
  auto entries = earlier.ring.in_order();
  auto more = later.ring.in_order();
  if (task == Task::regression) {
    baselines.values += 1;
    const double error = later.first_value - earlier.last_value;
    baselines.last_absolute_error += error < 0.0 ? -error : error;
    later.value_sum +=
        static_cast<double>(later.records) * (later.first_value - earlier.first_value);
    // The mean had nothing to predict from either; the earlier part's mean predicts it now.
    const double mean =
        earlier.first_value + earlier.value_sum / static_cast<double>(earlier.records);
    const double mean_error = later.first_value - mean;
    baselines.mean_absolute_error += mean_error < 0.0 ? -mean_error : mean_error;
    baselines.mean_squared_error += mean_error * mean_error;
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
      if (task == Task::binary) {
        recent.add_binary(scored.label != 0, score_binary(scored.score, scored.label != 0));
      } else {
        recent.add_class(scored.label, scored.predicted, score_class(scored.score));
      }
      recent.add_repeats(scored.is_repeat);
    }
  }
  return task == Task::regression ? recent_values.report() : recent.report();
}

Evaluation::Evaluation(Task task, std::uint32_t classes, std::uint32_t window)
    : state_(std::make_unique<State>(task, classes, window)) {
  MILLRACE_CHECK(window >= 1 && window <= limits::kEvaluationWindowMax);
  MILLRACE_CHECK(task == Task::regression || (classes >= 2 && classes <= limits::kClassesMax));
  MILLRACE_CHECK(task != Task::binary || classes == 2);
}

Evaluation::~Evaluation() = default;
Evaluation::Evaluation(Evaluation&&) noexcept = default;
Evaluation& Evaluation::operator=(Evaluation&&) noexcept = default;

void Evaluation::update(const MicroBatch& batch, std::span<const float> predictions) {
  if (batch.rows == 0) return;
  const std::size_t outputs = state_->task == Task::multiclass ? state_->classes : 1;
  MILLRACE_CHECK(predictions.size() >= batch.rows * outputs);
  auto& split = state_->history_of(batch);
  switch (state_->task) {
    case Task::binary:
      return state_->update_binary(batch, predictions, split);
    case Task::multiclass:
      return state_->update_multiclass(batch, predictions, split);
    case Task::regression:
      return state_->update_values(batch, predictions, split);
  }
}

void Evaluation::merge(const Evaluation& other) {
  auto& mine = *state_;
  const auto& theirs = *other.state_;
  MILLRACE_CHECK(mine.task == theirs.task && mine.classes == theirs.classes &&
                 mine.window == theirs.window);
  mine.class_scores.merge(theirs.class_scores);
  mine.value_scores.merge(theirs.value_scores);
  mine.baselines.merge(theirs.baselines);
  for (const auto& [id, split] : theirs.splits) {
    const auto [found, is_new] = mine.splits.try_emplace(id, split);
    if (is_new) continue;
    if (split.last_offset < found->second.first_offset) {
      auto earlier = split;
      mine.append(earlier, std::move(found->second));
      found->second = std::move(earlier);
    } else {
      mine.append(found->second, split);
    }
  }
  MILLRACE_CHECK(mine.splits.size() <= limits::kSplitsMax);
}

std::uint64_t Evaluation::records() const {
  return state_->task == Task::regression ? state_->value_scores.records()
                                          : state_->class_scores.records();
}

EvaluationReport Evaluation::report() const {
  EvaluationReport report;
  if (state_->task == Task::regression) {
    report.prequential = state_->value_scores.report();
    report.baselines = state_->baselines.report_values(report.prequential);
  } else {
    report.prequential = state_->class_scores.report();
    report.baselines =
        state_->baselines.report_classes(report.prequential, state_->class_scores.repeats());
  }
  report.window = state_->report_window();
  return report;
}

void Evaluation::encode(ByteWriter& writer) const {
  writer.envelope(kFormat, kFormat);
  writer.put(static_cast<std::uint8_t>(state_->task));
  writer.put(state_->classes);
  writer.put(state_->window);
  state_->class_scores.encode(writer);
  state_->value_scores.encode(writer);
  state_->baselines.encode(writer);
  writer.put<std::uint64_t>(state_->splits.size());
  for (const auto& [id, split] : state_->splits) {
    writer.put(id.value);
    split.encode(writer);
  }
}

Result<Evaluation> Evaluation::decode(ByteReader& reader) {
  reader.envelope(kFormat, "evaluation");
  const auto task = reader.get<std::uint8_t>();
  const auto classes = reader.get<std::uint32_t>();
  const auto window = reader.get<std::uint32_t>();
  const bool is_regression = task == static_cast<std::uint8_t>(Task::regression);
  const bool is_binary = task == static_cast<std::uint8_t>(Task::binary);
  if (task > static_cast<std::uint8_t>(Task::multiclass) || window == 0 ||
      window > limits::kEvaluationWindowMax || classes > limits::kClassesMax ||
      (is_regression ? classes != 0 : classes < 2) || (is_binary && classes != 2)) {
    reader.fail("task, classes or window out of range");
  }
  if (!reader.is_ok()) return reader.status().with_context("reading the evaluation");
  Evaluation evaluation(static_cast<Task>(task), classes, window);
  auto& state = *evaluation.state_;
  state.class_scores.decode(reader);
  state.value_scores.decode(reader);
  state.baselines.decode(reader);
  const auto splits = reader.get<std::uint64_t>();
  if (splits > limits::kSplitsMax) reader.fail("more splits than a job may have");
  for (std::uint64_t i = 0; i < splits && reader.is_ok(); ++i) {
    const SplitId id(reader.get<std::uint32_t>());
    state.splits[id].decode(reader, classes, window);
  }
  if (!reader.is_ok()) return reader.status().with_context("reading the evaluation");
  return evaluation;
}

}  // namespace millrace
