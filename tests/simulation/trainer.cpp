#include "tests/simulation/trainer.hpp"

#include <algorithm>
#include <utility>

#include "tests/simulation/ledger_values.hpp"

namespace millrace::sim {

namespace {

ReplicaOptions core_options(const World& world, Attempt attempt, ReplicaId replica, CutId restored,
                            std::uint32_t shards) {
  ReplicaOptions options;
  options.attempt = attempt;
  options.replica = replica;
  options.shards = shards;
  options.mode = world.options().mode;
  options.max_staleness = world.options().max_staleness;
  options.restored = restored;
  options.mutations = world.options().mutations.replica;
  return options;
}

}  // namespace

Trainer::Trainer(World& world, Address home, const Truth& truth, Checkers& checkers,
                 Attempt attempt, ReplicaId replica, CutId restored,
                 std::vector<SplitProgress> splits, bool has_all_splits, std::uint32_t shards,
                 Hooks hooks)
    : world_(world),
      home_(home),
      truth_(truth),
      checkers_(checkers),
      attempt_(attempt),
      replica_(replica),
      shards_(shards),
      hooks_(std::move(hooks)),
      core_(core_options(world, attempt, replica, restored, shards)),
      splits_(std::move(splits)),
      has_all_splits_(has_all_splits),
      views_(shards),
      view_sequences_(shards),
      moved_(shards) {}

void Trainer::start() {
  const bool is_empty = has_ended();
  execute(core_.start(is_empty ? Participation::finished : Participation::active));
}

bool Trainer::has_ended() const {
  return has_all_splits_ &&
         std::all_of(splits_.begin(), splits_.end(),
                     [](const SplitProgress& split) { return split.is_finished; });
}

void Trainer::execute(std::vector<ReplicaEffect> effects) {
  for (ReplicaEffect& effect : effects) {
    if (!world_.survives(home_)) return;
    if (const auto* send = std::get_if<SendEntry>(&effect)) {
      hooks_.send(send->entry);
    } else if (const auto* rebased = std::get_if<Rebase>(&effect)) {
      rebase(*rebased);
    } else if (const auto* take = std::get_if<TakeSnapshot>(&effect)) {
      snapshot(take->cut);
    } else if (std::holds_alternative<OutboxDrained>(effect)) {
      check_drained();
    }
  }
  for (std::uint32_t i = 0; i < shards_; ++i) {
    if (core_.unanswered(ShardId(i)) > 3) checkers_.report("an outbox holds more than 3 entries");
  }
}

// Additive modes: the answer contains every push through `sequence`; add what came later.
void Trainer::rebase(const Rebase& rebase) {
  const auto& values = static_cast<const LedgerView&>(*rebase.values).records;
  const std::uint32_t shard = rebase.shard.value;
  if (world_.options().mode == MergeMode::elastic) {
    moved_[shard].add(values);
    return;
  }
  views_[shard] = values;
  view_sequences_[shard] = rebase.sequence;
  for (const SplitProgress& split : splits_) {
    RecordSums known;
    if (const auto found = values.splits.find(split.split); found != values.splits.end()) {
      known = found->second;
    }
    const auto add = [&](const Fingerprint& records) {
      const auto found = records.splits.find(split.split);
      if (found != records.splits.end()) known.add(found->second);
    };
    for (const auto& [sequence, records] : frozen_) {
      if (sequence > rebase.sequence) add(records);
    }
    add(pending_);
    if (known != split.learned) checkers_.report("a replica's values do not hold its records once");
  }
}

void Trainer::check_drained() {
  frozen_.clear();
  if (world_.options().mode != MergeMode::elastic) return;
  for (const Fingerprint& moved : moved_) {
    if (moved != pushed_records_) checkers_.report("an elastic answer was lost or applied twice");
  }
}

void Trainer::snapshot(CutId cut) {
  if (world_.options().mutations.snapshot_one_batch_late && !late_snapshot_ && !has_ended()) {
    late_snapshot_ = cut;
    return;
  }
  late_snapshot_.reset();
  if (hooks_.outputs != nullptr) hooks_.outputs->close(cut);
  TrainerSnapshot snapshot{attempt_, cut, replica_, splits_, has_ended()};
  CausalCut::Seen seen;
  for (const Fingerprint& view : views_) {
    for (const auto& [split, sums] : view.splits) {
      seen.records[split] = std::max(seen.records[split], sums.count);
    }
  }
  seen.round = core_.pushed_round();
  seen.is_finished = core_.participation() == Participation::finished;
  checkers_.passed(attempt_, cut, replica_, std::move(seen));
  hooks_.snapshot(snapshot);
}

bool Trainer::read_batch() {
  for (std::size_t tried = 0; tried < splits_.size(); ++tried) {
    SplitProgress& split = splits_[next_split_++ % splits_.size()];
    RecordSums learned;
    for (std::uint32_t i = 0; i < world_.options().batch && !split.is_finished; ++i) {
      if (split.offset.value == truth_.size(split.split)) break;
      if (truth_.available(split.split, split.offset) > world_.now()) break;
      learned.add(split.split, split.offset);
      if (hooks_.outputs != nullptr) hooks_.outputs->put(split.split, split.offset);
      split.offset = split.offset.next();
      split.is_finished = has_all_splits_ && split.offset.value == truth_.size(split.split);
    }
    if (learned.count == 0) continue;
    split.learned.add(learned);
    pending_.add(split.split, learned);
    return true;
  }
  return false;
}

PushContent Trainer::take_pending(Participation participation) {
  PushContent content;
  content.participation = participation;
  if (pending_.splits.empty()) return content;
  content.records = pending_.records();
  content.fingerprint = pending_;
  const auto payload = std::make_shared<const LedgerPush>(pending_);
  content.payloads.assign(shards_, payload);
  return content;
}

void Trainer::push(Participation participation) {
  auto effects = core_.push(take_pending(participation));
  for (const ReplicaEffect& effect : effects) {
    if (const auto* send = std::get_if<SendEntry>(&effect)) pushed_ = send->entry.sequence;
  }
  if (!pending_.splits.empty()) frozen_[pushed_] = pending_;
  pushed_records_.add(pending_);
  pending_ = {};
  execute(std::move(effects));
}

void Trainer::take_due_cut() {
  if (!core_.cut_due()) return;
  std::optional<PushContent> content;
  if (!pending_.splits.empty()) content = take_pending(core_.participation());
  auto effects = core_.begin_cut(std::move(content));
  for (const ReplicaEffect& effect : effects) {
    const auto* send = std::get_if<SendEntry>(&effect);
    if (send == nullptr || send->entry.payload == nullptr) continue;
    frozen_[send->entry.sequence] = pending_;
  }
  pushed_records_.add(pending_);
  pending_ = {};
  execute(std::move(effects));
}

void Trainer::merge_point() {
  core_.end_round();
  if (core_.can_push()) push(Participation::active);
  if (world_.is_alive(home_)) take_due_cut();
}

void Trainer::step() {
  const bool is_synchronous = world_.options().mode == MergeMode::synchronous;
  const bool is_active = core_.participation() == Participation::active;
  if (core_.must_wait()) {
    if (core_.can_push() && !pending_.splits.empty() && !is_synchronous)
      push(Participation::active);
    if (!is_synchronous || core_.participation() == Participation::finished) take_due_cut();
    return;
  }
  if (core_.participation() == Participation::finished) {
    take_due_cut();
    if (core_.is_drained() && !reported_finished_) {
      reported_finished_ = true;
      hooks_.finished(replica_);
    }
    return;
  }
  if (has_ended()) {
    if (core_.can_push()) push(Participation::finished);
    if (world_.is_alive(home_)) take_due_cut();
    return;
  }
  if (!read_batch()) {
    if (core_.can_push() && !pending_.splits.empty() && !is_synchronous)
      push(Participation::active);
    if (is_active) execute(core_.announce(Participation::idle));
  } else {
    if (!is_active) execute(core_.announce(Participation::active));
    if (late_snapshot_) snapshot(*late_snapshot_);
    const std::uint64_t lead = core_.slowest_active_round().value + world_.options().max_staleness;
    if (!is_synchronous && is_active && core_.round().value > lead) {
      checkers_.report("a replica trains beyond max_staleness");
    }
    const std::uint64_t staleness = core_.round().value - core_.view_round().value;
    auto& most = world_.injected().staleness_most;
    most = std::max(most, staleness);
    batches_ += 1;
    if (batches_ % world_.options().merge_every == 0) {
      merge_point();
      return;
    }
  }
  if (!is_synchronous && world_.is_alive(home_)) take_due_cut();
}

void Trainer::tick() {
  execute(core_.resend());
  if (world_.is_alive(home_)) execute(core_.refresh());
}

void Trainer::on_answer(const Answer& answer) {
  const bool is_foreign = answer.attempt != attempt_;
  auto effects = core_.on_answer(answer);
  const bool changes = effects.size() != 1 || !std::holds_alternative<AnswerIgnored>(effects[0]);
  if (is_foreign && changes) checkers_.report("an answer of another attempt changed a replica");
  execute(std::move(effects));
}

void Trainer::request_cut(CutId cut) {
  core_.request_cut(cut);
}
void Trainer::abort_cut(CutId cut) {
  core_.abort_cut(cut);
}

}  // namespace millrace::sim
