#include "worker/core/replica_core.hpp"

#include <algorithm>
#include <utility>

#include "common/base/check.hpp"
#include "common/base/limits.hpp"
#include "common/base/mark.hpp"

namespace millrace {

ReplicaCore::ReplicaCore(const ReplicaOptions& options)
    : options_(options), outboxes_(options.shards), last_cut_(options.restored) {
  MILLRACE_CHECK(options_.shards >= 1);
  MILLRACE_CHECK(options_.max_staleness >= 1);
}

std::vector<ReplicaEffect> ReplicaCore::start(Participation participation) {
  MILLRACE_CHECK(sequence_ == Sequence(0));
  Effects effects;
  PushContent nothing;
  nothing.participation = participation;
  append_push(nothing, effects);
  return effects;
}

bool ReplicaCore::is_ready() const {
  return std::all_of(outboxes_.begin(), outboxes_.end(),
                     [](const Outbox& outbox) { return outbox.answered >= Sequence(1); });
}

bool ReplicaCore::is_drained() const {
  return std::all_of(outboxes_.begin(), outboxes_.end(),
                     [](const Outbox& outbox) { return outbox.entries.empty(); });
}

void ReplicaCore::end_round() {
  round_ = round_.next();
}

bool ReplicaCore::can_push() const {
  return is_ready() && is_drained();
}

std::vector<ReplicaEffect> ReplicaCore::push(const PushContent& content) {
  MILLRACE_CHECK(can_push());
  Effects effects;
  announcement_.reset();
  append_push(content, effects);
  return effects;
}

std::vector<ReplicaEffect> ReplicaCore::announce(Participation participation) {
  Effects effects;
  // A round waits for idle replicas: there is nothing to tell.
  if (is_synchronous() && participation == Participation::idle) return effects;
  if (participation == participation_ && !announcement_) return effects;
  announcement_ = participation;
  if (can_push()) after_answer(effects);
  return effects;
}

double ReplicaCore::weight() const {
  return options_.mode == MergeMode::async_average ? outboxes_.front().recent_share : 1.0;
}

void ReplicaCore::append_push(const PushContent& content, Effects& effects) {
  MILLRACE_CHECK(content.payloads.empty() || content.payloads.size() == outboxes_.size());
  const bool is_first = sequence_ == Sequence(0);
  sequence_ = sequence_.next();
  if (is_synchronous()) {
    pushed_round_ = is_first ? Round(0) : pushed_round_.next();
  } else {
    pushed_round_ = round_;
  }
  participation_ = content.participation;
  Entry entry;
  entry.kind = EntryKind::push;
  entry.records = content.records;
  entry.fingerprint = content.fingerprint;
  for (std::uint32_t shard = 0; shard < outboxes_.size(); ++shard) {
    entry.shard = ShardId(shard);
    entry.weight = weight();
    if (options_.mutations.weigh_per_shard) entry.weight = 1.0 / (1.0 + shard);
    entry.payload = content.payloads.empty() ? nullptr : content.payloads[shard];
    append(entry, effects);
  }
}

void ReplicaCore::append_barrier(CutId cut, Effects& effects) {
  sequence_ = sequence_.next();
  Entry entry;
  entry.kind = EntryKind::barrier;
  entry.cut = cut;
  for (std::uint32_t shard = 0; shard < outboxes_.size(); ++shard) {
    entry.shard = ShardId(shard);
    append(entry, effects);
  }
}

void ReplicaCore::append(const Entry& entry, Effects& effects) {
  auto& entries = outboxes_[entry.shard.value].entries;
  MILLRACE_CHECK(entries.size() < limits::kOutboxEntriesMax);
  entries.push_back(entry);
  Entry& kept = entries.back();
  kept.attempt = options_.attempt;
  kept.replica = options_.replica;
  kept.sequence = sequence_;
  kept.round = pushed_round_;
  kept.participation = participation_;
  effects.emplace_back(SendEntry{kept});
}

Round ReplicaCore::view_round() const {
  Round oldest = outboxes_.front().view_round;
  for (const Outbox& outbox : outboxes_) oldest = std::min(oldest, outbox.view_round);
  return oldest;
}

Round ReplicaCore::slowest_active_round() const {
  Round slowest;
  for (const Outbox& outbox : outboxes_) slowest = std::max(slowest, outbox.slowest_active_round);
  return slowest;
}

bool ReplicaCore::leads_too_far() const {
  return round_.value > slowest_active_round().value + options_.max_staleness;
}

bool ReplicaCore::must_wait() const {
  if (!is_ready()) return true;
  if (is_synchronous()) return !is_drained();
  if (participation_ != Participation::active) return false;
  return round_.value >= view_round().value + options_.max_staleness || leads_too_far();
}

std::vector<ReplicaEffect> ReplicaCore::refresh() {
  Effects effects;
  if (is_synchronous() || !can_push() || !must_wait()) return effects;
  PushContent nothing;
  nothing.participation = participation_;
  append_push(nothing, effects);
  return effects;
}

void ReplicaCore::request_cut(CutId cut) {
  if (cut <= last_cut_) return;
  if (!requested_ || *requested_ < cut) requested_ = cut;
}

void ReplicaCore::abort_cut(CutId cut) {
  last_cut_ = std::max(last_cut_, cut);
  if (requested_ && *requested_ <= cut) requested_.reset();
  if (ordered_ && ordered_->cut <= cut) ordered_.reset();
}

bool ReplicaCore::has_room_for_cut() const {
  return std::all_of(outboxes_.begin(), outboxes_.end(), [](const Outbox& outbox) {
    return outbox.entries.size() + 2 <= limits::kOutboxEntriesMax;
  });
}

std::optional<CutId> ReplicaCore::cut_due() const {
  if (!is_ready() || !has_room_for_cut()) return std::nullopt;
  if (!is_synchronous()) return requested_;
  // Nothing of a finished replica can straddle a cut.
  if (participation_ == Participation::finished && requested_) return requested_;
  if (ordered_ && ordered_->after_round == pushed_round_) return ordered_->cut;
  return std::nullopt;
}

std::vector<ReplicaEffect> ReplicaCore::begin_cut(std::optional<PushContent> pending) {
  const auto cut = cut_due();
  MILLRACE_CHECK(cut.has_value());
  MILLRACE_CHECK(!(is_synchronous() && pending));
  Effects effects;
  if (pending && !options_.mutations.barrier_without_push) {
    announcement_.reset();
    append_push(*pending, effects);
  }
  append_barrier(*cut, effects);
  if (pending && options_.mutations.barrier_without_push) append_push(*pending, effects);
  abort_cut(*cut);  // requested and ordered no more
  draining_cut_ = *cut;
  draining_sequence_ = sequence_;
  effects.emplace_back(TakeSnapshot{*cut});
  return effects;
}

std::optional<IgnoreReason> ReplicaCore::refuse(const Answer& answer) const {
  const bool is_mine = answer.attempt == options_.attempt;
  if (!is_mine && !options_.mutations.accept_old_attempts) return IgnoreReason::old_attempt;
  if (answer.replica != options_.replica || answer.shard.value >= outboxes_.size()) {
    return IgnoreReason::wrong_address;
  }
  const Outbox& outbox = outboxes_[answer.shard.value];
  if (answer.sequence > sequence_) return IgnoreReason::gap;
  if (answer.sequence <= outbox.answered) return IgnoreReason::duplicate;
  // Each elastic answer moves theta once: none may be skipped.
  const bool skips = answer.sequence > outbox.answered.next();
  if (options_.mode == MergeMode::elastic && skips) {
    MILLRACE_MARK(elastic_answer_skipped);
    return IgnoreReason::gap;
  }
  return std::nullopt;
}

std::vector<ReplicaEffect> ReplicaCore::on_answer(const Answer& answer) {
  Effects effects;
  if (const auto reason = refuse(answer)) {
    effects.emplace_back(AnswerIgnored{answer.shard, *reason});
    const bool rebases = options_.mutations.rebase_on_old_answers &&
                         *reason == IgnoreReason::duplicate && answer.values != nullptr;
    if (rebases) effects.emplace_back(Rebase{answer.shard, answer.sequence, answer.values});
    return effects;
  }
  Outbox& outbox = outboxes_[answer.shard.value];
  outbox.answered = answer.sequence;
  while (!outbox.entries.empty() && outbox.entries.front().sequence <= answer.sequence) {
    outbox.view_round = std::max(outbox.view_round, outbox.entries.front().round);
    outbox.entries.pop_front();
  }
  outbox.slowest_active_round = answer.slowest_active_round;
  outbox.recent_share = answer.recent_share;
  if (!is_synchronous()) catch_up(answer.slowest_active_round);
  if (answer.cut_order && answer.cut_order->cut > last_cut_) ordered_ = answer.cut_order;
  if (answer.values != nullptr) {
    effects.emplace_back(Rebase{answer.shard, answer.sequence, answer.values});
  }
  after_answer(effects);
  return effects;
}

// A replica that was away goes on at the round of the others; its view is no older for that.
void ReplicaCore::catch_up(Round others) {
  if (others <= round_) return;
  MILLRACE_MARK(replica_caught_up);
  const std::uint64_t missed = others.value - round_.value;
  round_ = others;
  for (Outbox& outbox : outboxes_) outbox.view_round.value += missed;
}

void ReplicaCore::after_answer(Effects& effects) {
  const bool cut_is_drained =
      draining_cut_ && std::all_of(outboxes_.begin(), outboxes_.end(), [&](const Outbox& outbox) {
        return outbox.answered >= draining_sequence_;
      });
  if (cut_is_drained) {
    effects.emplace_back(CutDrained{*draining_cut_});
    draining_cut_.reset();
  }
  if (!is_drained()) return;
  effects.emplace_back(OutboxDrained{});
  if (!announcement_) return;
  PushContent nothing;
  nothing.participation = *announcement_;
  announcement_.reset();
  append_push(nothing, effects);
}

std::vector<ReplicaEffect> ReplicaCore::resend() const {
  Effects effects;
  for (const Outbox& outbox : outboxes_) {
    for (const Entry& entry : outbox.entries) effects.emplace_back(SendEntry{entry});
  }
  return effects;
}

}  // namespace millrace
