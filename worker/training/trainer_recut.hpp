// Shares out what the replicas of a stored cut held to another number of replicas.
//
// Place: the state keeper calls it when an attempt starts from a cut of another parallelism; each
// worker does so for the replicas that it hosts, and all come to the same. Pure.
//
// Rules: what belongs to a split (position, counts, history of its evaluation, quarantined records)
// goes to the replica that reads it from now on. The sums of the evaluation over all records go to
// replica 0. In elastic averaging, replica i stands where the old replica i stood, counted round;
// where there are fewer than before, what the others had not told the centre yet is lost.
//
// Invariant: over all new replicas together no record is counted twice or lost.
#pragma once

#include <span>
#include <vector>

#include "worker/training/trainer_state.hpp"

namespace millrace {

// `old`: the state of every old replica, in order; `splits`: those of the new replica, ascending.
// `fresh`: a state that has read nothing. Fails with corrupted when no old replica has one of the
// splits, two have it, or their figures are of another job.
Result<TrainerState> recut_trainer_state(std::span<const TrainerState> old, ReplicaId replica,
                                         std::span<const SplitId> splits, TrainerState fresh);

}  // namespace millrace
