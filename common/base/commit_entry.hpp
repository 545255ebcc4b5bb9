// One entry of a job's commit log: what a coordinator decided, as it is decided, sent and stored.
//
// Place: coordinator/core makes and applies entries, common/store writes and reads their bytes.
//
// Invariant: two entries are equal only if the same life of a coordinator wrote both, since each
// carries its writer.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "common/base/ids.hpp"

namespace millrace {

// takeover: a new attempt, in a new term unless the same life raises it. lead: a new term, whose
// coordinator may go on with the attempt that runs. savepoint: a complete cut gets a name and is
// not retired while it has it; release takes the name away. branch: from here on the job goes on
// from this complete cut, and those after it are only history. A snapshot decides nothing: it
// repeats what the entries before it say, so that they may go.
enum class CommitKind : std::uint8_t {
  takeover,
  complete,
  abandon,
  retire,
  snapshot,
  lead,
  savepoint,
  release,
  branch
};

// Where the job's history was left for another: cuts from `begin` on follow `from`.
struct LogBranch {
  CutId from;
  CutId begin;
  std::string request;  // who asked for it: the same request branches once
  friend bool operator==(const LogBranch&, const LogBranch&) = default;
};

struct CommitEntry {
  CommitKind kind = CommitKind::takeover;
  Term term = {};
  Attempt attempt = {};  // takeover: the one it opens; complete: the one that took the cut
  // takeover, lead: smallest id that may be used from here on; snapshot: smallest id not used; else
  // the cut meant
  CutId cut = {};
  std::string writer = {};  // unique for each life of a coordinator; 1 to 128 printable characters
  std::string name = {};    // savepoint, release: its name; branch: the request; else empty

  // Only of a snapshot, whose term and attempt are those that lead:
  std::uint64_t index = 0;                 // its own place in the log, > 0
  bool is_cut_zero_complete = false;       // whether cut 0 was ever completed
  std::map<CutId, Attempt> complete = {};  // complete and not retired, with the attempt of each
  std::map<std::string, CutId> savepoints = {};  // by name
  std::optional<LogBranch> branch = {};

  friend bool operator==(const CommitEntry&, const CommitEntry&) = default;
};

// Names of savepoints and of requests: 1 to 128 of A-Z a-z 0-9 . _ -
inline bool is_log_name(const std::string& name) {
  if (name.empty() || name.size() > 128) return false;
  for (const char c : name) {
    const bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (!is_letter && !(c >= '0' && c <= '9') && c != '.' && c != '_' && c != '-') return false;
  }
  return true;
}

}  // namespace millrace
