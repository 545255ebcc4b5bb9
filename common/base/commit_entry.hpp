// One entry of a job's commit log: what a coordinator decided, as it is decided, sent and stored.
//
// Place: coordinator/core makes and applies entries, common/store writes and reads their bytes.
//
// Invariant: two entries are equal only if the same life of a coordinator wrote both, since each
// carries its writer.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "common/base/ids.hpp"

namespace millrace {

// A snapshot decides nothing: it repeats what the entries before it say, so that they may go.
enum class CommitKind : std::uint8_t { takeover, complete, abandon, retire, snapshot };

struct CommitEntry {
  CommitKind kind = CommitKind::takeover;
  Term term = {};
  Attempt attempt = {};  // takeover: the one it opens; complete: the one that took the cut
  // takeover: smallest id its attempt may use; snapshot: smallest id not used; else the cut meant
  CutId cut = {};
  std::string writer = {};  // unique for each life of a coordinator; 1 to 128 printable characters

  // Only of a snapshot, whose term and attempt are those that lead:
  std::uint64_t index = 0;                 // its own place in the log, > 0
  bool is_cut_zero_complete = false;       // whether cut 0 was ever completed
  std::map<CutId, Attempt> complete = {};  // complete and not retired, with the attempt of each

  friend bool operator==(const CommitEntry&, const CommitEntry&) = default;
};

}  // namespace millrace
