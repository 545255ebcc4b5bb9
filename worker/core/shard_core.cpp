#include "worker/core/shard_core.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "common/base/check.hpp"
#include "common/base/limits.hpp"
#include "common/base/mark.hpp"

namespace millrace {

ShardCore::ShardCore(const ShardOptions& options, std::unique_ptr<ShardValues> values,
                     ShardLedger ledger, CutId restored)
    : options_(options),
      values_(std::move(values)),
      ledger_(std::move(ledger)),
      streams_(options.replicas),
      closed_(restored) {
  MILLRACE_CHECK(values_ != nullptr);
  MILLRACE_CHECK(options_.replicas >= 1 && options_.replicas <= limits::kReplicasMax);
  for (auto& stream : streams_) stream.passed = restored;
}

std::optional<CutId> ShardCore::aligning() const {
  if (!alignment_) return std::nullopt;
  return alignment_->cut;
}

std::optional<IgnoreReason> ShardCore::refuse(const Entry& entry) const {
  if (has_failed_) return IgnoreReason::failed;
  const bool is_mine = entry.attempt == options_.attempt;
  if (!is_mine && !options_.mutations.accept_old_attempts) return IgnoreReason::old_attempt;
  if (entry.shard != options_.shard || entry.replica.value >= streams_.size()) {
    return IgnoreReason::wrong_address;
  }
  const Stream& stream = streams_[entry.replica.value];
  if (entry.sequence <= stream.accepted && !options_.mutations.apply_duplicates) {
    return IgnoreReason::duplicate;
  }
  if (entry.sequence > stream.accepted.next() && !options_.mutations.skip_gaps) {
    return IgnoreReason::gap;
  }
  // A peer that sends more than its outbox holds is not believed; the entry will come again.
  if (stream.waiting.size() >= limits::kOutboxEntriesMax) return IgnoreReason::gap;
  return std::nullopt;
}

std::vector<ShardEffect> ShardCore::on_entry(const Entry& entry) {
  Effects effects;
  if (const auto reason = refuse(entry)) {
    effects.emplace_back(EntryIgnored{entry.replica, entry.sequence, *reason});
    if (*reason == IgnoreReason::duplicate) answer_again(entry, effects);
    return effects;
  }
  if (entry.payload != nullptr) {
    if (Status status = values_->check(*entry.payload); !status.is_ok()) {
      has_failed_ = true;
      effects.emplace_back(ShardFailed{
          status.with_context("shard " + std::to_string(options_.shard.value) +
                              ", push of replica " + std::to_string(entry.replica.value))});
      return effects;
    }
  }
  accept(entry, effects);
  return effects;
}

void ShardCore::accept(const Entry& entry, Effects& effects) {
  Stream& stream = streams_[entry.replica.value];
  stream.accepted = std::max(stream.accepted, entry.sequence);
  if (options_.mode == MergeMode::synchronous) {
    stream.waiting.push_back(entry);
    run_rounds(effects);
  } else if (entry.kind == EntryKind::push) {
    apply_push(entry, stream, effects);
  } else {
    apply_barrier(entry, stream, effects);
  }
}

void ShardCore::answer_again(const Entry& entry, Effects& effects) {
  Stream& stream = streams_[entry.replica.value];
  // Taken in but waiting for its round: the answer comes with the round.
  if (entry.sequence > stream.applied) {
    MILLRACE_MARK(entry_again_before_its_round);
    return;
  }
  if (options_.mode != MergeMode::elastic) {
    send_answer(entry.replica, stream, nullptr, effects);
    return;
  }
  for (const Answer& answer : stream.kept_answers) {
    if (answer.sequence == entry.sequence) effects.emplace_back(SendAnswer{answer});
  }
}

void ShardCore::advance(const Entry& entry, Stream& stream) {
  const bool rejoins =
      stream.participation != Participation::active && entry.participation == Participation::active;
  if (rejoins) {
    MILLRACE_MARK(replica_rejoined);
    stream.round = std::max(stream.round, slowest_active_round());
  }
  stream.applied = std::max(stream.applied, entry.sequence);
  stream.participation = entry.participation;
  stream.round = std::max(stream.round, entry.round);
}

void ShardCore::apply_push(const Entry& entry, Stream& stream, Effects& effects) {
  if (entry.payload != nullptr) {
    apply_to_views(entry, stream, effects);
    note_records(stream, entry.records);
  }
  advance(entry, stream);
  send_answer(entry.replica, stream, entry.payload.get(), effects);
}

void ShardCore::apply_to_views(const Entry& entry, const Stream& stream, Effects& effects) {
  const auto& bugs = options_.mutations;
  const bool is_late = alignment_ && !is_in_cut(stream);
  if (is_late && !bugs.late_push_into_cut) split_views(effects);
  values_->apply(entry.replica, *entry.payload, entry.weight);
  ledger_.add(entry.replica, entry.round, entry.weight, entry.fingerprint);
  const bool belongs_to_cut = is_in_cut(stream) || bugs.late_push_into_cut;
  if (!alignment_ || alignment_->values == nullptr || !belongs_to_cut) return;
  if (bugs.forget_cut_view_of_early_push) return;
  alignment_->values->apply(entry.replica, *entry.payload, entry.weight);
  alignment_->ledger.add(entry.replica, entry.round, entry.weight, entry.fingerprint);
}

bool ShardCore::is_in_cut(const Stream& stream) const {
  return alignment_ && stream.passed < alignment_->cut;
}

// Before the first push from behind the cut, both views are one object. A second one that would
// take too much memory closes the cut instead.
void ShardCore::split_views(Effects& effects) {
  if (alignment_->values != nullptr) return;
  const std::size_t bytes = values_->bytes();
  if (bytes > options_.second_view_bytes_max) {
    const CutId cut = alignment_->cut;
    close_cut(cut);
    MILLRACE_MARK(second_view_refused);
    effects.emplace_back(CutRefused{
        cut,
        Status(Code::resource_exhausted,
               "shard " + std::to_string(options_.shard.value) + " needs " + std::to_string(bytes) +
                   " bytes for a second view in cut " + std::to_string(cut.value) +
                   ", allowed are " + std::to_string(options_.second_view_bytes_max),
               "use more shards, or give the workers more memory")});
    return;
  }
  alignment_->values = values_->clone();
  alignment_->ledger = ledger_;
  MILLRACE_MARK(views_split);
}

void ShardCore::apply_barrier(const Entry& entry, Stream& stream, Effects& effects) {
  stream.applied = std::max(stream.applied, entry.sequence);
  // The cut before can only have been aborted: the job master has at most one in flight.
  if (alignment_ && entry.cut > alignment_->cut) {
    MILLRACE_MARK(barrier_of_a_later_cut);
    close_cut(alignment_->cut);
  }
  const bool is_late = entry.cut <= closed_ || (alignment_ && entry.cut < alignment_->cut);
  stream.passed = std::max(stream.passed, entry.cut);
  if (is_late && options_.mutations.reuse_aborted_barriers && alignment_) {
    stream.passed = alignment_->cut;
  }
  if (is_late) MILLRACE_MARK(barrier_of_a_closed_cut);
  if (!is_late && !alignment_) alignment_.emplace(Alignment{entry.cut, nullptr, {}});
  if (alignment_) complete_alignment(effects);
  send_answer(entry.replica, stream, nullptr, effects);
}

void ShardCore::complete_alignment(Effects& effects) {
  for (const Stream& stream : streams_) {
    if (stream.passed < alignment_->cut) return;
  }
  CutReady ready{alignment_->cut, nullptr, {}};
  const bool has_diverged = alignment_->values != nullptr;
  ready.ledger = has_diverged ? std::move(alignment_->ledger) : ledger_;
  ready.values = has_diverged ? std::move(alignment_->values) : values_->clone();
  close_cut(ready.cut);
  effects.emplace_back(std::move(ready));
}

void ShardCore::close_cut(CutId cut) {
  closed_ = std::max(closed_, cut);
  if (alignment_ && alignment_->cut <= cut) alignment_.reset();
  if (requested_ && *requested_ <= cut) requested_.reset();
  if (ordered_ && ordered_->cut <= cut) ordered_.reset();
}

std::vector<ShardEffect> ShardCore::request_cut(CutId cut) {
  const bool names_rounds = options_.mode == MergeMode::synchronous && options_.shard == ShardId(0);
  const bool is_known = cut <= closed_ || (ordered_ && ordered_->cut >= cut);
  if (names_rounds && !is_known && !has_failed_) requested_ = cut;
  return {};
}

std::vector<ShardEffect> ShardCore::abort_cut(CutId cut) {
  if (cut > closed_) close_cut(cut);
  return {};
}

void ShardCore::send_answer(ReplicaId replica, Stream& stream, const PushPayload* applied,
                            Effects& effects) {
  const bool from_cut = is_in_cut(stream) && alignment_->values != nullptr &&
                        !options_.mutations.answer_live_while_aligning;
  ShardValues& view = from_cut ? *alignment_->values : *values_;
  Answer answer;
  answer.attempt = options_.attempt;
  answer.replica = replica;
  answer.shard = options_.shard;
  answer.sequence = stream.applied;
  answer.slowest_active_round = slowest_active_round();
  answer.recent_share = recent_share(stream);
  answer.passed = stream.passed;
  if (ordered_ && ordered_->cut > stream.passed) answer.cut_order = ordered_;
  const bool is_elastic = options_.mode == MergeMode::elastic;
  if (!is_elastic || applied != nullptr) answer.values = view.answer(replica, applied);
  if (is_elastic) {
    stream.kept_answers.push_back(answer);
    if (stream.kept_answers.size() > limits::kOutboxEntriesMax) stream.kept_answers.pop_front();
  }
  effects.emplace_back(SendAnswer{std::move(answer)});
}

}  // namespace millrace
