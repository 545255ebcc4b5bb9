// What the entries of a commit log say: who leads, which cuts are complete, which ids are used up.
//
// Place: CommitLog applies entries as it reads and writes them; verbs of the CLI apply a stored
// log. Pure.
//
// Invariant: an entry that cannot follow the ones before changes nothing and is `corrupted`.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/base/commit_entry.hpp"
#include "common/base/ids.hpp"
#include "common/base/status.hpp"

namespace millrace {

class LogState {
 public:
  // Reading begins at entry 0 or at a snapshot, which holds all that the entries before it said.
  Status apply(const CommitEntry& entry);
  // The same state as an entry, to be written next.
  CommitEntry snapshot() const;

  // The next entry's index.
  std::uint64_t entries() const { return entries_; }
  Term term() const { return term_; }
  Attempt attempt() const { return attempt_; }
  const std::string& writer() const { return writer_; }
  // Complete and not retired, ascending, each with the attempt that took it (its objects' names
  // hold both).
  const std::map<CutId, Attempt>& complete() const { return complete_; }
  // The newest that the job may go on from.
  std::optional<CutId> newest_complete() const;
  // All that it may go on from, newest first: where the history branched, those after the branch
  // and then the one it began with.
  std::vector<CutId> restorable() const;
  const std::map<std::string, CutId>& savepoints() const { return savepoints_; }
  bool is_savepoint(CutId cut) const;
  const std::optional<LogBranch>& branch() const { return branch_; }
  // Larger than every id that any coordinator may have used.
  CutId next_cut() const { return next_cut_; }
  bool is_cut_zero_complete() const { return is_cut_zero_complete_; }

  // The index of the newest snapshot, 0 if there is none, and of the one before it among the
  // entries that were applied.
  std::uint64_t newest_snapshot() const { return newest_snapshot_; }
  std::uint64_t snapshot_before() const { return snapshot_before_; }

 private:
  Status apply_takeover(const CommitEntry& entry);
  Status apply_lead(const CommitEntry& entry);
  Status apply_snapshot(const CommitEntry& entry);
  Status apply_name(const CommitEntry& entry);
  Status apply_cut(const CommitEntry& entry);

  std::uint64_t entries_ = 0;
  Term term_;
  Attempt attempt_;
  std::string writer_;
  std::map<CutId, Attempt> complete_;
  std::map<std::string, CutId> savepoints_;
  std::optional<LogBranch> branch_;
  CutId next_cut_{1};
  bool is_cut_zero_complete_ = false;
  std::uint64_t newest_snapshot_ = 0;
  std::uint64_t snapshot_before_ = 0;
};

}  // namespace millrace
