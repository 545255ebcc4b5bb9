// The one commit point of a job: a log in the checkpoint store, appended by whoever read its last
// entry.
//
// Place: JobMachine owns one; the shell executes WriteLog (create `log/<index>` only if absent,
// durable before it answers) and ReadLog, and feeds the outcome back. One operation is under way at
// a time.
//
// Invariants: an entry counts only once it is known to be in the store as written here. An
// ambiguous answer is settled by reading back, never by writing something else. After an entry of
// another writer this log is deposed and appends nothing more.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "common/base/commit_entry.hpp"
#include "common/base/ids.hpp"
#include "common/base/status.hpp"

namespace millrace {

// What the entries say.
class LogState {
 public:
  // Fails with corrupted when the entry cannot follow the ones before.
  Status apply(const CommitEntry& entry);

  std::uint64_t entries() const { return entries_; }
  Term term() const { return term_; }
  Attempt attempt() const { return attempt_; }
  const std::string& writer() const { return writer_; }
  // Complete and not retired, ascending, each with the attempt that took it (its objects' names
  // hold both).
  const std::map<CutId, Attempt>& complete() const { return complete_; }
  std::optional<CutId> newest_complete() const;
  // Larger than every id that any coordinator may have used.
  CutId next_cut() const { return next_cut_; }
  bool is_cut_zero_complete() const { return has_cut_zero_; }

 private:
  std::uint64_t entries_ = 0;
  Term term_;
  Attempt attempt_;
  std::string writer_;
  std::map<CutId, Attempt> complete_;
  CutId next_cut_{1};
  bool has_cut_zero_ = false;
};

// Effects.
struct WriteLog {
  std::uint64_t index = 0;
  CommitEntry entry;
};
struct ReadLog {
  std::uint64_t index = 0;
};
// The entry is durable.
struct LogCommitted {
  CommitEntry entry;
};
// Another coordinator has taken over: stop, its entry says who.
struct LogDeposed {
  CommitEntry by;
};
// The log holds what cannot be, or the store is broken.
struct LogFailed {
  Status status;
};
using LogEffect = std::variant<WriteLog, ReadLog, LogCommitted, LogDeposed, LogFailed>;

// Events.
enum class WriteOutcome : std::uint8_t {
  created,    // it is there, durable
  exists,     // something is there already, ours or another's
  ambiguous,  // nobody knows: timed out, connection lost, a disk in doubt
  failed      // it is not there: refused before anything was written
};
struct LogWritten {
  std::uint64_t index = 0;
  WriteOutcome outcome = WriteOutcome::ambiguous;
  Status why;  // ambiguous, failed: what stood in the way
};
struct LogRead {
  std::uint64_t index = 0;
  Result<std::optional<CommitEntry>> entry;  // nothing: there is no such entry
};

struct CommitLogMutations {
  bool trust_ambiguous_writes = false;
  bool ignore_other_writers = false;
};

class CommitLog {
 public:
  CommitLog(std::string writer, const CommitLogMutations& mutations = {});

  // Reads to the end, then takes over with a term above all others. LogCommitted of the takeover
  // says that this coordinator leads.
  std::vector<LogEffect> take_over();
  // Raises the attempt within this term; open cuts lose their ids.
  std::vector<LogEffect> raise_attempt();
  std::vector<LogEffect> complete(CutId cut);
  std::vector<LogEffect> abandon(CutId cut);
  std::vector<LogEffect> retire(CutId cut);

  std::vector<LogEffect> on_written(const LogWritten& event);
  std::vector<LogEffect> on_read(const LogRead& event);
  // Repeats the operation under way, after an error that may pass. At most once per retry interval.
  std::vector<LogEffect> retry();

  const LogState& state() const { return state_; }
  bool is_deposed() const { return is_deposed_; }
  bool is_idle() const { return !operation_ && queue_.empty(); }

 private:
  enum class Operation : std::uint8_t { reading_on, writing, reading_back };
  using Effects = std::vector<LogEffect>;

  Effects append(CommitKind kind, CutId cut);
  void start_next(Effects& effects);
  void write_head(Effects& effects);
  void settle(const CommitEntry& found, Effects& effects);
  void commit_head(Effects& effects);
  CommitEntry make_entry(CommitKind kind, CutId cut) const;

  std::string writer_;
  CommitLogMutations mutations_;
  LogState state_;
  std::deque<CommitEntry> queue_;  // the head is being written
  std::optional<Operation> operation_;
  bool leads_ = false;
  bool is_deposed_ = false;
};

}  // namespace millrace
