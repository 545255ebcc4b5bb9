// What travels between a replica and a parameter shard: entries one way, answers the other.
//
// Place: each replica has one stream to every shard. Entries are numbered consecutively from 1, and
// every push, announcement and barrier goes to all shards, so the streams of a replica have the
// same shape. Entries are frozen when they are made and resent byte-identical until answered.
//
// Payloads are opaque here: float vectors in production, ledgers in the simulator.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "common/base/ids.hpp"
#include "common/base/record_ledger.hpp"

namespace millrace {

// What a replica learned, cut to one shard. Immutable once made.
struct PushPayload {
  virtual ~PushPayload() = default;
};

// What a shard answers: its values, or in `elastic` what the push moved. Immutable once made.
struct ViewPayload {
  virtual ~ViewPayload() = default;
};

enum class EntryKind : std::uint8_t { push, barrier };

// idle: no data at the moment; finished: no data ever again in this attempt. Neither is waited for
// in a round or counted in staleness; both still take barriers.
enum class Participation : std::uint8_t { active, idle, finished };

struct Entry {
  Attempt attempt;
  ReplicaId replica;
  ShardId shard;
  Sequence sequence;  // from 1, without gaps
  EntryKind kind = EntryKind::push;
  CutId cut;                  // barrier: the cut it defines
  Round round;                // push: the replica's round; barrier: the last round before it
  std::uint64_t records = 0;  // push: records learned
  double weight = 1.0;        // push: computed once by the replica, the same for all shards
  Participation participation = Participation::active;  // what the replica is from here on
  Fingerprint fingerprint;                              // push: which records
  std::shared_ptr<const PushPayload> payload;  // null: an announcement, or nothing was learned
};

// In `synchronous` mode the first shard names the round after which all replicas cut: every active
// replica needs its answer before it goes on, so all learn of it in time and no round straddles the
// cut.
struct CutOrder {
  CutId cut;
  Round after_round;
  friend bool operator==(const CutOrder&, const CutOrder&) = default;
};

struct Answer {
  Attempt attempt;
  ReplicaId replica;
  ShardId shard;
  Sequence sequence;           // `values` contain every entry of this replica through this one
  Round slowest_active_round;  // of all active replicas, as this shard knows them
  double recent_share = 1.0;   // of records recently learned; exactly 1 when alone
  CutId passed;                // newest cut this replica has passed: later cuts are not in `values`
  std::optional<CutOrder> cut_order;          // synchronous mode, first shard only
  std::shared_ptr<const ViewPayload> values;  // null in `elastic` when the entry was no push
};

// Why a message changed nothing: counted by the shells.
enum class IgnoreReason : std::uint8_t {
  old_attempt,    // from before a restart, or from a later one that has not reached this process
  wrong_address,  // another shard or replica
  duplicate,      // applied already; an entry is answered again
  gap,            // an earlier entry is missing: it will be resent in order
  old_cut,        // a barrier or request of a cut that was closed
  failed          // this core has failed and waits for the next attempt
};

const char* to_string(IgnoreReason reason);

}  // namespace millrace
