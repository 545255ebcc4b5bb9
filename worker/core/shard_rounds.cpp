// The parts of ShardCore that concern rounds: the synchronous mode, staleness and weights.
#include <algorithm>
#include <utility>

#include "worker/core/shard_core.hpp"

namespace millrace {

void ShardCore::run_rounds(Effects& effects) {
  while (apply_waiting_barriers(effects) || apply_next_round(effects)) {
  }
}

bool ShardCore::apply_waiting_barriers(Effects& effects) {
  bool has_applied = false;
  for (Stream& stream : streams_) {
    while (!stream.waiting.empty() && stream.waiting.front().kind == EntryKind::barrier) {
      const Entry entry = std::move(stream.waiting.front());
      stream.waiting.pop_front();
      apply_barrier(entry, stream, effects);
      has_applied = true;
    }
  }
  return has_applied;
}

// A round is complete when every replica that is not finished has an entry in it. Idle replicas are
// waited for: what a round contains is defined by data, not by time.
bool ShardCore::apply_next_round(Effects& effects) {
  bool has_push = false;
  for (const Stream& stream : streams_) {
    if (stream.waiting.empty() && stream.participation != Participation::finished) return false;
    has_push = has_push || !stream.waiting.empty();
  }
  if (!has_push) return false;
  std::vector<Entry> round;
  for (Stream& stream : streams_) {
    if (stream.waiting.empty()) continue;
    round.push_back(std::move(stream.waiting.front()));
    stream.waiting.pop_front();
  }
  apply_round_to_views(round, effects);
  name_round();
  for (const Entry& entry : round) {
    Stream& stream = streams_[entry.replica.value];
    advance(entry, stream);
  }
  for (const Entry& entry : round) {
    send_answer(entry.replica, streams_[entry.replica.value], nullptr, effects);
  }
  return true;
}

void ShardCore::apply_round_to_views(std::span<const Entry> round, Effects& effects) {
  std::uint64_t total = 0;
  bool has_late = false;
  for (const Entry& entry : round) {
    if (entry.payload == nullptr) continue;
    total += entry.records;
    has_late = has_late || !is_in_cut(streams_[entry.replica.value]);
  }
  if (alignment_ && has_late && !options_.mutations.late_push_into_cut) split_views(effects);
  const bool has_second_view = alignment_ && alignment_->values != nullptr;
  std::vector<RoundPush> live, cut;
  for (const Entry& entry : round) {
    if (entry.payload == nullptr) continue;
    const double weight =
        total == 0 ? 0.0 : static_cast<double>(entry.records) / static_cast<double>(total);
    live.push_back(RoundPush{entry.replica, entry.payload.get(), weight});
    ledger_.add(entry.replica, entry.round, weight, entry.fingerprint);
    const bool belongs_to_cut =
        is_in_cut(streams_[entry.replica.value]) || options_.mutations.late_push_into_cut;
    if (!has_second_view || !belongs_to_cut) continue;
    if (options_.mutations.forget_cut_view_of_early_push) continue;
    cut.push_back(live.back());
    alignment_->ledger.add(entry.replica, entry.round, weight, entry.fingerprint);
  }
  if (!live.empty()) values_->apply_round(live);
  if (!cut.empty()) alignment_->values->apply_round(cut);
  next_round_ = next_round_.next();
}

// Every active replica waits for the answers of the round just applied, so all of them learn the
// name before they can pass the round that it names.
void ShardCore::name_round() {
  if (!requested_) return;
  ordered_ = CutOrder{*requested_, next_round_};
  requested_.reset();
}

void ShardCore::note_records(Stream& stream, std::uint64_t records) {
  std::size_t active = 0;
  for (const Stream& other : streams_) active += other.participation == Participation::active;
  // Forgets over about eight pushes of each active replica.
  const double decay = 1.0 - 1.0 / (8.0 * static_cast<double>(std::max<std::size_t>(active, 1)));
  for (Stream& other : streams_) other.recent_records *= decay;
  stream.last_records = static_cast<double>(records);
  stream.recent_records += stream.last_records;
}

double ShardCore::recent_share(const Stream& stream) const {
  double others = 0.0;
  std::size_t active_others = 0;
  for (const Stream& other : streams_) {
    if (&other == &stream || other.participation != Participation::active) continue;
    others += other.recent_records;
    ++active_others;
  }
  if (active_others == 0) return 1.0;
  // The asker's last push is the freshest of all; half of it makes equal replicas equal on average.
  const double own = std::max(0.0, stream.recent_records - 0.5 * stream.last_records);
  if (own <= 0.0 || others <= 0.0) return 1.0 / static_cast<double>(active_others + 1);
  return own / (own + others);
}

Round ShardCore::slowest_active_round() const {
  std::optional<Round> slowest;
  Round newest;
  for (const Stream& stream : streams_) {
    newest = std::max(newest, stream.round);
    if (stream.participation != Participation::active) continue;
    slowest = slowest ? std::min(*slowest, stream.round) : stream.round;
  }
  return slowest.value_or(newest);
}

}  // namespace millrace
