// The bytes of the commit log: log/<k> is created only if absent, by whoever read entry k-1 as the
// last.
//
// Place: the coordinator's shell reads the log at takeover and appends what the pure commit log
// decides. An entry is one line of JSON with its CRC32C. Threads: one at a time.
//
// Invariant: of two writers of the same k exactly one finds its own entry there when it reads back,
// also when the answer to its write was lost on the way: the entry holds its writer's id.
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

  // All entries; the first has k = 0, so the next append goes to size(). A gap or a damaged entry
  // is `corrupted`: the log decides what exists, so it is never guessed at.
  Result<std::vector<CommitEntry>> read_all();
  // Nothing when there is no such entry.
  Result<std::optional<CommitEntry>> read(std::uint64_t k);
  // One put. An entry that existed may be ours all the same, and an error that is_ambiguous leaves
  // open whether it is there: both are settled by reading back.
  Result<PutOutcome> write(std::uint64_t k, const CommitEntry& entry);

  static std::string entry_name(std::uint64_t k);

 private:
  CheckpointStore& store_;
};

// The cuts that these entries leave complete and not retired, ascending.
std::vector<CutRef> complete_cuts(const std::vector<CommitEntry>& entries);

}  // namespace millrace
