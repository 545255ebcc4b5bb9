#include "coordinator/core/log_state.hpp"

#include <algorithm>

namespace millrace {

namespace {

Status impossible(std::uint64_t index, const std::string& why) {
  return Status(Code::corrupted, "entry " + std::to_string(index) + " of the commit log: " + why,
                "the checkpoint store was changed by something other than Millrace, or a copy of "
                "it was restored: compare it with a backup");
}

}  // namespace

Status LogState::apply(const CommitEntry& entry) {
  switch (entry.kind) {
    case CommitKind::snapshot:
      MILLRACE_TRY(apply_snapshot(entry));
      break;
    case CommitKind::takeover:
      MILLRACE_TRY(apply_takeover(entry));
      break;
    case CommitKind::lead:
      MILLRACE_TRY(apply_lead(entry));
      break;
    case CommitKind::savepoint:
    case CommitKind::release:
    case CommitKind::branch:
      MILLRACE_TRY(apply_name(entry));
      break;
    case CommitKind::complete:
    case CommitKind::abandon:
    case CommitKind::retire:
      MILLRACE_TRY(apply_cut(entry));
  }
  ++entries_;
  return {};
}

Status LogState::apply_takeover(const CommitEntry& entry) {
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
  return {};
}

Status LogState::apply_lead(const CommitEntry& entry) {
  if (entry.term <= term_) {
    return impossible(entries_, "term " + std::to_string(entry.term.value) + " does not follow " +
                                    std::to_string(term_.value));
  }
  if (entry.attempt != attempt_ || attempt_ == Attempt()) {
    return impossible(entries_, "it leads an attempt that is not the newest");
  }
  if (entry.cut < next_cut_) return impossible(entries_, "it would use cut ids again");
  term_ = entry.term;
  writer_ = entry.writer;
  next_cut_ = entry.cut;
  return {};
}

Status LogState::apply_name(const CommitEntry& entry) {
  if (entry.writer != writer_ || entry.term != term_) {
    return impossible(entries_, "its writer does not lead");
  }
  const auto named = savepoints_.find(entry.name);
  const bool is_known = named != savepoints_.end();
  if (entry.kind == CommitKind::release) {
    if (!is_known || named->second != entry.cut) {
      return impossible(entries_, "there is no savepoint '" + entry.name + "'");
    }
    savepoints_.erase(named);
    return {};
  }
  if (!complete_.contains(entry.cut)) {
    return impossible(entries_, "cut " + std::to_string(entry.cut.value) + " is not complete");
  }
  if (entry.kind == CommitKind::branch) {
    branch_ = LogBranch{entry.cut, next_cut_, entry.name};
    return {};
  }
  if (is_known) return impossible(entries_, "savepoint '" + entry.name + "' is named twice");
  savepoints_.emplace(entry.name, entry.cut);
  return {};
}

Status LogState::apply_snapshot(const CommitEntry& entry) {
  if (entries_ == 0) {
    if (entry.index == 0) return impossible(0, "it is a snapshot of nothing");
    entries_ = entry.index;
    term_ = entry.term;
    attempt_ = entry.attempt;
    writer_ = entry.writer;
    complete_ = entry.complete;
    savepoints_ = entry.savepoints;
    branch_ = entry.branch;
    next_cut_ = entry.cut;
    is_cut_zero_complete_ = entry.is_cut_zero_complete;
  } else if (entry != snapshot()) {
    return impossible(entries_, "it is not the snapshot of what stands before it");
  }
  snapshot_before_ = newest_snapshot_;
  newest_snapshot_ = entry.index;
  return {};
}

Status LogState::apply_cut(const CommitEntry& entry) {
  if (entry.writer != writer_ || entry.term != term_) {
    return impossible(entries_, "its writer does not lead");
  }
  const std::string cut = "cut " + std::to_string(entry.cut.value);
  if (entry.kind == CommitKind::retire) {
    if (is_savepoint(entry.cut)) return impossible(entries_, cut + " is a savepoint");
    if (complete_.erase(entry.cut) == 0) return impossible(entries_, cut + " is not complete");
  } else if (entry.cut == CutId(0)) {
    if (is_cut_zero_complete_ || entry.kind == CommitKind::abandon) {
      return impossible(entries_, "cut 0 is written once");
    }
    is_cut_zero_complete_ = true;
    complete_.emplace(entry.cut, entry.attempt);
  } else {
    if (entry.cut < next_cut_) return impossible(entries_, cut + " was closed before");
    if (entry.kind == CommitKind::complete) complete_.emplace(entry.cut, entry.attempt);
    next_cut_ = entry.cut.next();
  }
  return {};
}

CommitEntry LogState::snapshot() const {
  CommitEntry entry;
  entry.kind = CommitKind::snapshot;
  entry.term = term_;
  entry.attempt = attempt_;
  entry.cut = next_cut_;
  entry.writer = writer_;
  entry.index = entries_;
  entry.is_cut_zero_complete = is_cut_zero_complete_;
  entry.complete = complete_;
  entry.savepoints = savepoints_;
  entry.branch = branch_;
  return entry;
}

std::vector<CutId> LogState::restorable() const {
  std::vector<CutId> cuts;
  for (auto cut = complete_.rbegin(); cut != complete_.rend(); ++cut) {
    const bool is_history = branch_ && cut->first < branch_->begin && cut->first != branch_->from;
    if (!is_history) cuts.push_back(cut->first);
  }
  return cuts;
}

std::optional<CutId> LogState::newest_complete() const {
  const auto cuts = restorable();
  if (cuts.empty()) return std::nullopt;
  return cuts.front();
}

bool LogState::is_savepoint(CutId cut) const {
  return std::ranges::any_of(savepoints_, [&](const auto& named) { return named.second == cut; });
}

}  // namespace millrace
