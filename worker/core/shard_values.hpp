// The numbers of a parameter shard behind an interface, so that the protocol knows nothing about
// them.
//
// Place: ShardCore owns one (two while a cut is aligned) and is the only caller. Implementations:
// float vectors with an optimiser in training, ledgers in the simulator. No threads, no I/O.
#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "common/base/ids.hpp"
#include "common/base/status.hpp"
#include "worker/core/stream.hpp"

namespace millrace {

struct RoundPush {
  ReplicaId replica;
  const PushPayload* payload;  // never null
  double weight;               // this replica's share of the round's records; the shares sum to 1
};

class ShardValues {
 public:
  virtual ~ShardValues() = default;

  // Whether the payload fits: layout, finite, bounded. Called before anything is applied.
  virtual Status check(const PushPayload& payload) const = 0;
  // Asynchronous modes: one push.
  virtual void apply(ReplicaId replica, const PushPayload& payload, double weight) = 0;
  // `synchronous`: the pushes of one round, in replica order.
  virtual void apply_round(std::span<const RoundPush> pushes) = 0;
  // A deep copy, independent from now on.
  virtual std::unique_ptr<ShardValues> clone() const = 0;
  // The values for this replica. `applied` is the push that this object applied just before (only
  // then is it not null): in `elastic` the answer is what that push moved. Without it the replica
  // may refuse the answer as a duplicate: nothing in it counts as told.
  virtual std::shared_ptr<const ViewPayload> answer(ReplicaId replica,
                                                    const PushPayload* applied) = 0;
  // Memory that a clone would take.
  virtual std::size_t bytes() const = 0;
};

}  // namespace millrace
