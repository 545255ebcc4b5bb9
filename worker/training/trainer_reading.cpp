// The steps of a Trainer's loop that bring records in: opening splits, filling micro-batches,
// counting what could not be decoded.
#include <algorithm>
#include <iterator>

#include "common/base/limits.hpp"
#include "worker/training/trainer.hpp"

namespace millrace {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

// How long the thread waits for bytes before it looks at its inbox again.
constexpr milliseconds kReadPatience{5};

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
  // The records that broke the bound may not be delivered yet; an entry of another split says
  // nothing about this file.
  const auto& kept = state_.quarantine;
  if (!kept.empty() && kept.back().split == plan_.splits[current_].id) {
    const auto& entry = kept.back();
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
  const bool is_merge_point = batches_pending_ >= *spec().merge->every;
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

}  // namespace millrace
