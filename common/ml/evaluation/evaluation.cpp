#include "common/ml/evaluation/evaluation.hpp"

#include "common/base/check.hpp"
#include "common/base/limits.hpp"
#include "common/ml/evaluation/evaluation_state.hpp"

namespace millrace {
namespace {

constexpr std::uint16_t kFormat = 1;

}  // namespace

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
  if (state_->task == Task::regression) {
    state_->update_values(batch, predictions, split);
  } else {
    state_->update_classes(batch, predictions, split);
  }
}

bool Evaluation::fits(const Evaluation& other) const {
  const auto& mine = *state_;
  const auto& theirs = *other.state_;
  return mine.task == theirs.task && mine.classes == theirs.classes && mine.window == theirs.window;
}

void Evaluation::merge(const Evaluation& other) {
  MILLRACE_CHECK(fits(other));
  state_->add_sums(*other.state_);
  for (const auto& [id, split] : other.state_->splits) state_->adopt(id, split);
}

void Evaluation::take_over(const Evaluation& other, std::span<const SplitId> splits,
                           bool with_sums) {
  MILLRACE_CHECK(fits(other));
  if (with_sums) state_->add_sums(*other.state_);
  for (const SplitId id : splits) {
    const auto found = other.state_->splits.find(id);
    if (found != other.state_->splits.end()) state_->adopt(id, found->second);
  }
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

std::optional<Evaluation> merge_evaluations(
    std::span<const std::shared_ptr<const Bytes>> encoded_parts) {
  std::optional<Evaluation> whole;
  for (const auto& bytes : encoded_parts) {
    if (bytes == nullptr) continue;
    ByteReader reader(*bytes);
    auto part = Evaluation::decode(reader);
    if (!part.is_ok()) continue;
    if (whole) {
      whole->merge(part.value());
    } else {
      whole = std::move(part).value();
    }
  }
  return whole;
}

}  // namespace millrace
