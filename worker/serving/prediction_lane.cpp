#include "worker/serving/prediction_lane.hpp"

#include <algorithm>

#include "common/ml/evaluation/class_scores.hpp"

namespace millrace {
namespace {

// Wide rows in smaller batches: about this many bytes of features.
constexpr std::size_t kBatchBytesMax = 32u << 20;

std::size_t batch_capacity(const PublishedModel& model, std::size_t rows_max) {
  const std::size_t row_bytes = (model.schema().numeric_count() + kRowFloats) * sizeof(float) +
                                model.schema().categorical_count() * sizeof(Category);
  return std::clamp<std::size_t>(kBatchBytesMax / row_bytes, 1, rows_max);
}

}  // namespace

PredictionLane::PredictionLane(std::shared_ptr<const PublishedModel> model, std::size_t rows_max)
    : model_(std::move(model)),
      reader_(*model_),
      batch_(model_->make_batch(batch_capacity(*model_, rows_max))),
      outputs_(batch_.capacity * model_->outputs()) {
  targets_.reserve(batch_.capacity);
}

Status PredictionLane::add(const wire::PredictRequest& request, wire::PredictReply& reply,
                           ServingStats& stats) {
  MILLRACE_TRY(reader_.check(request));
  if (request.form == wire::RowForm::numeric) return add_numeric_rows(request, reply, stats);
  return add_rows(request, reply, stats);
}

Status PredictionLane::add_rows(const wire::PredictRequest& request, wire::PredictReply& reply,
                                ServingStats& stats) {
  const std::size_t rows = request.rows();
  reply.predictions.resize(rows);
  for (std::size_t row = 0; row < rows; ++row) {
    if (batch_.rows == batch_.capacity) flush(stats);
    MILLRACE_TRY(reader_.append(request, row, batch_, reply.predictions[row]));
    targets_.push_back({.reply = &reply,
                        .row = static_cast<std::uint32_t>(row),
                        .wants_probabilities = request.probabilities});
  }
  return {};
}

Status PredictionLane::add_numeric_rows(const wire::PredictRequest& request,
                                        wire::PredictReply& reply, ServingStats& stats) {
  const std::size_t rows = request.rows();
  auto& numeric = reply.numeric.emplace();
  // A head may reserve places for classes that are not known yet: those stay out.
  const bool is_multiclass = model_->outputs() > 1;
  numeric.outputs = is_multiclass ? static_cast<std::uint32_t>(model_->classes().size()) : 1;
  numeric.values.resize(rows * numeric.outputs);
  for (std::size_t row = 0; row < rows; ++row) {
    if (batch_.rows == batch_.capacity) flush(stats);
    MILLRACE_TRY(reader_.append_numeric(request, row, row + 1, batch_, numeric.missing));
    targets_.push_back(
        {.reply = &reply, .row = static_cast<std::uint32_t>(row), .wants_probabilities = false});
  }
  return {};
}

void PredictionLane::flush(ServingStats& stats) {
  if (batch_.rows == 0) return;
  const std::size_t width = model_->outputs();
  const auto outputs = std::span(outputs_).first(batch_.rows * width);
  model_->predict(batch_, workspace_, outputs);
  for (std::size_t i = 0; i < targets_.size(); ++i) write(outputs.data() + i * width, targets_[i]);
  stats.rows += batch_.rows;
  ++stats.batches;
  targets_.clear();
  batch_.rows = 0;
  reader_.clear();
}

std::string PredictionLane::class_name(std::size_t id) const {
  const auto& classes = model_->classes();
  return id < classes.size() ? classes[id] : "(class " + std::to_string(id) + ")";
}

void PredictionLane::write(const float* output, const Target& target) const {
  if (target.reply->numeric) {
    auto& numeric = *target.reply->numeric;
    std::copy_n(output, numeric.outputs,
                numeric.values.data() + std::size_t{target.row} * numeric.outputs);
    return;
  }
  auto& prediction = target.reply->predictions[target.row];
  if (model_->schema().task == Task::regression) {
    prediction.value = output[0];
    return;
  }
  if (model_->outputs() == 1) {
    const bool is_second = predicts_one(output[0]);
    const double second = output[0];
    prediction.label = class_name(is_second ? 1 : 0);
    prediction.value = is_second ? second : 1.0 - second;
    if (target.wants_probabilities) prediction.probabilities = {1.0 - second, second};
    return;
  }
  const std::size_t known = std::min<std::size_t>(model_->classes().size(), model_->outputs());
  const auto best =
      most_probable(output, static_cast<std::uint32_t>(std::max<std::size_t>(known, 1)));
  prediction.label = class_name(best);
  prediction.value = output[best];
  if (target.wants_probabilities) prediction.probabilities.assign(output, output + known);
}

}  // namespace millrace
