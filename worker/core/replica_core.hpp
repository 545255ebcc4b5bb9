// A replica's protocol: what it pushes, when it may, what it does with answers, and where it cuts.
//
// Place: a trainer owns one per attempt; its shell freezes payloads, calls these methods between
// two micro-batches and executes the effects in order. Pure: no I/O, no clock, no threads.
//
// The shell's loop at a merge point (every `merge.every` micro-batches):
//   core.end_round();
//   if (core.can_push()) execute(core.push(what was learned since the last push));
//   if (auto cut = core.cut_due()) execute(core.begin_cut(what was learned since, or nothing));
//   while (core.must_wait()) wait for answers; on a timer: execute(core.resend()),
//   execute(core.refresh())
// In asynchronous modes cut_due() is also asked between other micro-batches.
//
// Invariant: at most three entries per shard are unanswered (push, barrier push, barrier), and a
// resent entry is the same object.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <variant>
#include <vector>

#include "common/config/job_spec.hpp"
#include "worker/core/stream.hpp"

namespace millrace {

// Deliberate bugs for the simulator; production leaves all of them off.
struct ReplicaMutations {
  bool rebase_on_old_answers = false;
  bool accept_old_attempts = false;
  bool weigh_per_shard = false;
  bool barrier_without_push = false;
};

struct ReplicaOptions {
  Attempt attempt;
  ReplicaId replica;
  std::uint32_t shards = 1;
  MergeMode mode = MergeMode::async_average;
  // Rounds that a replica trains on one view, and rounds it leads the slowest active replica.
  // Larger never waits, smaller learns from fresher values.
  std::uint32_t max_staleness = 16;
  CutId restored;  // the cut this attempt starts from
  ReplicaMutations mutations;
};

// What a replica learned since its last push.
struct PushContent {
  std::vector<std::shared_ptr<const PushPayload>>
      payloads;  // one per shard; empty: nothing was learned
  std::uint64_t records = 0;
  Fingerprint fingerprint;
  Participation participation = Participation::active;  // from this push on
};

struct SendEntry {
  Entry entry;
};
// Set theta of this shard to `values` plus what was learned after push `sequence` was frozen. In
// `elastic`: move theta by `values`.
struct Rebase {
  ShardId shard;
  Sequence sequence;
  std::shared_ptr<const ViewPayload> values;
};
// Snapshot the trainer's own state and offsets now, before anything else is learned.
struct TakeSnapshot {
  CutId cut;
};
// Every shard has answered the barrier. In `elastic` the snapshot's theta is final only now: moves
// of answers between TakeSnapshot and this belong to the snapshot too.
struct CutDrained {
  CutId cut;
};
// Every entry to every shard is answered.
struct OutboxDrained {};
struct AnswerIgnored {
  ShardId shard;
  IgnoreReason reason;
};
using ReplicaEffect =
    std::variant<SendEntry, Rebase, TakeSnapshot, CutDrained, OutboxDrained, AnswerIgnored>;

class ReplicaCore {
 public:
  explicit ReplicaCore(const ReplicaOptions& options);

  // The first entry: asks every shard for its values. A replica without splits starts `finished`.
  std::vector<ReplicaEffect> start(Participation participation);
  // Every shard has answered `start`: theta is known, training may begin.
  bool is_ready() const;

  // Counts one more round trained on the present view.
  void end_round();
  bool can_push() const;
  // Precondition: can_push().
  std::vector<ReplicaEffect> push(const PushContent& content);
  // Tells the shards as soon as the outbox is empty.
  std::vector<ReplicaEffect> announce(Participation participation);
  // Training must stop here: the view is too old, or this replica leads too far, or a round is
  // open.
  bool must_wait() const;
  // While waiting for slower replicas: asks for news when nothing is under way.
  std::vector<ReplicaEffect> refresh();

  // The job master's wish for a cut; repeated and old requests change nothing.
  void request_cut(CutId cut);
  void abort_cut(CutId cut);
  // The cut to take now, between two micro-batches. In `synchronous` mode only right after a push.
  std::optional<CutId> cut_due() const;
  // Precondition: cut_due(). `pending` is what was learned since the last push; none in
  // `synchronous` mode.
  std::vector<ReplicaEffect> begin_cut(std::optional<PushContent> pending);

  std::vector<ReplicaEffect> on_answer(const Answer& answer);
  // After a reconnection or a timeout: every unanswered entry again.
  std::vector<ReplicaEffect> resend() const;

  // The weight that the next push will carry.
  double weight() const;
  Round round() const { return round_; }
  Round pushed_round() const { return pushed_round_; }
  Round slowest_active_round() const;
  // Of the oldest view among the shards: round() - view_round() is its staleness.
  Round view_round() const;
  Participation participation() const { return participation_; }
  bool is_drained() const;
  std::size_t unanswered(ShardId shard) const { return outboxes_[shard.value].entries.size(); }

 private:
  struct Outbox {
    Sequence answered;
    std::deque<Entry> entries;
    Round view_round;
    Round slowest_active_round;
    double recent_share = 1.0;
  };
  using Effects = std::vector<ReplicaEffect>;

  void append_push(const PushContent& content, Effects& effects);
  void append_barrier(CutId cut, Effects& effects);
  std::optional<IgnoreReason> refuse(const Answer& answer) const;
  bool is_synchronous() const { return options_.mode == MergeMode::synchronous; }
  bool leads_too_far() const;
  void append(const Entry& entry, Effects& effects);
  void catch_up(Round others);
  void after_answer(Effects& effects);
  bool has_room_for_cut() const;

  ReplicaOptions options_;
  std::vector<Outbox> outboxes_;
  Sequence sequence_;   // last entry made
  Round round_;         // rounds trained
  Round pushed_round_;  // round of the last push
  Participation participation_ = Participation::active;
  std::optional<Participation> announcement_;  // waits for an empty outbox
  std::optional<CutId> requested_;
  std::optional<CutOrder> ordered_;
  Sequence draining_sequence_;         // of that barrier
  std::optional<CutId> draining_cut_;  // barrier sent, not answered by all
  CutId last_cut_;                     // newest cut begun or aborted
};

}  // namespace millrace
