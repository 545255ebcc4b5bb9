// The steps of a Trainer's loop that bring records in: opening splits, filling micro-batches,
// counting what could not be decoded.
#include <algorithm>
#include <iterator>

#include "common/base/check.hpp"
#include "common/base/limits.hpp"
#include "worker/training/trainer.hpp"

namespace millrace {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

// How long the thread waits for bytes before it looks at its inbox again.
constexpr milliseconds kReadPatience{5};
// How long a partition without new records is left alone while others have some: asking costs about
// a microsecond.
constexpr milliseconds kStarvedPause{1};

}  // namespace

bool Trainer::is_order_fixed() const {
  return is_synchronous() && plan_.splits[current_].end != kUnknownEnd;
}

// Files one after the other. Of partitions the one of which the least was read, so that all are
// read at one speed and a restored trainer goes on in the same order; those without new records
// only when no other is left. Precondition: not everything is read.
std::size_t Trainer::choose_split(steady_clock::time_point now) const {
  const bool is_in_turn = are_read_in_turn(spec().source);
  const bool is_fixed = is_order_fixed();
  const auto rank = [&](std::size_t i) {
    return std::pair(!is_fixed && starved_until_[i] > now, state_.splits[i].counters.read);
  };
  std::optional<std::size_t> chosen;
  for (std::size_t i = is_in_turn ? 0 : current_; i < state_.splits.size(); ++i) {
    if (state_.splits[i].progress.is_finished) continue;
    if (!is_in_turn) return i;
    if (!chosen || rank(i) < rank(*chosen)) chosen = i;
  }
  MILLRACE_CHECK(chosen.has_value());
  return *chosen;
}

void Trainer::turn_to_split(std::size_t index) {
  if (index == current_) return;
  if (source_ != nullptr) {
    parked_[current_] = {std::move(source_), counters_before_, std::move(batch_)};
    batch_ = {};
  }
  current_ = index;
  if (const auto parked = parked_.find(index); parked != parked_.end()) {
    source_ = std::move(parked->second.source);
    counters_before_ = parked->second.counters_before;
    batch_ = std::move(parked->second.batch);
    parked_.erase(parked);
  } else if (batch_.capacity == 0) {
    batch_ = MicroBatch(spec().training->batch_size, plan_.setup->features.dense,
                        plan_.setup->schema.categorical_count());
  }
}

// A source in trouble tells before what it has fetched ahead is used up.
void Trainer::tell_warnings() {
  if (source_ == nullptr) return;
  for (const auto& warning : source_->take_warnings()) listener_.on_warning(warning);
}

void Trainer::on_starved() {
  tell_warnings();
  const auto now = steady_clock::now();
  starved_until_[current_] = now + kStarvedPause;
  const bool has_others = are_read_in_turn(spec().source) && !is_order_fixed() &&
                          starved_until_[choose_split(now)] <= now;
  if (!has_others) (void)source_->wait(kReadPatience);
}

void Trainer::end_split() {
  state_.splits[current_].progress.is_finished = true;
  source_.reset();
  --unfinished_;
}

Status Trainer::open_source() {
  const auto& state = state_.splits[current_];
  MILLRACE_ASSIGN(source_,
                  open_record_source(spec().source, plan_.setup->schema, plan_.splits[current_],
                                     state.progress.offset, spec().seed, slot_));
  MILLRACE_TRY(source_->restore(state.source));
  counters_before_ = state.counters;
  return {};
}

Status Trainer::read() {
  turn_to_split(choose_split(steady_clock::now()));
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
      if (outcome.is_starved) on_starved();
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
  if (outcome.state == FillState::end_of_split) end_split();
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
  MILLRACE_TRY(put_out_dead_letters());
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
