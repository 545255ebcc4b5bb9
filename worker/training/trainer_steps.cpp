// The steps of a Trainer's loop that follow a micro-batch: learning, merging, cutting.
#include "worker/training/trainer.hpp"

namespace millrace {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds kProgressInterval{250};

}  // namespace

Status Trainer::learn() {
  propose_categories();
  pipeline_.learn_and_transform(batch_, dictionary_);
  batch_.active_classes = dictionary_.size(kLabelField);
  const auto& setup = *plan_.setup;
  const std::span<float> predictions(predictions_.data(), batch_.rows * setup.model->outputs());
  if (setup.online != nullptr) {
    setup.online->train(batch_, spec().seed, setup.rate_scale, parameters_.state(), workspace_,
                        predictions, parameters_.touched());
  } else {
    setup.model->predict_and_gradient(batch_, parameters_.state().theta, workspace_, spec().seed, 0,
                                      gradient_, predictions);
  }
  state_.evaluation.update(batch_, predictions);
  put_out_predictions(predictions);
  count_records();
  ++batches_pending_;
  return setup.online != nullptr ? Status() : train_mini_batch();
}

void Trainer::count_records() {
  RecordSums sums;
  for (std::size_t row = 0; row < batch_.rows; ++row) sums.add(batch_.split, batch_.offsets[row]);
  state_.splits[current_].progress.learned.add(sums);
  ledger_pending_.add(batch_.split, sums);
  records_pending_ += batch_.rows;
}

// The first pass's gradient was taken with the predictions.
Status Trainer::train_mini_batch() {
  const auto& setup = *plan_.setup;
  for (std::uint32_t pass = 0; pass < spec().training->epochs_per_batch; ++pass) {
    if (pass > 0) {
      setup.model->gradient(batch_, parameters_.state().theta, workspace_, spec().seed, pass,
                            gradient_);
    }
    if (setup.push_kind == PushKind::gradient) {
      MILLRACE_TRY(push_gradient());
      continue;
    }
    setup.optimizer->apply(setup.model->parameters(), gradient_, setup.rate_scale,
                           setup.model->intercepts(), parameters_.state());
    auto& touched = parameters_.touched();
    touched.insert(touched.end(), gradient_.rows.begin(), gradient_.rows.end());
  }
  return {};
}

// Pushes one micro-batch's gradient and takes the answer at once: shards that share memory have it
// ready.
Status Trainer::push_gradient() {
  const float clip = clip_factor(gradient_, spec().optimizer->clip);
  if (clip != 1.0f) {
    for (float& g : gradient_.dense) g *= clip;
    for (float& g : gradient_.row_values) g *= clip;
  }
  has_gradient_ = true;
  while (!core_.can_push()) {
    absorb(kPatience);
    if (is_stopping_) return {};
    resend_unanswered();
  }
  MILLRACE_TRY(merge());
  absorb(milliseconds{0});
  return {};
}

Result<PushContent> Trainer::freeze_pending(PushPayloads& payloads, PushExtent extent) {
  const auto& setup = *plan_.setup;
  if (setup.push_kind != PushKind::gradient) {
    payloads = parameters_.freeze(extent);
  } else if (std::exchange(has_gradient_, false)) {
    payloads = parameters_.freeze_gradient(std::move(gradient_), setup.rate_scale);
    gradient_ = parameters_.recycle();
  } else {
    payloads = parameters_.freeze_nothing();
  }
  for (const auto& push : payloads) {
    MILLRACE_TRY(
        check_bounded(*push).with_context("replica " + std::to_string(plan_.replica.value)));
  }
  payloads[0]->statistics = pipeline_.take_increments();
  payloads[0]->proposals = std::exchange(proposals_, {});

  PushContent content;
  content.payloads.assign(payloads.begin(), payloads.end());
  content.records = std::exchange(records_pending_, 0);
  content.fingerprint = std::exchange(ledger_pending_, {});
  content.participation = is_read_to_end() ? Participation::finished : Participation::active;
  batches_pending_ = 0;
  wants_push_ = false;
  return content;
}

Status Trainer::merge() {
  core_.end_round();
  if (!core_.can_push()) return {};  // learns on, and pushes more at a later merge point
  const auto extent = is_read_to_end() ? PushExtent::whole : PushExtent::filtered;
  PushPayloads payloads;
  MILLRACE_ASSIGN(const PushContent content, freeze_pending(payloads, extent));
  execute(core_.push(content), payloads);
  return {};
}

Status Trainer::take_cut() {
  std::optional<PushContent> pending;
  PushPayloads payloads;
  if (!is_synchronous() && (has_pending() || parameters_.holds_back())) {
    MILLRACE_ASSIGN(pending, freeze_pending(payloads, PushExtent::whole));
  }
  execute(core_.begin_cut(std::move(pending)), payloads);
  return {};
}

std::vector<SplitProgress> Trainer::positions() const {
  std::vector<SplitProgress> positions;
  for (const auto& split : state_.splits) positions.push_back(split.progress);
  return positions;
}

TrainerCut Trainer::make_snapshot(CutId cut) {
  visit_open_sources([cut](SplitState& split, RecordSource& source) {
    split.source = source.state();
    source.on_cut(cut);
  });
  TrainerCut snapshot;
  snapshot.cut = cut;
  snapshot.totals = state_.totals();
  snapshot.splits = positions();
  snapshot.is_finished = is_read_to_end();
  if (is_elastic()) {
    state_.replica = parameters_.state();
    state_.statistics = pipeline_.statistics();
    state_.dictionary = dictionary_.log();
  }
  if (outputs_ != nullptr) {
    outputs_->close(cut);
    state_.lanes = outputs_->lanes();
  }
  ByteWriter evaluation;
  state_.evaluation.encode(evaluation);
  snapshot.evaluation = std::move(evaluation).take();
  snapshot.state = state_.encode();
  state_.lanes.clear();
  return snapshot;
}

void Trainer::report_progress(bool is_due_anyway) {
  const auto now = steady_clock::now();
  wish_for_cut();
  if (!is_due_anyway && now < next_progress_) return;
  next_progress_ = now + kProgressInterval;
  TrainerProgress progress;
  progress.totals = state_.totals();
  progress.splits = positions();
  ByteWriter evaluation;
  state_.evaluation.encode(evaluation);
  progress.evaluation = std::move(evaluation).take();
  listener_.on_progress(std::move(progress));
  tell_warnings();
}

}  // namespace millrace
