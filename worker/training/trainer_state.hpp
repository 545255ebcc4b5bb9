// What a trainer contributes to a cut, beside the parameters: positions, counts, evaluation,
// ledger.
//
// Place: taken by the training thread between two micro-batches, written to the worker's state,
// read back when an attempt starts from the cut. The parameters are not here: the shards' snapshot
// is the truth, except in elastic averaging, where a replica stands beside the centre.
#pragma once

#include <cstdint>
#include <vector>

#include "common/base/bytes.hpp"
#include "common/base/ids.hpp"
#include "common/base/record_ledger.hpp"
#include "common/data/quarantine.hpp"
#include "common/ml/evaluation/evaluation.hpp"
#include "worker/core/stream.hpp"
#include "worker/sinks/lane_writer.hpp"
#include "worker/training/training_setup.hpp"

namespace millrace {

struct SplitState {
  SplitProgress progress;   // where reading stands, and the ledger of what was learned
  DecodeCounters counters;  // of the split, since the job began
  Bytes source = {};        // RecordSource::state(); most have none
};

struct TrainerState {
  explicit TrainerState(Evaluation figures) : evaluation(std::move(figures)) {}

  std::vector<SplitState> splits;  // ascending
  Evaluation evaluation;
  std::vector<QuarantineEntry> quarantine;  // kept entries, at most limits::kQuarantineEntriesKept
  // Elastic averaging only, where no view brings them: the replica's own theta and slots, and what
  // it knew of the shared statistics and the dictionary.
  ParameterState replica;
  std::vector<double> statistics;
  std::vector<DictionaryEntry> dictionary;
  std::vector<LaneState> lanes;  // what was put out and no sink was known to have

  DecodeCounters totals() const;
  Bytes encode() const;
  static Result<TrainerState> decode(ByteView bytes);
};

// A trainer that has read nothing yet.
TrainerState fresh_trainer_state(const TrainingSetup& setup);

// What a trainer tells while it works; right to a micro-batch.
struct TrainerProgress {
  DecodeCounters totals;
  std::vector<SplitProgress> splits;
  Bytes evaluation;  // encoded
};

// What a trainer hands over at a cut.
struct TrainerCut {
  CutId cut;
  DecodeCounters totals;
  std::vector<SplitProgress> splits;
  Bytes evaluation;          // encoded, also part of `state`
  Bytes state;               // TrainerState, encoded
  bool is_finished = false;  // no record is left
};

}  // namespace millrace
