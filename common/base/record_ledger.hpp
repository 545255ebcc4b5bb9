// Counts which records a state contains, so that "exactly once" is an equality of integers.
//
// Place: a trainer adds each record it learns; every push carries the sums of its records, every
// shard adds them to each view it applies the push to, and every trainer snapshot carries them per
// split. At a cut the job master compares: trainers and shards must agree, or the cut is never
// completed.
//
// Invariant: sums commute, so any order of pushes gives the same ledger; two different multisets of
// records collide with a probability of about 2^-190.
#pragma once

#include <bit>
#include <cstdint>
#include <map>
#include <vector>

#include "common/base/digest.hpp"
#include "common/base/ids.hpp"

namespace millrace {

// Sums over a multiset of records. Plain numbers: cheap enough for each record of a hot path.
struct RecordSums {
  std::uint64_t count = 0;
  std::uint64_t sum_low = 0;  // 128-bit sum of one hash of each record
  std::uint64_t sum_high = 0;
  std::uint64_t second = 0;  // sum modulo 2^64 of an independent hash
  std::uint64_t parity = 0;  // exclusive or of the first hash

  void add(SplitId split, Offset offset) {
    const std::uint64_t hash = mix64(mix64(split.value) ^ offset.value);
    add_wide(hash, 0);
    count += 1;
    second += mix64(hash ^ 0x6A09E667F3BCC909ull);
    parity ^= hash;
  }
  void add(const RecordSums& other) {
    add_wide(other.sum_low, other.sum_high);
    count += other.count;
    second += other.second;
    parity ^= other.parity;
  }
  friend bool operator==(const RecordSums&, const RecordSums&) = default;

  template <typename Inspector>
  friend typename Inspector::result_type inspect(Inspector& inspector, RecordSums& s) {
    return inspector(s.count, s.sum_low, s.sum_high, s.second, s.parity);
  }

 private:
  void add_wide(std::uint64_t low, std::uint64_t high) {
    sum_low += low;
    sum_high += high + (sum_low < low ? 1 : 0);
  }
};

// The records of several splits. Splits without records are absent, so that equality is plain.
struct Fingerprint {
  std::map<SplitId, RecordSums> splits;

  // For a hot path keep a RecordSums per batch and add that once.
  void add(SplitId split, const RecordSums& sums) {
    if (sums.count != 0) splits[split].add(sums);
  }
  void add(const Fingerprint& other) {
    for (const auto& [split, sums] : other.splits) add(split, sums);
  }
  std::uint64_t records() const {
    std::uint64_t total = 0;
    for (const auto& [split, sums] : splits) total += sums.count;
    return total;
  }
  friend bool operator==(const Fingerprint&, const Fingerprint&) = default;

  template <typename Inspector>
  friend typename Inspector::result_type inspect(Inspector& inspector, Fingerprint& f) {
    return inspector(f.splits);
  }
};

// What one view of one shard contains. All shards of a cut must hold equal ledgers, weights
// included.
struct ShardLedger {
  Fingerprint records;
  std::uint64_t pushes = 0;   // pushes applied
  std::uint64_t weights = 0;  // sum modulo 2^64 of a hash of (replica, round, weight) of each push

  void add(ReplicaId replica, Round round, double weight, const Fingerprint& fingerprint) {
    records.add(fingerprint);
    pushes += 1;
    const std::uint64_t who = mix64(mix64(replica.value) ^ round.value);
    weights += mix64(who ^ std::bit_cast<std::uint64_t>(weight));
  }
  friend bool operator==(const ShardLedger&, const ShardLedger&) = default;

  template <typename Inspector>
  friend typename Inspector::result_type inspect(Inspector& inspector, ShardLedger& l) {
    return inspector(l.records, l.pushes, l.weights);
  }
};

// Where reading of a split stands: everything before `offset` is learned, and `learned` counts it.
struct SplitProgress {
  SplitId split;
  Offset offset;
  RecordSums learned;
  bool is_finished = false;  // the split has ended: nothing follows `offset`

  friend bool operator==(const SplitProgress&, const SplitProgress&) = default;

  template <typename Inspector>
  friend typename Inspector::result_type inspect(Inspector& inspector, SplitProgress& p) {
    return inspector(p.split, p.offset, p.learned, p.is_finished);
  }
};

// What a replica reads in an attempt, and from where.
struct ReplicaAssignment {
  ReplicaId replica;
  std::vector<SplitProgress> splits;
};

}  // namespace millrace
