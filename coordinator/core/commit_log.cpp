#include "coordinator/core/commit_log.hpp"

#include <utility>

#include "common/base/check.hpp"
#include "common/base/limits.hpp"
#include "common/base/mark.hpp"

namespace millrace {

CommitLog::CommitLog(CommitLogOptions options) : options_(std::move(options)) {
  MILLRACE_CHECK(options_.snapshot_every >= 2);
}

std::vector<LogEffect> CommitLog::take_over(bool keeps_attempt) {
  MILLRACE_CHECK(!operation_ && !leads_);
  keeps_attempt_ = keeps_attempt;
  Effects effects;
  read_from_end(effects);
  return effects;
}

std::vector<LogEffect> CommitLog::raise_attempt() {
  return append(CommitKind::takeover, CutId());
}
std::vector<LogEffect> CommitLog::complete(CutId cut) {
  return append(CommitKind::complete, cut);
}
std::vector<LogEffect> CommitLog::abandon(CutId cut) {
  return append(CommitKind::abandon, cut);
}
std::vector<LogEffect> CommitLog::retire(CutId cut) {
  return append(CommitKind::retire, cut);
}
std::vector<LogEffect> CommitLog::name_savepoint(CutId cut, const std::string& name) {
  return append(CommitKind::savepoint, cut, name);
}
std::vector<LogEffect> CommitLog::release_savepoint(CutId cut, const std::string& name) {
  return append(CommitKind::release, cut, name);
}
std::vector<LogEffect> CommitLog::branch(CutId from, const std::string& request) {
  return append(CommitKind::branch, from, request);
}

std::vector<LogEffect> CommitLog::append(CommitKind kind, CutId cut, const std::string& name) {
  Effects effects;
  if (is_deposed_) return effects;
  MILLRACE_CHECK(leads_);
  CommitEntry entry;
  entry.kind = kind;
  entry.cut = cut;
  entry.name = name;
  queue_.push_back(std::move(entry));
  if (!operation_) start_next(effects);
  return effects;
}

// ---- Operations of the store

void CommitLog::list(Operation why, Effects& effects) {
  operation_ = why;
  is_answered_ = false;
  effects.emplace_back(ListLog{++query_});
}

void CommitLog::read(Operation why, std::uint64_t index, Effects& effects) {
  operation_ = why;
  is_answered_ = false;
  cursor_ = index;
  effects.emplace_back(ReadLog{index});
}

void CommitLog::write_head(Effects& effects) {
  operation_ = Operation::writing;
  is_answered_ = false;
  const auto& mutations = options_.mutations;
  const auto& head = queue_.front();
  if (mutations.trim_before_committed && head.kind == CommitKind::snapshot) {
    effects.emplace_back(TrimLog{head.index});
  }
  effects.emplace_back(WriteLog{state_.entries(), head});
}

std::vector<LogEffect> CommitLog::retry() {
  Effects effects;
  if (!operation_ || !is_answered_ || is_deposed_) return effects;
  switch (*operation_) {
    case Operation::writing:
      write_head(effects);
      break;
    case Operation::finding_end:
    case Operation::confirming:
      list(*operation_, effects);
      break;
    default:
      read(*operation_, cursor_, effects);
  }
  return effects;
}

// What was refused is asked for again by `retry`, unless it would be refused for ever.
void CommitLog::fail_or_wait(const Status& status, Effects& effects) const {
  const Code code = status.code();
  const bool is_final = code == Code::corrupted || code == Code::unsupported_format;
  if (is_final) effects.emplace_back(LogFailed{status});
}

// ---- Reading to the end, before a takeover

void CommitLog::read_from_end(Effects& effects) {
  queue_.clear();
  read_.clear();
  list(Operation::finding_end, effects);
}

std::vector<LogEffect> CommitLog::on_listed(const LogListed& event) {
  Effects effects;
  const bool is_mine =
      event.query == query_ && !is_answered_ &&
      (operation_ == Operation::finding_end || operation_ == Operation::confirming);
  if (!is_mine || is_deposed_) return effects;
  is_answered_ = true;
  if (!event.newest.is_ok()) {
    fail_or_wait(event.newest.status(), effects);
  } else if (operation_ == Operation::confirming) {
    confirm(event.newest.value(), effects);
  } else if (event.newest.value()) {
    newest_ = *event.newest.value();
    read(Operation::reading_down, newest_, effects);
  } else {
    state_ = LogState();
    begin_term(effects);
  }
  return effects;
}

std::vector<LogEffect> CommitLog::on_read(const LogRead& event) {
  Effects effects;
  const bool is_reading = operation_ == Operation::reading_down ||
                          operation_ == Operation::reading_back ||
                          operation_ == Operation::reading_winner;
  if (!is_reading || is_answered_ || is_deposed_ || event.index != cursor_) return effects;
  is_answered_ = true;
  if (!event.entry.is_ok()) {
    fail_or_wait(event.entry.status(), effects);
    return effects;
  }
  const std::optional<CommitEntry>& found = event.entry.value();
  if (operation_ == Operation::reading_down) {
    if (found) {
      take_entry(*found, effects);
    } else {
      misread(Status(Code::corrupted,
                     "entry " + std::to_string(cursor_) + " of the commit log is missing",
                     "restore it from a backup, or begin anew with --fresh"),
              effects);
    }
  } else if (!found && operation_ == Operation::reading_back) {
    // Written again by `retry`: what kept the write from arriving may keep the next one as well.
    MILLRACE_MARK(log_write_never_arrived);
    operation_ = Operation::writing;
  } else if (!found) {
    list(Operation::confirming, effects);  // a later snapshot has replaced it
  } else if (operation_ == Operation::reading_back && *found == queue_.front()) {
    MILLRACE_MARK(log_ambiguous_write_arrived);
    list(Operation::confirming, effects);
  } else {
    lose_to(*found, effects);
  }
  return effects;
}

void CommitLog::take_entry(const CommitEntry& found, Effects& effects) {
  read_.push_back(found);
  if (found.kind != CommitKind::snapshot && cursor_ > 0) {
    read(Operation::reading_down, cursor_ - 1, effects);
    return;
  }
  if (Status status = replay(); !status.is_ok()) {
    misread(std::move(status), effects);
    return;
  }
  begin_term(effects);
}

void CommitLog::begin_term(Effects& effects) {
  const bool has_attempt = state_.attempt() != Attempt();
  CommitEntry entry;
  entry.kind = keeps_attempt_ && has_attempt ? CommitKind::lead : CommitKind::takeover;
  MILLRACE_MARK(log_term_begun);
  queue_.push_front(std::move(entry));
  start_next(effects);
}

Status CommitLog::replay() {
  state_ = LogState();
  for (auto entry = read_.rbegin(); entry != read_.rend(); ++entry) {
    MILLRACE_TRY(state_.apply(*entry));
  }
  read_.clear();
  if (state_.entries() == newest_ + 1) return {};
  return Status(Code::corrupted, "the snapshot at entry " + std::to_string(cursor_) +
                                     " of the commit log is that of another place");
}

// Entries that vanish or change while they are read were replaced by a snapshot above all that was
// there. Where nothing new stands above, they are damaged.
void CommitLog::misread(Status why, Effects& effects) {
  if (misread_ == newest_) {
    effects.emplace_back(LogFailed{std::move(why)});
    return;
  }
  misread_ = newest_;
  MILLRACE_MARK(log_misread);
  read_from_end(effects);
}

// ---- Writing

// The head is filled in when its turn comes: what stands before it decides its numbers.
void CommitLog::start_next(Effects& effects) {
  operation_.reset();
  is_answered_ = true;
  if (is_snapshot_due()) {
    queue_.push_front(state_.snapshot());
    if (options_.mutations.snapshot_without_savepoints) queue_.front().savepoints.clear();
    MILLRACE_MARK(log_snapshot);
  } else if (!queue_.empty()) {
    queue_.front() = make_entry(queue_.front());
  } else {
    return;
  }
  write_head(effects);
}

bool CommitLog::is_snapshot_due() const {
  const auto since = state_.entries() - state_.newest_snapshot();
  const bool has_room = state_.complete().size() <= limits::kSnapshotCutsMax;
  return leads_ && since >= options_.snapshot_every && has_room;
}

CommitEntry CommitLog::make_entry(const CommitEntry& wanted) const {
  CommitEntry entry = wanted;
  const bool opens_attempt = entry.kind == CommitKind::takeover;
  entry.writer = options_.writer;
  entry.term = leads_ ? state_.term() : state_.term().next();
  entry.attempt = opens_attempt ? state_.attempt().next() : state_.attempt();
  // One cut may be open, with an id that is in no entry: it is passed over.
  const bool passes_over = opens_attempt || entry.kind == CommitKind::lead;
  if (passes_over && !options_.mutations.lead_reuses_open_cut) {
    entry.cut = state_.next_cut().next();
  } else if (passes_over) {
    entry.cut = state_.next_cut();
  }
  return entry;
}

std::vector<LogEffect> CommitLog::on_written(const LogWritten& event) {
  Effects effects;
  const bool is_mine =
      operation_ == Operation::writing && !is_answered_ && event.index == state_.entries();
  if (!is_mine || is_deposed_) return effects;
  is_answered_ = true;
  const bool is_trusted =
      event.outcome == WriteOutcome::ambiguous && options_.mutations.trust_ambiguous_writes;
  const bool is_created = event.outcome == WriteOutcome::created;
  if (is_trusted || (is_created && options_.mutations.skip_confirmation)) {
    commit_head(effects);
  } else if (is_created) {
    list(Operation::confirming, effects);
  } else if (event.outcome != WriteOutcome::failed) {
    read(Operation::reading_back, state_.entries(), effects);
  }
  return effects;
}

void CommitLog::confirm(const std::optional<std::uint64_t>& newest, Effects& effects) {
  if (newest == state_.entries()) {
    commit_head(effects);
  } else if (newest && *newest > state_.entries()) {
    MILLRACE_MARK(log_overtaken);
    read(Operation::reading_winner, *newest, effects);
  } else {
    // It was there and is not listed: nothing is known, so everything is asked again.
    operation_ = Operation::writing;
  }
}

void CommitLog::commit_head(Effects& effects) {
  CommitEntry entry = std::move(queue_.front());
  queue_.pop_front();
  if (Status status = state_.apply(entry); !status.is_ok()) {
    effects.emplace_back(LogFailed{std::move(status)});
    return;
  }
  leads_ = true;
  const auto& mutations = options_.mutations;
  if (entry.kind == CommitKind::snapshot && mutations.trim_newest_snapshot) {
    effects.emplace_back(TrimLog{state_.entries()});
  } else if (entry.kind == CommitKind::snapshot && state_.snapshot_before() > 0) {
    effects.emplace_back(TrimLog{state_.snapshot_before()});
  }
  effects.emplace_back(LogCommitted{std::move(entry)});
  start_next(effects);
}

// There is an entry of another writer where ours belongs or above it.
void CommitLog::lose_to(const CommitEntry& other, Effects& effects) {
  if (!leads_) {
    read_from_end(effects);
    MILLRACE_MARK(log_takeover_lost);
    return;
  }
  if (options_.mutations.ignore_other_writers) {
    commit_head(effects);
    return;
  }
  is_deposed_ = true;
  MILLRACE_MARK(log_deposed);
  leads_ = false;
  effects.emplace_back(LogDeposed{other});
}

}  // namespace millrace
