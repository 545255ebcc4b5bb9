#include <nlohmann/json.hpp>

#include "common/config/job_file.hpp"
#include "common/config/nearest.hpp"
#include "coordinator/cli/verbs.hpp"

namespace millrace::cli {
namespace {

constexpr std::string_view kExitCodes = R"(Exit codes of every verb

  0    done; a service that SIGTERM ended after draining
  1    the job or the request failed: a full disk, damaged state, too many quarantined records; of `job diff`: they
       differ; of `doctor`: a check failed; of `wait`: the job ended otherwise
  2    wrong usage, an invalid job file, data that does not fit
  3    not found: a file, a job, a worker, a model, a version
  4    conflicts with the present state: state in use, a changed schema or model, another job of this name, a port
       that is taken
  5    nobody answers at the endpoint, or no coordinator can be reached
  6    not allowed: file permissions, an endpoint open to others without protection, keys that are refused, a role
       that the client has not
  7    timed out: what was asked for may go on, and its id is printed
  130  interrupted by Ctrl-C, after a checkpoint; a second Ctrl-C ends at once

Errors go to stderr: what happened, where and why, then what to try. Under --output json an error is one object
on stderr, {"error": {"code", "message", "hint"}, "exit_code"}, and stdout stays free for results.
)";

constexpr std::string_view kState = R"(State: what a run keeps and how it goes on

Everything lives under one folder: --state DIR, else $MILLRACE_STATE, else $XDG_STATE_HOME/millrace, else
~/.local/state/millrace.

  <state>/<job>.lock          held while the job runs: a second run of the job exits with 4
  <state>/<job>/checkpoints/  complete cuts of the whole job and the log that makes them valid
  <state>/<job>/models/       published versions, never rewritten, and the aliases that point to them
  <state>/<job>/scratch/      the local state of workers; what is in it can be made again
  <state>/<job>.archived-<n>/ what --fresh put aside

A job is found by its name and its source. Run it again and it goes on from its newest complete checkpoint, to the
record. A finished job prints its summary again. Rates, intervals and limits may change between two runs (the keys
marked * in `millrace docs job-file`); another schema, pipeline, model, parallelism or seed exits with 4 and suggests
--fresh, which archives the old state and never deletes it. A file whose consumed part has changed is refused.
)";

struct Topic {
  std::string name;
  std::string text;
};

}  // namespace

int verb_docs(const DocsVerb& options, const std::string& cli_reference, Output& output) {
  if (options.topic == "job-file" && output.format() == OutputFormat::json) {
    output.print(job_file_json_schema() + "\n");
    return kExitDone;
  }
  const std::vector<Topic> topics = {{"job-file", job_file_reference()},
                                     {"cli", cli_reference},
                                     {"exit-codes", std::string(kExitCodes)},
                                     {"state", std::string(kState)}};
  std::vector<std::string> names;
  for (const auto& topic : topics) {
    names.push_back(topic.name);
    if (topic.name != options.topic) continue;
    if (output.is_table())
      output.print(topic.text);
    else
      output.print_document(nlohmann::ordered_json{
          {"schema_version", 1}, {"topic", topic.name}, {"text", topic.text}});
    return kExitDone;
  }
  return output.fail(
      {Code::invalid_argument, "there is no topic '" + options.topic + "'",
       suggestion(options.topic, names) + " (topics: job-file, cli, exit-codes, state)"});
}

}  // namespace millrace::cli
