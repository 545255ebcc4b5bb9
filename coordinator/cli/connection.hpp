// A verb's connection with the coordinator, and what verbs of a cluster have in common.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "coordinator/cli/contexts.hpp"
#include "coordinator/cli/output.hpp"
#include "coordinator/control/control_client.hpp"

namespace millrace::cli {

struct ConnectionFlags {
  ConnectionWords words;
  double request_timeout_s = 30.0;  // of one request
};

// What the environment says.
ConnectionWords connection_environment();
// From the flags, the environment and the file.
Result<Resolved> resolved_connection(const ConnectionFlags& flags);
Result<std::unique_ptr<ControlClient>> open_client(const ConnectionFlags& flags);

// Opens the client and calls `verb`, which prints its result and gives the exit code; a failure is
// printed.
int with_client(const ConnectionFlags& flags, Output& output,
                const std::function<Result<int>(ControlClient&)>& verb);

// Asks so often while something is awaited.
inline constexpr std::chrono::milliseconds kAskInterval{250};
// Of one of these questions: an answer that a coordinator took with it is not waited for longer.
inline constexpr std::chrono::milliseconds kPollTimeout{3'000};
// Sleeps, but no longer than until a signal; false when one has arrived.
bool pause_unless_signalled(std::chrono::milliseconds time);

// Asks again until there is an answer, as a coordinator that is restarted goes on with what it
// was asked; the last failure at `until` or after a signal.
template <typename Answer>
Result<Answer> ask_patiently(ControlClient& client, const control::RequestKind& what,
                             std::chrono::steady_clock::time_point until, Output& output) {
  bool is_told = false;
  while (true) {
    auto answer = client.ask_for<Answer>(what, kPollTimeout);
    const auto code = answer.status().code();
    if (code != Code::unreachable && code != Code::timed_out) return answer;
    if (std::chrono::steady_clock::now() >= until) return answer;
    if (!is_told) output.note("the coordinator does not answer; asking again");
    is_told = true;
    if (!pause_unless_signalled(kAskInterval)) return answer;
  }
}

struct FollowOptions {
  bool is_awaited = true;
  double timeout_s = 300.0;  // then it goes on alone
};
// Waits for the end of an operation. Fails with the operation's error; timed_out and cancelled name
// its id, since it goes on.
Result<control::Operation> follow(ControlClient& client, control::Operation operation,
                                  const FollowOptions& options, Output& output);

// Prints the operation in the format that was asked for and gives the exit code.
int print_operation(const control::Operation& operation, const std::string& next, Output& output);

}  // namespace millrace::cli
