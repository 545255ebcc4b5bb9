#include "coordinator/cli/connection.hpp"

#include <fmt/format.h>

#include <cmath>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <thread>

#include "common/security/cluster_keys.hpp"
#include "coordinator/cli/control_documents.hpp"
#include "coordinator/cli/signals.hpp"

namespace millrace::cli {
namespace {

using Clock = std::chrono::steady_clock;

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

constexpr double kTimeoutSecondsMax = 86'400.0;

Result<std::chrono::milliseconds> timeout_of(double seconds, const char* flag) {
  if (std::isfinite(seconds) && seconds > 0.0 && seconds <= kTimeoutSecondsMax)
    return std::chrono::milliseconds(static_cast<std::int64_t>(std::ceil(seconds * 1000.0)));
  return Status(Code::invalid_argument, fmt::format("{} {} is out of range", flag, seconds),
                "give seconds, above 0 and at most a day");
}

}  // namespace

ConnectionWords connection_environment() {
  return {.coordinator = variable("MILLRACE_COORDINATOR"),
          .keys = variable("MILLRACE_KEYS"),
          .context = variable("MILLRACE_CONTEXT")};
}

Result<Resolved> resolved_connection(const ConnectionFlags& flags) {
  MILLRACE_ASSIGN(const auto file, read_contexts(context_path()));
  return resolve_connection(flags.words, connection_environment(), file);
}

Result<std::unique_ptr<ControlClient>> open_client(const ConnectionFlags& flags) {
  MILLRACE_ASSIGN(const auto resolved, resolved_connection(flags));
  ControlClientOptions options;
  MILLRACE_ASSIGN(options.timeout, timeout_of(flags.request_timeout_s, "--request-timeout"));
  auto endpoint = net::Endpoint::parse(resolved.coordinator);
  if (!endpoint.is_ok()) return endpoint.status().with_context(resolved.origin);
  options.endpoint = endpoint.value();
  if (!resolved.keys.empty()) {
    MILLRACE_ASSIGN(options.keys,
                    security::load_client_keys(resolved.keys, security::NodeRole::coordinator));
  }
  return ControlClient::connect(options);
}

int with_client(const ConnectionFlags& flags, Output& output,
                const std::function<Result<int>(ControlClient&)>& verb) {
  const auto client = open_client(flags);
  if (!client.is_ok()) return output.fail(client.status());
  const auto code = verb(*client.value());
  return code.is_ok() ? code.value() : output.fail(code.status());
}

bool pause_unless_signalled(std::chrono::milliseconds time) {
  constexpr std::chrono::milliseconds kSlice{50};
  const auto& signal = watch_signals();
  const auto until = Clock::now() + time;
  while (signal.load() == 0) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now());
    if (left.count() <= 0) return true;
    std::this_thread::sleep_for(std::min(left, kSlice));
  }
  return false;
}

Result<control::Operation> follow(ControlClient& client, control::Operation operation,
                                  const FollowOptions& options, Output& output) {
  MILLRACE_ASSIGN(const auto timeout, timeout_of(options.timeout_s, "--timeout"));
  const auto until = Clock::now() + timeout;
  while (operation.state == control::OperationState::running && options.is_awaited) {
    const auto what =
        fmt::format("operation {} ({} {})", operation.id, operation.kind, operation.job);
    const auto hint = "ask for it with `millrace operation " + operation.id + "`";
    if (Clock::now() >= until)
      return Status(
          Code::timed_out,
          fmt::format("{} has not ended within {} s; it goes on", what, options.timeout_s), hint);
    if (output.is_live()) output.redraw(what + " is under way");
    if (!pause_unless_signalled(kAskInterval))
      return Status(Code::cancelled, "interrupted; " + what + " goes on", hint);
    MILLRACE_ASSIGN(operation,
                    ask_patiently<control::Operation>(
                        client, control::GetOperation{.id = operation.id}, until, output));
  }
  if (operation.error) return control::to_status(*operation.error);
  return operation;
}

int print_operation(const control::Operation& operation, const std::string& next, Output& output) {
  if (!output.is_table()) {
    output.print_document(document_of(operation));
    return kExitDone;
  }
  const auto subject = operation.job.empty() ? "" : " " + one_line(operation.job);
  if (operation.state == control::OperationState::running)
    output.print(fmt::format("{}{} is under way as operation {}\nnext: millrace operation {}\n",
                             operation.kind, subject, operation.id, operation.id));
  else
    output.print(fmt::format("{}{}: {}\n{}", operation.kind, subject,
                             operation.result.empty() ? "done" : one_line(operation.result),
                             next.empty() ? "" : "next: " + next + "\n"));
  return kExitDone;
}

}  // namespace millrace::cli
