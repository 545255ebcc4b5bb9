#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "common/base/limits.hpp"
#include "coordinator/cli/cluster_tables.hpp"
#include "coordinator/cli/cluster_verbs.hpp"
#include "coordinator/cli/control_documents.hpp"
#include "coordinator/cli/signals.hpp"

namespace millrace::cli {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kFollowInterval{500};

void print_event(const control::Event& event, Output& output) {
  if (output.is_table())
    output.print(event_line(event, output) + "\n");
  else
    output.print_document(document_of(event));
}

// Prints what is new and says whether there was anything.
Result<bool> print_new(ControlClient& client, control::ListEvents& question, bool is_first,
                       Output& output) {
  // What is followed goes on when the coordinator comes back.
  const auto until = is_first ? Clock::now() : Clock::time_point::max();
  MILLRACE_ASSIGN(const auto list,
                  ask_patiently<control::EventList>(client, question, until, output));
  if (!is_first && question.after != 0 && list.oldest > question.after + 1)
    output.note(fmt::format("warning: {} are kept no more",
                            counted(list.oldest - question.after - 1, "event")));
  for (const auto& event : list.events) {
    print_event(event, output);
    question.after = std::max(question.after, event.sequence);
  }
  return !list.events.empty();
}

Result<int> follow_events(ControlClient& client, control::ListEvents question,
                          const EventsVerb& options, Output& output) {
  bool is_first = true;
  while (true) {
    bool is_ended = false;
    if (!options.job.empty()) {
      // Asked before the events, so that the last ones are not missed.
      const auto until = is_first ? Clock::now() : Clock::time_point::max();
      MILLRACE_ASSIGN(const auto status,
                      ask_patiently<control::JobStatus>(
                          client, control::GetStatus{.job = options.job}, until, output));
      is_ended = control::is_ended(status.state);
    }
    MILLRACE_ASSIGN(const bool has_news, print_new(client, question, is_first, output));
    is_first = false;
    if (is_ended && !has_news) return kExitDone;
    if (!has_news && !pause_unless_signalled(kFollowInterval))
      return watch_signals().load() == 2 ? kExitInterrupted : kExitDone;
  }
}

}  // namespace

int verb_events(const EventsVerb& options, Output& output) {
  if (options.max == 0 || options.max > limits::kControlEventsMax)
    return output.fail({Code::invalid_argument,
                        fmt::format("--max {} is out of range", options.max),
                        fmt::format("expected 1 to {}", limits::kControlEventsMax)});
  return with_client(options.connection, output, [&](ControlClient& client) -> Result<int> {
    control::ListEvents question{.job = options.job, .after = options.after, .max = options.max};
    if (options.is_following) return follow_events(client, question, options, output);
    MILLRACE_ASSIGN(const bool has_any, print_new(client, question, true, output));
    if (!has_any) output.note("no events");
    if (output.is_table() && has_any && !options.job.empty())
      output.note("next: millrace logs " + options.job + " -f");
    return kExitDone;
  });
}

}  // namespace millrace::cli
