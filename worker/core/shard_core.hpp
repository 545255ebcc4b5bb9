// A parameter shard's protocol: applies pushes exactly once and takes its part of every cut.
//
// Place: a shard actor owns one per attempt, feeds it what arrives and executes the effects in
// order. A new attempt is a new core, built from the cut's values and ledger. Pure: no I/O, no
// clock, no threads.
//
// Invariants: entries of a replica are applied strictly in sequence, each once per view. While cut
// n is aligned there are two views: a push of a replica that has not passed n goes into both and is
// answered from the cut's, a push of one that has goes into the live values only. Every replica
// takes every barrier.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <variant>
#include <vector>

#include "common/config/job_spec.hpp"
#include "worker/core/shard_values.hpp"
#include "worker/core/stream.hpp"

namespace millrace {

// Deliberate bugs, so that the simulator can show that it finds them. Production leaves all of them
// off.
struct ShardMutations {
  bool apply_duplicates = false;
  bool accept_old_attempts = false;
  bool skip_gaps = false;
  bool answer_live_while_aligning = false;
  bool late_push_into_cut = false;
  bool forget_cut_view_of_early_push = false;
  bool reuse_aborted_barriers = false;
};

struct ShardOptions {
  Attempt attempt;
  ShardId shard;
  std::uint32_t replicas = 1;
  MergeMode mode = MergeMode::async_average;
  // A cut that needs a second view larger than this is refused. More memory, fewer refused cuts.
  std::size_t second_view_bytes_max = std::size_t{2} << 30;
  ShardMutations mutations;
};

struct SendAnswer {
  Answer answer;
};
// The cut's values, for the checkpoint; the core keeps no reference to them.
struct CutReady {
  CutId cut;
  std::unique_ptr<ShardValues> values;
  ShardLedger ledger;
};
// This cut cannot be taken here: the job master should abort it.
struct CutRefused {
  CutId cut;
  Status status;
};
// The attempt cannot go on. The core ignores everything from now on.
struct ShardFailed {
  Status status;
};
struct EntryIgnored {
  ReplicaId replica;
  Sequence sequence;
  IgnoreReason reason;
};
using ShardEffect = std::variant<SendAnswer, CutReady, CutRefused, ShardFailed, EntryIgnored>;

class ShardCore {
 public:
  // `values` and `ledger` are those of `restored`, the cut this attempt starts from.
  ShardCore(const ShardOptions& options, std::unique_ptr<ShardValues> values, ShardLedger ledger,
            CutId restored);

  std::vector<ShardEffect> on_entry(const Entry& entry);
  // `synchronous` mode, first shard only: name a round for this cut. Elsewhere it changes nothing.
  std::vector<ShardEffect> request_cut(CutId cut);
  std::vector<ShardEffect> abort_cut(CutId cut);

  const ShardLedger& live_ledger() const { return ledger_; }
  // The cut that is being aligned, if any.
  std::optional<CutId> aligning() const;
  bool has_second_view() const { return alignment_ && alignment_->values != nullptr; }

 private:
  struct Stream {
    Sequence applied;   // last entry applied
    Sequence accepted;  // last entry taken in, >= applied: rounds wait in `waiting`
    CutId passed;       // newest barrier
    Round round;
    Participation participation = Participation::active;
    double recent_records = 0.0;
    double last_records = 0.0;
    std::deque<Entry> waiting;  // synchronous: accepted, not applied; at most kOutboxEntriesMax
    // Elastic: answers that cannot be made again, newest last; at most kOutboxEntriesMax.
    std::deque<Answer> kept_answers;
  };
  // A cut that some replicas have passed and others not.
  struct Alignment {
    CutId cut;
    std::unique_ptr<ShardValues> values;  // null: still equal to the live values
    ShardLedger ledger;                   // valid when `values` is not null
  };
  using Effects = std::vector<ShardEffect>;

  std::optional<IgnoreReason> refuse(const Entry& entry) const;
  void accept(const Entry& entry, Effects& effects);
  void answer_again(const Entry& entry, Effects& effects);
  void apply_push(const Entry& entry, Stream& stream, Effects& effects);
  void apply_to_views(const Entry& entry, const Stream& stream, Effects& effects);
  void advance(const Entry& entry, Stream& stream);
  void apply_barrier(const Entry& entry, Stream& stream, Effects& effects);
  void complete_alignment(Effects& effects);
  void run_rounds(Effects& effects);
  bool apply_waiting_barriers(Effects& effects);
  bool apply_next_round(Effects& effects);
  void apply_round_to_views(std::span<const Entry> round, Effects& effects);
  void name_round();
  bool is_in_cut(const Stream& stream) const;
  void split_views(Effects& effects);
  void close_cut(CutId cut);
  void note_records(Stream& stream, std::uint64_t records);
  void send_answer(ReplicaId replica, Stream& stream, const PushPayload* applied, Effects& effects);
  double recent_share(const Stream& stream) const;
  Round slowest_active_round() const;

  ShardOptions options_;
  std::unique_ptr<ShardValues> values_;
  ShardLedger ledger_;
  std::vector<Stream> streams_;
  std::optional<Alignment> alignment_;
  CutId closed_;                    // newest cut that is complete here or aborted
  std::optional<CutId> requested_;  // synchronous: waits for a round to be named
  std::optional<CutOrder> ordered_;
  Round next_round_;  // synchronous: the round that is being collected
  bool has_failed_ = false;
};

}  // namespace millrace
