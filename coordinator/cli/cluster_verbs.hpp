// What each verb of a cluster is asked to do, and the function that does it.
//
// Place: cluster_commands.cpp fills the options from the command line; the verbs speak with the
// coordinator's control endpoint only and return the exit code.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "coordinator/cli/connection.hpp"

namespace millrace::cli {

struct SubmitVerb {
  ConnectionFlags connection;
  FollowOptions follow{.is_awaited = false};  // until it runs
  std::string file;
  std::vector<std::string> overrides;  // key=value
  std::string from;
  bool update = false;
};
int verb_submit(const SubmitVerb& options, Output& output);

struct JobDiffVerb {
  ConnectionFlags connection;
  std::string file;
  std::vector<std::string> overrides;
};
// Exit code 1 where they differ.
int verb_job_diff(const JobDiffVerb& options, Output& output);

// Verbs about one job that may take a while.
struct JobVerb {
  ConnectionFlags connection;
  FollowOptions follow;
  std::string job;
  std::string word;               // stop, savepoint: name of the savepoint; resume: --from
  std::uint32_t parallelism = 0;  // rescale
};
int verb_job_delete(const JobVerb& options, Output& output);
int verb_stop(const JobVerb& options, Output& output);
int verb_cancel(const JobVerb& options, Output& output);
int verb_savepoint(const JobVerb& options, Output& output);
int verb_resume(const JobVerb& options, Output& output);
int verb_rescale(const JobVerb& options, Output& output);
// `job` is the worker.
int verb_drain(const JobVerb& options, Output& output);
// `job` is the operation's id.
int verb_operation(const JobVerb& options, Output& output);

int verb_jobs(const ConnectionFlags& connection, Output& output);
int verb_status(const JobVerb& options, Output& output);
int verb_describe(const JobVerb& options, Output& output);
int verb_checkpoints(const JobVerb& options, Output& output);
int verb_workers(const ConnectionFlags& connection, Output& output);

struct EventsVerb {
  ConnectionFlags connection;
  std::string job;
  std::uint64_t after = 0;
  std::uint32_t max = 100;
  bool is_following = false;  // until Ctrl-C, or the job has ended
};
int verb_events(const EventsVerb& options, Output& output);

struct WaitVerb {
  ConnectionFlags connection;
  std::string job;
  std::string conditions;
  double timeout_s = 300.0;
};
int verb_wait(const WaitVerb& options, Output& output);

struct TopVerb {
  ConnectionFlags connection;
  double interval_s = 2.0;
};
int verb_top(const TopVerb& options, Output& output);

struct ContextVerb {
  std::string name;
  std::string coordinator;
  std::string keys;
};
int verb_context_add(const ContextVerb& options, Output& output);
int verb_context_use(const ContextVerb& options, Output& output);
int verb_context_list(Output& output);

struct DoctorVerb {
  ConnectionFlags connection;
  std::string state;
};
// Exit code 1 where a check failed.
int verb_doctor(const DoctorVerb& options, Output& output);

struct PlanVerb {
  std::string file;
  std::vector<std::string> overrides;
  std::string secrets;
};
int verb_plan(const PlanVerb& options, Output& output);

}  // namespace millrace::cli
