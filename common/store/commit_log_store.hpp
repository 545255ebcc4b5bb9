// The bytes of the commit log: log/<k> is created only if absent, by whoever read entry k-1 as the
// last.
//
// Place: the coordinator's shell reads the log at takeover and appends what the pure commit log
// decides. An entry is one line of JSON with its CRC32C. Threads: one at a time.
//
// Invariant: of two writers of the same k exactly one is told that it won, also when its answer was
// lost on the way: an ambiguous answer is settled by reading back and comparing the entry with the
// writer's id in it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/base/bytes.hpp"
#include "common/base/ids.hpp"
#include "common/base/status.hpp"
#include "common/store/checkpoint_store.hpp"
#include "common/store/manifest.hpp"

namespace millrace {

enum class CommitKind { takeover, complete, abandon, retire };
const char* to_string(CommitKind kind);

struct CommitEntry {
  CommitKind kind = CommitKind::takeover;
  Term term = {};
  Attempt attempt = {};
  CutId cut = {};           // complete, abandon, retire
  std::string writer = {};  // unique to one process and term; 1 to 128 printable characters

  friend bool operator==(const CommitEntry&, const CommitEntry&) = default;
};

struct AppendOutcome {
  bool won = false;
  CommitEntry stored;  // what stands at k now: ours, or that of the writer who came first
};

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
  // One put, not settled: see PutOutcome and is_ambiguous.
  Result<PutOutcome> write(std::uint64_t k, const CommitEntry& entry);
  // A put that is settled by reading back.
  Result<AppendOutcome> append(std::uint64_t k, const CommitEntry& entry);

  static std::string entry_name(std::uint64_t k);

 private:
  CheckpointStore& store_;
};

// The cuts that these entries leave complete and not retired, ascending.
std::vector<CutRef> complete_cuts(const std::vector<CommitEntry>& entries);

}  // namespace millrace
