// One entry of a job's commit log: what a coordinator decided, as it is decided, sent and stored.
//
// Place: coordinator/core makes and applies entries, common/store writes and reads their bytes.
//
// Invariant: two entries are equal only if the same life of a coordinator wrote both, since each
// carries its writer.
#pragma once

#include <cstdint>
#include <string>

#include "common/base/ids.hpp"

namespace millrace {

enum class CommitKind : std::uint8_t { takeover, complete, abandon, retire };

struct CommitEntry {
  CommitKind kind = CommitKind::takeover;
  Term term = {};
  Attempt attempt = {};     // takeover: the one it opens; complete: the one that took the cut
  CutId cut = {};           // takeover: smallest id its attempt may use; else the cut meant
  std::string writer = {};  // unique for each life of a coordinator; 1 to 128 printable characters

  friend bool operator==(const CommitEntry&, const CommitEntry&) = default;
};

}  // namespace millrace
