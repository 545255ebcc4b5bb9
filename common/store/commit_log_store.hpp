// The bytes of the commit log: log/<k> is created only if absent, by whoever read entry k-1 as the
// last; what stands before an older snapshot is deleted.
//
// Place: the coordinator's shell does what the pure commit log decides, entry by entry; verbs of
// the CLI read the whole. An entry is one line of JSON with its CRC32C. Threads: one at a time.
//
// Invariant: of two writers of the same k exactly one finds its own entry there when it reads back,
// also when the answer to its write was lost on the way: the entry holds its writer's id. That an
// entry is there does not say that it counts, since a deleted index can be created again:
// coordinator/core/commit_log.hpp tells who must look for what.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/base/bytes.hpp"
#include "common/base/commit_entry.hpp"
#include "common/base/status.hpp"
#include "common/store/checkpoint_store.hpp"
#include "common/store/manifest.hpp"

namespace millrace {

const char* to_string(CommitKind kind);

// An entry as stored, and back; decode fails with `corrupted` or `unsupported_format`.
Bytes encode_commit_entry(const CommitEntry& entry);
Result<CommitEntry> decode_commit_entry(ByteView bytes);

class CommitLogStore {
 public:
  // `store` outlives this.
  explicit CommitLogStore(CheckpointStore& store) : store_(store) {}

  // Entries from the newest snapshot on, or from k = 0: all that LogState needs. A gap or a damaged
  // entry is `corrupted`: the log decides what exists, so it is never guessed at. What comes while
  // it is read may be left out.
  Result<std::vector<CommitEntry>> read_all();
  // The highest index in the store, nothing when the log is empty.
  Result<std::optional<std::uint64_t>> newest();
  // Nothing when there is no such entry.
  Result<std::optional<CommitEntry>> read(std::uint64_t k);
  // One put. An entry that existed may be ours all the same, and an error that is_ambiguous leaves
  // open whether it is there: both are settled by reading back.
  Result<PutOutcome> write(std::uint64_t k, const CommitEntry& entry);
  // Removes every entry below `below`. Only for who knows that a snapshot at or above it counts.
  Status trim(std::uint64_t below);

  static std::string entry_name(std::uint64_t k);

 private:
  Result<std::vector<std::uint64_t>> indices();

  CheckpointStore& store_;
};

// The cuts that these entries leave complete and not retired, ascending. They begin at entry 0 or
// at a snapshot.
std::vector<CutRef> complete_cuts(const std::vector<CommitEntry>& entries);

}  // namespace millrace
