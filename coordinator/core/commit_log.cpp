#include "coordinator/core/commit_log.hpp"

#include <utility>

#include "common/base/check.hpp"

namespace millrace {

namespace {

Status impossible(std::uint64_t index, const std::string& why) {
  return Status(Code::corrupted, "entry " + std::to_string(index) + " of the commit log: " + why,
                "the checkpoint store was changed by something other than Millrace, or a copy of "
                "it was restored: compare it with a backup");
}

}  // namespace

Status LogState::apply(const CommitEntry& entry) {
  if (entry.kind == CommitKind::takeover) {
    const bool same_life = entry.term == term_ && entry.writer == writer_;
    if (entry.term < term_ || (entry.term == term_ && !same_life)) {
      return impossible(entries_, "term " + std::to_string(entry.term.value) + " does not follow " +
                                      std::to_string(term_.value));
    }
    if (entry.attempt <= attempt_) return impossible(entries_, "its attempt is not a new one");
    if (entry.cut < next_cut_) return impossible(entries_, "it would use cut ids again");
    term_ = entry.term;
    attempt_ = entry.attempt;
    writer_ = entry.writer;
    next_cut_ = entry.cut;
    ++entries_;
    return {};
  }
  if (entry.writer != writer_ || entry.term != term_) {
    return impossible(entries_, "its writer does not lead");
  }
  const std::string cut = "cut " + std::to_string(entry.cut.value);
  if (entry.kind == CommitKind::retire) {
    if (complete_.erase(entry.cut) == 0) return impossible(entries_, cut + " is not complete");
  } else if (entry.cut == CutId(0)) {
    if (has_cut_zero_ || entry.kind == CommitKind::abandon) {
      return impossible(entries_, "cut 0 is written once");
    }
    has_cut_zero_ = true;
    complete_.emplace(entry.cut, entry.attempt);
  } else {
    if (entry.cut < next_cut_) return impossible(entries_, cut + " was closed before");
    if (entry.kind == CommitKind::complete) complete_.emplace(entry.cut, entry.attempt);
    next_cut_ = entry.cut.next();
  }
  ++entries_;
  return {};
}

std::optional<CutId> LogState::newest_complete() const {
  if (complete_.empty()) return std::nullopt;
  return complete_.rbegin()->first;
}

CommitLog::CommitLog(std::string writer, const CommitLogMutations& mutations)
    : writer_(std::move(writer)), mutations_(mutations) {}

std::vector<LogEffect> CommitLog::take_over() {
  MILLRACE_CHECK(!operation_ && !leads_);
  operation_ = Operation::reading_on;
  return retry();
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

std::vector<LogEffect> CommitLog::append(CommitKind kind, CutId cut) {
  Effects effects;
  if (is_deposed_) return effects;
  MILLRACE_CHECK(leads_);
  CommitEntry entry;
  entry.kind = kind;
  entry.cut = cut;
  queue_.push_back(std::move(entry));
  if (!operation_) start_next(effects);
  return effects;
}

// The head is filled in when its turn comes: what stands before it decides its numbers.
void CommitLog::start_next(Effects& effects) {
  if (queue_.empty()) return;
  queue_.front() = make_entry(queue_.front().kind, queue_.front().cut);
  write_head(effects);
}

CommitEntry CommitLog::make_entry(CommitKind kind, CutId cut) const {
  CommitEntry entry;
  entry.kind = kind;
  entry.writer = writer_;
  entry.term = leads_ ? state_.term() : state_.term().next();
  entry.attempt = kind == CommitKind::takeover ? state_.attempt().next() : state_.attempt();
  // One cut may be open, with an id that is in no entry: it is passed over.
  entry.cut = kind == CommitKind::takeover ? state_.next_cut().next() : cut;
  return entry;
}

void CommitLog::write_head(Effects& effects) {
  operation_ = Operation::writing;
  effects.emplace_back(WriteLog{state_.entries(), queue_.front()});
}

std::vector<LogEffect> CommitLog::on_written(const LogWritten& event) {
  Effects effects;
  const bool is_mine = operation_ == Operation::writing && event.index == state_.entries();
  if (!is_mine || is_deposed_) return effects;
  const bool is_trusted =
      event.outcome == WriteOutcome::ambiguous && mutations_.trust_ambiguous_writes;
  if (event.outcome == WriteOutcome::created || is_trusted) {
    commit_head(effects);
  } else if (event.outcome != WriteOutcome::failed) {
    operation_ = Operation::reading_back;
    effects.emplace_back(ReadLog{state_.entries()});
  }
  return effects;
}

std::vector<LogEffect> CommitLog::on_read(const LogRead& event) {
  Effects effects;
  const bool is_reading =
      operation_ == Operation::reading_on || operation_ == Operation::reading_back;
  if (!is_reading || is_deposed_ || event.index != state_.entries()) return effects;
  if (!event.entry.is_ok()) {
    const Code code = event.entry.status().code();
    const bool is_final = code == Code::corrupted || code == Code::unsupported_format;
    if (is_final) effects.emplace_back(LogFailed{event.entry.status()});
    return effects;
  }
  const std::optional<CommitEntry>& found = event.entry.value();
  if (found) {
    settle(*found, effects);
  } else if (operation_ == Operation::reading_on) {
    queue_.push_front(CommitEntry{});
    operation_.reset();
    start_next(effects);
  } else {
    // Not at once: what kept the write from arriving may keep the next one as well.
    operation_ = Operation::writing;
  }
  return effects;
}

// There is an entry where the next one belongs: ours after all, or another coordinator was faster.
void CommitLog::settle(const CommitEntry& found, Effects& effects) {
  const bool is_ours = operation_ == Operation::reading_back && found == queue_.front();
  if (is_ours || (leads_ && mutations_.ignore_other_writers)) {
    commit_head(effects);
    return;
  }
  if (leads_) {
    is_deposed_ = true;
    leads_ = false;
    effects.emplace_back(LogDeposed{found});
    return;
  }
  if (operation_ == Operation::reading_back) queue_.pop_front();
  if (Status status = state_.apply(found); !status.is_ok()) {
    effects.emplace_back(LogFailed{std::move(status)});
    return;
  }
  operation_ = Operation::reading_on;
  effects.emplace_back(ReadLog{state_.entries()});
}

void CommitLog::commit_head(Effects& effects) {
  CommitEntry entry = std::move(queue_.front());
  queue_.pop_front();
  operation_.reset();
  if (Status status = state_.apply(entry); !status.is_ok()) {
    effects.emplace_back(LogFailed{std::move(status)});
    return;
  }
  leads_ = true;
  effects.emplace_back(LogCommitted{std::move(entry)});
  start_next(effects);
}

std::vector<LogEffect> CommitLog::retry() {
  Effects effects;
  if (!operation_ || is_deposed_) return effects;
  if (*operation_ == Operation::writing) {
    write_head(effects);
  } else {
    effects.emplace_back(ReadLog{state_.entries()});
  }
  return effects;
}

}  // namespace millrace
