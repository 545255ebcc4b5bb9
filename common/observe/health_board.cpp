#include "common/observe/health_board.hpp"

#include "common/base/limits.hpp"

namespace millrace {
namespace {

using std::chrono::duration_cast;
using std::chrono::milliseconds;

std::string kept(std::string_view text) {
  return std::string(text.substr(0, limits::kHealthTextBytesMax));
}

}  // namespace

const char* to_string(CheckState state) {
  switch (state) {
    case CheckState::waiting:
      return "waiting";
    case CheckState::working:
      return "working";
    case CheckState::idle:
      return "idle";
    case CheckState::failing:
      return "failing";
    case CheckState::stuck:
      return "stuck";
  }
  return "unknown";
}

std::optional<HealthBoard::CheckId> HealthBoard::add(const HealthCheckOptions& options, Time now) {
  if (checks_.size() >= limits::kHealthChecksMax) return std::nullopt;
  Check check{options, CheckState::waiting, now, {}};
  check.options.name = kept(options.name);
  checks_.emplace(next_, std::move(check));
  return next_++;
}

void HealthBoard::remove(CheckId id) {
  checks_.erase(id);
}

void HealthBoard::step(CheckId id, Time now) {
  change(id, CheckState::working, {}, now);
}

void HealthBoard::idle(CheckId id, Time now) {
  change(id, CheckState::idle, {}, now);
}

void HealthBoard::fail(CheckId id, std::string_view reason, Time now) {
  change(id, CheckState::failing, reason, now);
}

void HealthBoard::change(CheckId id, CheckState state, std::string_view reason, Time now) {
  const auto found = checks_.find(id);
  if (found == checks_.end()) return;
  found->second.state = state;
  found->second.reason = kept(reason);
  // Threads read the clock before they get here: a later reading is never undone by an earlier one.
  found->second.since = std::max(found->second.since, now);
}

void HealthBoard::set_started() {
  is_started_ = true;
}

void HealthBoard::drain(std::string_view reason) {
  if (!draining_) draining_ = kept(reason);
}

CheckReport HealthBoard::report_of(const Check& check, Time now) {
  CheckReport report;
  report.name = check.options.name;
  report.scope = check.options.scope;
  report.state = check.state;
  report.since = duration_cast<milliseconds>(std::max(now, check.since) - check.since);
  report.deadline = check.options.deadline;
  const bool is_timed = check.options.deadline > milliseconds(0) &&
                        (check.state == CheckState::waiting || check.state == CheckState::working);
  if (is_timed && report.since > check.options.deadline) {
    report.state = CheckState::stuck;
    report.is_ok = false;
    report.reason = "no progress for " + std::to_string(report.since.count()) +
                    " ms; it may take " + std::to_string(check.options.deadline.count()) + " ms";
  } else if (check.state == CheckState::failing) {
    report.is_ok = false;
    report.reason = check.reason;
  } else if (check.state == CheckState::waiting && check.options.scope == HealthScope::readiness) {
    report.is_ok = false;
    report.reason = "not heard of yet";
  }
  return report;
}

HealthReport HealthBoard::report(Time now) const {
  HealthReport whole;
  const auto not_ready = [&](const std::string& reason) {
    if (whole.is_ready) whole.not_ready_reason = reason;
    whole.is_ready = false;
  };
  if (draining_) not_ready("draining: " + *draining_);
  if (!is_started_) not_ready("starting");
  for (const auto& [id, check] : checks_) {
    CheckReport one = report_of(check, now);
    if (!one.is_ok) {
      not_ready(one.name + ": " + one.reason);
      if (one.scope == HealthScope::liveness) whole.is_alive = false;
    }
    whole.checks.push_back(std::move(one));
  }
  std::stable_sort(whole.checks.begin(), whole.checks.end(),
                   [](const auto& a, const auto& b) { return a.name < b.name; });
  return whole;
}

}  // namespace millrace
