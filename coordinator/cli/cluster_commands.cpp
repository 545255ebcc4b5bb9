#include "coordinator/cli/cluster_commands.hpp"

#include <CLI/CLI.hpp>

namespace millrace::cli {
namespace {

void add_connection(CLI::App& verb, ConnectionFlags& connection) {
  verb.add_option("--coordinator", connection.words.coordinator,
                  "where it answers (default: $MILLRACE_COORDINATOR, the context in use, "
                  "config.yaml, tcp://127.0.0.1:4701)")
      ->type_name("tcp://HOST:PORT");
  verb.add_option("--keys", connection.words.keys,
                  "this client's keys, for a coordinator that asks for them (keygen's "
                  "clients/NAME; default $MILLRACE_KEYS)")
      ->type_name("DIR");
  verb.add_option("--context", connection.words.context,
                  "one of `millrace context list` (default $MILLRACE_CONTEXT)")
      ->type_name("NAME");
  verb.add_option("--request-timeout", connection.request_timeout_s,
                  "how long to wait for one answer (default 30)")
      ->type_name("SECONDS");
}

void add_follow(CLI::App& verb, FollowOptions& follow) {
  auto* no_wait =
      verb.add_flag("!--no-wait", follow.is_awaited, "print the operation's id and end");
  verb.add_option("--timeout", follow.timeout_s,
                  "how long to wait for the end; then it goes on alone (default 300)")
      ->type_name("SECONDS")
      ->excludes(no_wait);
}

void add_overrides(CLI::App& verb, std::vector<std::string>& overrides) {
  verb.add_option("--set", overrides, "override a key of the job file")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
}

}  // namespace

void ClusterCommands::add_to(CLI::App& app, const AddVerb& add, Output& output) {
  app_ = &app;
  add_ = add;
  output_ = &output;
  add_plan();
  add_submit();
  add_job();
  add_watching();
  add_events();
  add_steering();
  add_workers();
  add_context();
  add_doctor();
}

CLI::App* ClusterCommands::add_about(const std::string& name, const std::string& help,
                                     const std::string& examples,
                                     int (*verb)(const JobVerb&, Output&), JobVerb& options,
                                     const char* what) {
  auto* added =
      add_(*app_, name, help, examples, [this, verb, &options] { return verb(options, *output_); });
  added->add_option("name", options.job, "which one")->required()->type_name(what);
  add_connection(*added, options.connection);
  return added;
}

void ClusterCommands::add_plan() {
  auto* verb = add_(*app_, "plan", "Predict rate, memory and checkpoint size of a job",
                    "  millrace plan job.yaml\n  millrace plan job.yaml --set parallelism=8\n",
                    [this] { return verb_plan(plan_, *output_); });
  verb->add_option("file", plan_.file, "a job file")->required()->type_name("JOB");
  verb->add_option("--secrets", plan_.secrets, "folder of the secrets that the job names")
      ->type_name("DIR");
  add_overrides(*verb, plan_.overrides);
}

void ClusterCommands::add_submit() {
  auto* verb = add_(*app_, "submit", "Give a job to a cluster; the same job again changes nothing",
                    "  millrace submit job.yaml\n"
                    "  millrace submit job.yaml --wait --set parallelism=4\n"
                    "  millrace submit job.yaml --update           replace what runs\n",
                    [this] { return verb_submit(submit_, *output_); });
  verb->add_option("file", submit_.file, "a job file")->required()->type_name("JOB");
  auto* wait = verb->add_flag("--wait", submit_.follow.is_awaited, "wait until it runs");
  verb->add_option("--timeout", submit_.follow.timeout_s, "how long to wait for it (default 300)")
      ->type_name("SECONDS")
      ->needs(wait);
  verb->add_flag("--update", submit_.update, "replace the job of this name by what the file says");
  verb->add_option("--from", submit_.from, "begin with this checkpoint or savepoint of the job")
      ->type_name("REF");
  add_overrides(*verb, submit_.overrides);
  add_connection(*verb, submit_.connection);
}

void ClusterCommands::add_job() {
  auto* job = app_->add_subcommand("job", "Compare or forget a job: job diff, job delete");
  job->require_subcommand(1);
  job->footer("Examples:\n  millrace job diff job.yaml\n  millrace job delete clicks\n");
  auto* diff = add_(*job, "diff", "What a job file would change of the job that runs",
                    "  millrace job diff job.yaml\n  millrace job diff job.yaml --output json\n",
                    [this] { return verb_job_diff(diff_, *output_); });
  diff->add_option("file", diff_.file, "a job file")->required()->type_name("JOB");
  add_overrides(*diff, diff_.overrides);
  add_connection(*diff, diff_.connection);
  auto* forget =
      add_(*job, "delete", "Forget a job that has ended; its checkpoints stay",
           "  millrace job delete clicks\n", [this] { return verb_job_delete(delete_, *output_); });
  forget->add_option("job", delete_.job, "its name")->required()->type_name("JOB");
  add_follow(*forget, delete_.follow);
  add_connection(*forget, delete_.connection);
}

void ClusterCommands::add_watching() {
  auto* jobs = add_(*app_, "jobs", "List the jobs of a cluster",
                    "  millrace jobs\n  millrace jobs --output json\n",
                    [this] { return verb_jobs(jobs_, *output_); });
  add_connection(*jobs, jobs_);
  add_about("status", "How a job fares: figures, lag, checkpoints, recoveries",
            "  millrace status clicks\n  millrace status clicks --output json\n", verb_status,
            status_);
  add_about("describe", "A job as it runs: every key, its schema, splits and placement",
            "  millrace describe clicks\n", verb_describe, describe_);
  add_about("checkpoints", "List the checkpoints and savepoints of a job",
            "  millrace checkpoints clicks\n"
            "  millrace checkpoints verify clicks       read them all and say what is damaged\n",
            verb_checkpoints, checkpoints_);
  auto* wait = add_(*app_, "wait", "Wait until a job is as it should be",
                    "  millrace wait clicks --for state=running\n"
                    "  millrace wait clicks --for lag.below=1000,metric.auc.above=0.8 "
                    "--timeout 600\n",
                    [this] { return verb_wait(wait_, *output_); });
  wait->add_option("job", wait_.job, "its name")->required()->type_name("JOB");
  wait->add_option("--for", wait_.conditions,
                   "state=S, NUMBER.above=X, NUMBER.below=X, metric.NAME.above=X, ...; all of them")
      ->required()
      ->type_name("CONDITION,...");
  wait->add_option("--timeout", wait_.timeout_s, "how long (default 300)")->type_name("SECONDS");
  add_connection(*wait, wait_.connection);
  auto* top = add_(*app_, "top", "Jobs and workers at a glance, redrawn on a terminal",
                   "  millrace top\n  millrace top --output json\n",
                   [this] { return verb_top(top_, *output_); });
  top->add_option("--interval", top_.interval_s, "between two pictures (default 2)")
      ->type_name("SECONDS");
  add_connection(*top, top_.connection);
}

void ClusterCommands::add_events() {
  const auto add_common = [](CLI::App& verb, EventsVerb& options) {
    verb.add_option("--after", options.after, "only those with a higher sequence number")
        ->type_name("N");
    verb.add_option("--max", options.max, "at most so many at a time (default 100)")
        ->type_name("N");
    add_connection(verb, options.connection);
  };
  auto* events = add_(*app_, "events", "What happened to a job, or to the cluster",
                      "  millrace events clicks\n  millrace events --output json\n",
                      [this] { return verb_events(events_, *output_); });
  events->add_option("job", events_.job, "its name (default: the cluster)")->type_name("JOB");
  add_common(*events, events_);
  auto* logs = add_(*app_, "logs", "The events of a job, as they come with -f",
                    "  millrace logs clicks -f\n", [this] { return verb_events(logs_, *output_); });
  logs->add_option("job", logs_.job, "its name")->required()->type_name("JOB");
  logs->add_flag("-f,--follow", logs_.is_following, "go on until the job has ended");
  add_common(*logs, logs_);
}

void ClusterCommands::add_steering() {
  auto* stop =
      add_about("stop", "Drain a job: a savepoint, then the end",
                "  millrace stop clicks\n  millrace stop clicks --savepoint before-upgrade\n",
                verb_stop, stop_);
  stop->add_option("--savepoint", stop_.word, "keep the last state under this name")
      ->type_name("NAME");
  auto* cancel = add_about("cancel", "End a job at once, back to its newest checkpoint",
                           "  millrace cancel clicks\n", verb_cancel, cancel_);
  auto* savepoint = add_about("savepoint", "Take a checkpoint that is never removed",
                              "  millrace savepoint clicks\n  millrace savepoint clicks nightly\n",
                              verb_savepoint, savepoint_);
  savepoint->add_option("savepoint", savepoint_.word, "its name (default: from the time)")
      ->type_name("NAME");
  auto* resume = add_about("resume", "Run a job that has ended again",
                           "  millrace resume clicks\n  millrace resume clicks --from nightly\n",
                           verb_resume, resume_);
  resume->add_option("--from", resume_.word, "a checkpoint or savepoint (default: the newest)")
      ->type_name("REF");
  auto* rescale = add_about("rescale", "Change the number of a job's replicas",
                            "  millrace rescale clicks 8\n", verb_rescale, rescale_);
  rescale->add_option("parallelism,--parallelism", rescale_.parallelism, "replicas")
      ->required()
      ->type_name("N");
  auto* operation = add_about("operation", "How something that takes a while went",
                              "  millrace operation op-17\n", verb_operation, operation_, "ID");
  add_follow(*stop, stop_.follow);
  add_follow(*cancel, cancel_.follow);
  add_follow(*savepoint, savepoint_.follow);
  add_follow(*resume, resume_.follow);
  add_follow(*rescale, rescale_.follow);
  add_follow(*operation, operation_.follow);
}

void ClusterCommands::add_workers() {
  auto* workers = add_(*app_, "workers", "List the workers of a cluster", "  millrace workers\n",
                       [this] { return verb_workers(workers_, *output_); });
  add_connection(*workers, workers_);
  auto* drain = add_about("drain", "Move everything off a worker, which takes nothing new",
                          "  millrace drain worker-2\n", verb_drain, drain_, "WORKER");
  add_follow(*drain, drain_.follow);
}

void ClusterCommands::add_context() {
  auto* context = app_->add_subcommand("context", "Remember coordinators: context add, use, list");
  context->require_subcommand(1);
  context->footer(
      "Examples:\n  millrace context add production --coordinator tcp://mill.example.org:4701 "
      "--keys keys/clients/ops\n  millrace context use production\n");
  auto* add = add_(*context, "add", "Remember a coordinator under a name, or change it",
                   "  millrace context add production --coordinator tcp://mill.example.org:4701 "
                   "--keys keys/clients/ops\n",
                   [this] { return verb_context_add(context_, *output_); });
  add->add_option("name", context_.name, "the name")->required()->type_name("NAME");
  add->add_option("--coordinator", context_.coordinator, "where it answers")
      ->required()
      ->type_name("tcp://HOST:PORT");
  add->add_option("--keys", context_.keys, "this client's keys (keygen's clients/NAME)")
      ->type_name("DIR");
  auto* use = add_(*context, "use", "Let commands go to a coordinator from now on",
                   "  millrace context use production\n",
                   [this] { return verb_context_use(context_, *output_); });
  use->add_option("name", context_.name, "the name")->required()->type_name("NAME");
  add_(*context, "list", "List what is remembered, and where commands go",
       "  millrace context list\n", [this] { return verb_context_list(*output_); });
}

void ClusterCommands::add_doctor() {
  auto* verb = add_(*app_, "doctor", "Check configuration, keys, coordinator, clock and disk",
                    "  millrace doctor\n  millrace doctor --output json\n",
                    [this] { return verb_doctor(doctor_, *output_); });
  verb->add_option("--state", doctor_.state, "state folder (default $XDG_STATE_HOME/millrace)")
      ->envname("MILLRACE_STATE")
      ->type_name("DIR");
  add_connection(*verb, doctor_.connection);
}

}  // namespace millrace::cli
