// The parts of JobMachine that concern savepoints: complete cuts that a log entry names.
#include <algorithm>
#include <utility>

#include "common/base/limits.hpp"
#include "common/base/mark.hpp"
#include "coordinator/core/job_machine.hpp"

namespace millrace {

Status JobMachine::refuse_savepoint(const std::string& name) const {
  if (!is_log_name(name)) {
    return Status(Code::invalid_argument, "'" + name + "' cannot name a savepoint",
                  "use up to 128 letters, digits, dots, dashes and underscores");
  }
  const auto known = savepoints().find(name);
  if (known != savepoints().end()) {
    MILLRACE_MARK(savepoint_exists);
    return Status(
        Code::conflict,
        "savepoint " + name + " exists: it is checkpoint " + std::to_string(known->second.value),
        "choose another name, or delete it first");
  }
  const auto is_in = [&](const auto& names) {
    return std::ranges::find(names, name) != names.end();
  };
  if (is_in(savepoints_waiting_) || is_in(savepoints_open_) || naming_.contains(name)) {
    MILLRACE_MARK(savepoint_under_way);
    return Status(Code::conflict, "savepoint " + name + " is being taken");
  }
  const bool is_full =
      savepoints_waiting_.size() + savepoints_open_.size() >= limits::kSavepointsWaitingMax ||
      savepoints().size() >= limits::kSavepointsMax;
  if (!is_full) return {};
  return Status(Code::resource_exhausted,
                "the job has " + std::to_string(savepoints().size()) + " savepoints and " +
                    std::to_string(savepoints_waiting_.size()) + " are asked for",
                "delete those that are not needed");
}

void JobMachine::on(const SavepointRequested& event, Effects& effects) {
  if (Status status = refuse_savepoint(event.name); !status.is_ok()) {
    effects.emplace_back(SavepointFailed{event.name, std::move(status)});
    return;
  }
  savepoints_waiting_.push_back(event.name);
  MILLRACE_MARK(savepoint_asked);
  maybe_trigger_cut(effects);
}

void JobMachine::on(const ReleaseRequested& event, Effects& effects) {
  const auto known = savepoints().find(event.name);
  if (!log_.leads()) {
    MILLRACE_MARK(release_before_lead);
    effects.emplace_back(ReleaseFailed{
        event.name,
        Status(Code::unreachable, "the job's coordinator is taking over", "try again")});
  } else if (known == savepoints().end() || releasing_.contains(event.name)) {
    effects.emplace_back(
        ReleaseFailed{event.name, Status(Code::not_found, "there is no savepoint " + event.name)});
  } else {
    releasing_.insert(event.name);
    run_log(log_.release_savepoint(known->second, event.name), effects);
    MILLRACE_MARK(savepoint_released);
  }
}

// Asked for before the log was read.
void JobMachine::refuse_taken_names(Effects& effects) {
  std::erase_if(savepoints_waiting_, [&](const std::string& name) {
    const auto known = savepoints().find(name);
    if (known == savepoints().end()) return false;
    MILLRACE_MARK(savepoint_taken_before);
    const Status status(Code::conflict, "savepoint " + name + " exists: it is checkpoint " +
                                            std::to_string(known->second.value));
    effects.emplace_back(SavepointFailed{name, status});
    return true;
  });
}

// A stop that is asked for again, by another coordinator, may find its savepoint taken.
void JobMachine::on(const StopRequested& event, Effects& effects) {
  is_stop_requested_ = true;
  if (!event.savepoint.empty()) on(SavepointRequested{event.savepoint}, effects);
  maybe_trigger_cut(effects);
}

// The cut is complete. One that ends the job answers all who wait: nothing newer will exist.
void JobMachine::name_savepoints(Effects& effects) {
  const bool is_ending = last_complete_->is_final || is_stop_requested_;
  const bool is_last = state_ == JobState::running && is_ending;
  if (is_last) {
    MILLRACE_MARK(last_cut_named);
    savepoints_open_.insert(savepoints_open_.end(), savepoints_waiting_.begin(),
                            savepoints_waiting_.end());
    savepoints_waiting_.clear();
  }
  const CutId cut = last_complete_->cut;
  const auto names = std::exchange(savepoints_open_, {});
  for (const std::string& name : names) {
    if (options_.mutations.name_before_durable) {
      effects.emplace_back(SavepointTaken{name, last_complete_});
    }
    naming_.emplace(name, cut);
  }
  for (const std::string& name : names) run_log(log_.name_savepoint(cut, name), effects);
}

void JobMachine::on_savepoint_named(const CommitEntry& entry, Effects& effects) {
  naming_.erase(entry.name);
  effects.emplace_back(SavepointTaken{entry.name, last_complete_});
  maybe_end(effects);
}

// The cut that is complete is of another attempt: what it began with need not be kept.
void JobMachine::release_passed(Effects& effects) {
  const auto& complete = log_.state().complete();
  std::vector<std::pair<CutId, std::string>> passed;
  for (const auto& [name, cut] : savepoints()) {
    const bool is_passing = name.starts_with(kPassingSavepoints) && !releasing_.contains(name);
    const auto taken = complete.find(cut);
    const bool is_over = taken == complete.end() || taken->second < last_complete_->attempt;
    if (is_passing && is_over) passed.emplace_back(cut, name);
  }
  for (const auto& [cut, name] : passed) {
    MILLRACE_MARK(passing_savepoint_released);
    releasing_.insert(name);
    run_log(log_.release_savepoint(cut, name), effects);
  }
}

void JobMachine::fail_savepoints(const Status& why, Effects& effects) {
  const auto tell = [&](const std::string& name, const Status& status) {
    effects.emplace_back(SavepointFailed{name, status});
  };
  for (const std::string& name : std::exchange(savepoints_waiting_, {})) tell(name, why);
  for (const std::string& name : std::exchange(savepoints_open_, {})) tell(name, why);
  for (const auto& [name, cut] : std::exchange(naming_, {})) {
    MILLRACE_MARK(savepoint_in_doubt);
    tell(name, Status(Code::timed_out, why.message() + ". Savepoint " + name +
                                           " may have been taken as checkpoint " +
                                           std::to_string(cut.value)));
  }
}

}  // namespace millrace
