// The one commit point of a job: a log in the checkpoint store, appended by whoever read its last
// entry, and kept short by snapshots.
//
// Place: JobMachine owns one; the shell executes ListLog, ReadLog, WriteLog and TrimLog and feeds
// the outcomes back. One operation is under way at a time, and each is answered.
//
// Invariants: an entry counts only once it is known to be in the store as written here, and known
// to have been the last. An ambiguous answer is settled by reading back, never by writing something
// else. After an entry of another writer this log is deposed and appends nothing more.
//
// Why an index that was deleted begins no second history:
//  1. Entries are deleted only below a snapshot that is committed, and that one only below a later
//     one. So from the moment at which an index is deleted, an entry above it exists at all times,
//     and the highest index in the store is always that of the history's last entry.
//  2. A writer that finds its entry in the store then lists the log, and takes the entry for
//     committed only when nothing stands above it. Whoever creates a deleted index again (it slept,
//     or its write was held up on the way) therefore sees that it was overtaken, and stops. What it
//     wrote stands below a snapshot: nobody begins to read there, and the next trim takes it away.
//  3. Reading goes from the highest index down to the first snapshot. Should entries be deleted, or
//     created again, while they are read, then what was read is wrong, but leads to nothing: only
//     a takeover could make use of it, and by 2 that counts only if no snapshot stands above it,
//     which means that nothing from the newest snapshot on was ever deleted.
// The store must list what it has acknowledged, as file systems and S3 do.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "common/base/commit_entry.hpp"
#include "common/base/ids.hpp"
#include "common/base/status.hpp"
#include "coordinator/core/log_state.hpp"

namespace millrace {

// Effects.

// The highest index in the store, asked for after everything that was answered before.
struct ListLog {
  std::uint64_t query = 0;
};
struct ReadLog {
  std::uint64_t index = 0;
};
// Create `log/<index>` only if absent, durable before it is answered.
struct WriteLog {
  std::uint64_t index = 0;
  CommitEntry entry;
};
// Delete every entry below `below`, in any order, now or later or not at all: the next trim makes
// up for it. The only operation without an answer.
struct TrimLog {
  std::uint64_t below = 0;
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
using LogEffect =
    std::variant<ListLog, ReadLog, WriteLog, TrimLog, LogCommitted, LogDeposed, LogFailed>;

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
struct LogListed {
  std::uint64_t query = 0;
  Result<std::optional<std::uint64_t>> newest;  // nothing: the log is empty
};

// Deliberate bugs for the simulator; production leaves all of them off.
struct CommitLogMutations {
  bool trust_ambiguous_writes = false;
  bool ignore_other_writers = false;
  bool skip_confirmation = false;
  bool trim_before_committed = false;
  bool trim_newest_snapshot = false;
  bool lead_reuses_open_cut = false;
  bool snapshot_without_savepoints = false;
};

struct CommitLogOptions {
  std::string writer;  // unique for each life of a coordinator
  // Entries from one snapshot to the next, >= 2. A log holds up to twice as many, and who takes
  // over reads up to as many one after the other, each a round trip to the store.
  std::uint64_t snapshot_every = 32;
  CommitLogMutations mutations = {};
};

class CommitLog {
 public:
  explicit CommitLog(CommitLogOptions options);

  // Reads from the newest snapshot to the end, then takes over with a term above all others, and
  // with a new attempt unless `keeps_attempt` and there is one. LogCommitted of the takeover or
  // lead entry says that this coordinator leads.
  std::vector<LogEffect> take_over(bool keeps_attempt = false);
  // Raises the attempt within this term; open cuts lose their ids.
  std::vector<LogEffect> raise_attempt();
  std::vector<LogEffect> complete(CutId cut);
  std::vector<LogEffect> abandon(CutId cut);
  std::vector<LogEffect> retire(CutId cut);
  std::vector<LogEffect> name_savepoint(CutId cut, const std::string& name);
  std::vector<LogEffect> release_savepoint(CutId cut, const std::string& name);
  std::vector<LogEffect> branch(CutId from, const std::string& request);

  std::vector<LogEffect> on_listed(const LogListed& event);
  std::vector<LogEffect> on_read(const LogRead& event);
  std::vector<LogEffect> on_written(const LogWritten& event);
  // Repeats the operation under way if it was refused. At most once per retry interval.
  std::vector<LogEffect> retry();

  const LogState& state() const { return state_; }
  bool leads() const { return leads_; }
  bool is_deposed() const { return is_deposed_; }
  bool is_idle() const { return !operation_ && queue_.empty(); }

 private:
  enum class Operation : std::uint8_t {
    finding_end,    // listing: where to begin to read
    reading_down,   // from there to the newest snapshot
    writing,        // the head of the queue
    reading_back,   // whose entry stands where the head belongs
    confirming,     // listing: whether the head, which is in the store, is the last entry
    reading_winner  // it is not: who wrote the last
  };
  using Effects = std::vector<LogEffect>;

  Effects append(CommitKind kind, CutId cut, const std::string& name = {});
  void list(Operation why, Effects& effects);
  void read(Operation why, std::uint64_t index, Effects& effects);
  void write_head(Effects& effects);
  void start_next(Effects& effects);
  bool is_snapshot_due() const;
  CommitEntry make_entry(const CommitEntry& wanted) const;
  void begin_term(Effects& effects);
  void read_from_end(Effects& effects);
  void take_entry(const CommitEntry& found, Effects& effects);
  Status replay();
  void misread(Status why, Effects& effects);
  void confirm(const std::optional<std::uint64_t>& newest, Effects& effects);
  void commit_head(Effects& effects);
  void lose_to(const CommitEntry& other, Effects& effects);
  void fail_or_wait(const Status& status, Effects& effects) const;

  CommitLogOptions options_;
  LogState state_;
  std::deque<CommitEntry> queue_;  // the head is being written
  std::optional<Operation> operation_;
  bool is_answered_ = true;  // the operation under way waits for `retry`
  std::uint64_t query_ = 0;  // the last listing asked for: an older one proves nothing
  std::uint64_t cursor_ = 0;
  std::uint64_t newest_ = 0;              // where reading began
  std::vector<CommitEntry> read_;         // from there down
  std::optional<std::uint64_t> misread_;  // where reading began when it failed last
  bool keeps_attempt_ = false;
  bool leads_ = false;
  bool is_deposed_ = false;
};

}  // namespace millrace
