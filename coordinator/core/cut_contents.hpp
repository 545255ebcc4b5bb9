// What a checkpoint's manifest says about its cut, and the reports it is made of.
//
// Place: trainers, shards and workers report; CutTracker collects; the shell stores CutContents as
// the manifest together with what it adds itself (schema, dictionary, job file).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/base/ids.hpp"
#include "common/base/record_ledger.hpp"

namespace millrace {

// A trainer has snapshotted its own state at a cut.
struct TrainerSnapshot {
  Attempt attempt;
  CutId cut;
  ReplicaId replica;
  std::vector<SplitProgress> splits;  // every split it owns
  bool is_finished = false;           // no data is left in any of them
};

// A shard has snapshotted its view of a cut.
struct ShardSnapshot {
  Attempt attempt;
  CutId cut;
  ShardId shard;
  ShardLedger ledger;
};

// What a worker wrote for a cut: one object per worker, holding all its trainers and shards.
struct PartDigest {
  WorkerId worker;
  std::string name;  // relative to the store, never reused
  std::uint64_t bytes = 0;
  std::uint32_t crc32c = 0;
  std::string sha256;  // 64 hexadecimal digits
  friend bool operator==(const PartDigest&, const PartDigest&) = default;
};

// All that a worker shipped for a cut is durable.
struct WorkerPart {
  Attempt attempt;
  CutId cut;
  PartDigest part;
};

struct CutContents {
  Term term;
  Attempt attempt;
  CutId cut;
  bool is_final = false;              // every split has ended: nothing is left to train on
  std::vector<SplitProgress> splits;  // ascending
  ShardLedger ledger;                 // the same in every shard
  std::vector<WorkerId> replicas;     // whose part holds each replica; empty in cut 0
  std::vector<WorkerId> shards;       // whose part holds each shard; empty in cut 0
  std::vector<PartDigest> parts;      // ascending by worker; empty in cut 0
  friend bool operator==(const CutContents&, const CutContents&) = default;
};

}  // namespace millrace
