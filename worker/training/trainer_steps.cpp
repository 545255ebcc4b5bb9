// The steps of a Trainer's loop that move records: reading, learning, merging, cutting.
#include <algorithm>
#include <cmath>
#include <iterator>

#include "common/base/limits.hpp"
#include "worker/training/trainer.hpp"

namespace millrace {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds kPatience{50};
// How long the thread waits for bytes before it looks at its inbox again.
constexpr milliseconds kReadPatience{5};
constexpr milliseconds kProgressInterval{250};

}  // namespace

Status Trainer::open_source() {
  const auto& state = state_.splits[current_];
  MILLRACE_ASSIGN(source_,
                  open_record_source(spec().source, plan_.setup->schema, plan_.splits[current_],
                                     state.progress.offset, spec().seed));
  counters_before_ = state.counters;
  return {};
}

Status Trainer::read() {
  if (source_ == nullptr) MILLRACE_TRY(open_source());
  if (limiter_) {
    const auto delay = limiter_->delay(steady_clock::now().time_since_epoch());
    if (delay.count() > 0) {
      patience_ = std::min(kPatience, std::chrono::ceil<milliseconds>(delay));
      return {};
    }
  }
  MILLRACE_ASSIGN(const FillOutcome outcome, source_->fill(batch_, dictionary_));
  MILLRACE_TRY(check_quarantined());
  switch (outcome.state) {
    case FillState::again:
      if (outcome.is_starved) (void)source_->wait(kReadPatience);
      return {};
    case FillState::pending_class:
      awaited_class_ = outcome.pending_class;
      proposals_.push_back({kLabelField, outcome.pending_class});
      wants_push_ = true;
      return {};
    case FillState::batch_ready:
    case FillState::end_of_split:
      break;
  }
  if (limiter_) limiter_->take(batch_.rows, steady_clock::now().time_since_epoch());
  if (batch_.rows > 0) MILLRACE_TRY(learn());
  MILLRACE_TRY(account_for_batch());
  if (outcome.state == FillState::end_of_split) {
    state_.splits[current_].progress.is_finished = true;
    source_.reset();
    ++current_;
  }
  return {};
}

// Counts what the batch being filled has met as well: a stream of broken records never fills one.
Status Trainer::check_quarantined() {
  const auto& bound = spec().source.max_quarantined;
  if (!bound) return {};
  const std::uint64_t before =
      state_.totals().quarantined - state_.splits[current_].counters.quarantined;
  const std::uint64_t quarantined =
      before + counters_before_.quarantined + source_->quarantined_so_far();
  if (quarantined <= *bound) return {};
  std::ranges::move(source_->take_quarantine(), std::back_inserter(state_.quarantine));
  std::string last;
  if (!state_.quarantine.empty()) {
    const auto& entry = state_.quarantine.back();
    last = "; one of them, at offset " + std::to_string(entry.offset.value) +
           (entry.column.empty() ? "" : ", column " + entry.column) + ": " + entry.reason;
  }
  return Status(Code::job_failed,
                "more than max_quarantined = " + std::to_string(*bound) +
                    " records could not be decoded, lately in " + plan_.splits[current_].path +
                    last,
                "mend the data, exclude the field, or raise source.max_quarantined");
}

Status Trainer::account_for_batch() {
  auto& split = state_.splits[current_];
  split.progress.offset = source_->position();
  split.counters = counters_before_;
  split.counters += source_->counters();
  for (auto& entry : source_->take_quarantine()) {
    if (state_.quarantine.size() >= limits::kQuarantineEntriesKept) break;
    state_.quarantine.push_back(std::move(entry));
  }
  batch_.rows = 0;
  const bool is_merge_point = batches_pending_ >= spec().merge->every;
  return is_merge_point ? merge() : Status();
}

Status Trainer::finish_reading() {
  if (has_pending() && core_.participation() != Participation::finished) {
    if (core_.can_push()) return merge();
    patience_ = kPatience;
    return {};
  }
  if (!is_finished_) {
    is_finished_ = true;
    if (core_.participation() != Participation::finished) {
      execute(core_.announce(Participation::finished));
    }
    report_progress(true);
    listener_.on_finished();
  }
  patience_ = kPatience;
  return {};
}

// Categories without an id are `other` until the next answer brings one.
void Trainer::propose_categories() {
  const std::uint32_t fields = batch_.categorical_columns;
  for (std::uint32_t field = 0; field < fields; ++field) {
    if (dictionary_.is_full(1 + field)) continue;
    for (std::size_t row = 0; row < batch_.rows; ++row) {
      const Category& category = batch_.category_row(row)[field];
      if (category.is_missing() || dictionary_.find(1 + field, category.text)) continue;
      const auto is_same = [&](const DictionaryEntry& entry) {
        return entry.field == 1 + field && entry.text == category.text;
      };
      if (proposals_.size() < limits::kCategoriesMax && std::ranges::none_of(proposals_, is_same)) {
        proposals_.push_back({1 + field, std::string(category.text)});
      }
    }
  }
}

Status Trainer::learn() {
  propose_categories();
  pipeline_.learn_and_transform(batch_, dictionary_);
  batch_.active_classes = dictionary_.size(kLabelField);
  const auto& setup = *plan_.setup;
  const std::span<float> predictions(predictions_.data(), batch_.rows * setup.model->outputs());
  if (setup.online != nullptr) {
    setup.online->train(batch_, spec().seed, setup.rate_scale, parameters_.state(), workspace_,
                        predictions, parameters_.touched());
    state_.evaluation.update(batch_, predictions);
  } else {
    setup.model->predict_and_gradient(batch_, parameters_.state().theta, workspace_, spec().seed, 0,
                                      gradient_, predictions);
    state_.evaluation.update(batch_, predictions);
  }
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
  const double clip = spec().optimizer->clip;
  if (clip > 0) {
    double norm = 0;
    for (const float g : gradient_.dense) norm += static_cast<double>(g) * g;
    for (const float g : gradient_.row_values) norm += static_cast<double>(g) * g;
    norm = std::sqrt(norm);
    const auto scale = static_cast<float>(norm > clip ? clip / norm : 1.0);
    for (float& g : gradient_.dense) g *= scale;
    for (float& g : gradient_.row_values) g *= scale;
  }
  has_gradient_ = true;
  while (!core_.can_push()) {
    MILLRACE_TRY(absorb(kPatience));
    if (is_stopping_) return {};
  }
  MILLRACE_TRY(merge());
  return absorb(milliseconds{0});
}

Result<PushContent> Trainer::freeze_pending(PushPayloads& payloads) {
  const auto& setup = *plan_.setup;
  if (setup.push_kind != PushKind::gradient) {
    payloads = parameters_.freeze();
  } else if (std::exchange(has_gradient_, false)) {
    payloads = parameters_.freeze_gradient(std::move(gradient_), setup.rate_scale);
    gradient_ = parameters_.recycle();
  } else {
    payloads = parameters_.freeze_nothing();
  }
  for (const auto& push : payloads) MILLRACE_TRY(check_bounded(*push));
  payloads[0]->statistics = pipeline_.take_increments();
  payloads[0]->proposals = std::exchange(proposals_, {});

  PushContent content;
  content.payloads.assign(payloads.begin(), payloads.end());
  content.records = std::exchange(records_pending_, 0);
  content.fingerprint = std::exchange(ledger_pending_, {});
  const bool is_last = current_ >= state_.splits.size();
  content.participation = is_last ? Participation::finished : Participation::active;
  batches_pending_ = 0;
  wants_push_ = false;
  return content;
}

Status Trainer::merge() {
  core_.end_round();
  if (!core_.can_push()) return {};  // learns on, and pushes more at a later merge point
  PushPayloads payloads;
  MILLRACE_ASSIGN(const PushContent content, freeze_pending(payloads));
  execute(core_.push(content), payloads);
  return {};
}

void Trainer::take_cut() {
  std::optional<PushContent> pending;
  PushPayloads payloads;
  if (!is_synchronous() && has_pending()) {
    auto content = freeze_pending(payloads);
    if (!content.is_ok()) {
      listener_.on_failed(content.status());
      is_stopping_ = true;
      return;
    }
    pending = std::move(content).value();
  }
  execute(core_.begin_cut(std::move(pending)), payloads);
}

std::vector<SplitProgress> Trainer::positions() const {
  std::vector<SplitProgress> positions;
  for (const auto& split : state_.splits) positions.push_back(split.progress);
  return positions;
}

TrainerCut Trainer::make_snapshot(CutId cut) {
  TrainerCut snapshot;
  snapshot.cut = cut;
  snapshot.totals = state_.totals();
  snapshot.splits = positions();
  snapshot.is_finished = current_ >= state_.splits.size();
  if (is_elastic()) {
    state_.replica = parameters_.state();
    state_.statistics = pipeline_.statistics();
    state_.dictionary = dictionary_.log();
  }
  ByteWriter evaluation;
  state_.evaluation.encode(evaluation);
  snapshot.evaluation = std::move(evaluation).take();
  snapshot.state = state_.encode();
  return snapshot;
}

void Trainer::report_progress(bool is_due_anyway) {
  const auto now = steady_clock::now();
  if (!is_due_anyway && now < next_progress_) return;
  next_progress_ = now + kProgressInterval;
  TrainerProgress progress;
  progress.totals = state_.totals();
  progress.splits = positions();
  ByteWriter evaluation;
  state_.evaluation.encode(evaluation);
  progress.evaluation = std::move(evaluation).take();
  progress.is_finished = is_finished_;
  listener_.on_progress(std::move(progress));
}

}  // namespace millrace
