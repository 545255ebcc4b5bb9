#include "common/wire/control.hpp"

#include <algorithm>
#include <array>

namespace millrace::control {
namespace {

constexpr std::array kJobStates = {"unknown",  "waiting",    "preparing", "starting",
                                   "running",  "recovering", "stopping",  "stopped",
                                   "finished", "failed",     "cancelled"};

}  // namespace

const char* to_string(JobState state) {
  return kJobStates.at(static_cast<std::size_t>(state));
}

std::optional<JobState> parse_job_state(std::string_view word) {
  const auto* const found = std::ranges::find(kJobStates, word);
  if (found == kJobStates.end()) return {};
  return static_cast<JobState>(found - kJobStates.begin());
}

bool is_ended(JobState state) {
  return state == JobState::stopped || state == JobState::finished || state == JobState::failed ||
         state == JobState::cancelled;
}

const char* to_string(OperationState state) {
  constexpr std::array kStates = {"unknown", "running", "succeeded", "failed"};
  return kStates.at(static_cast<std::size_t>(state));
}

Error to_error(const Status& status) {
  return {.code = status.code(),
          .message = status.message(),
          .hint = status.hint(),
          .may_have_happened = status.code() == Code::timed_out};
}

Status to_status(const Error& error) {
  return {error.code == Code::ok ? Code::internal : error.code, error.message, error.hint};
}

}  // namespace millrace::control
