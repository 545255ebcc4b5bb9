// The verbs of a cluster against a real control server with keys, whose service is fake.
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>

#include "coordinator/cli/cluster_verbs.hpp"
#include "tests/integration/control_endpoint/controlled.hpp"

namespace millrace {
namespace {

using namespace test;
using namespace cli;
using control::JobState;

constexpr const char* kJob =
    "version: 1\nname: clicks\nsource: {path: clicks.csv}\nschema: {label: y}\n";

struct Told {
  int code = -1;
  std::string out, errors;
};

std::string all_of(std::FILE* file) {
  std::string text;
  std::rewind(file);
  for (int c = std::fgetc(file); c != EOF; c = std::fgetc(file)) text += static_cast<char>(c);
  return text;
}

struct Cluster : Controlled {
  Cluster() {
    protect();
    service.job("clicks").state = JobState::running;
    start();
    BOOST_REQUIRE(::setenv("XDG_CONFIG_HOME", folder.path().c_str(), 1) == 0);
    for (const auto* name : {"MILLRACE_COORDINATOR", "MILLRACE_KEYS", "MILLRACE_CONTEXT"})
      ::unsetenv(name);
  }
  ConnectionFlags as(const std::string& id) const {
    return {.words = {.coordinator = server->endpoint(), .keys = key_folder(id), .context = ""}};
  }
  std::string file(const std::string& name, const std::string& text) const {
    const auto path = folder.path() / name;
    std::ofstream(path) << text;
    return path.string();
  }

  template <typename Verb, typename Options>
  static Told run(const Verb& verb, const Options& asked,
                  OutputFormat format = OutputFormat::table) {
    std::FILE* out = std::tmpfile();
    std::FILE* errors = std::tmpfile();
    BOOST_REQUIRE(out != nullptr && errors != nullptr);
    Told told;
    {
      Output output(out, errors);
      output.set_format(format);
      told.code = verb(asked, output);
    }
    told.out = all_of(out);
    told.errors = all_of(errors);
    std::fclose(out);
    std::fclose(errors);
    return told;
  }
  template <typename Verb>
  Told about(const Verb& verb, const std::string& job, const std::string& word = {},
             OutputFormat format = OutputFormat::table) const {
    JobVerb asked;
    asked.connection = as("root");
    asked.job = job;
    asked.word = word;
    asked.parallelism = 4;
    return run(verb, asked, format);
  }

  TemporaryFolder folder;
};

void require_text(const std::string& text, const std::string& part) {
  BOOST_TEST(text.find(part) != std::string::npos, "'" + part + "' is not in:\n" + text);
}

nlohmann::json document(const Told& told) {
  BOOST_TEST_REQUIRE(told.code == kExitDone, told.errors);
  auto parsed = nlohmann::json::parse(told.out, nullptr, false);
  BOOST_REQUIRE_MESSAGE(!parsed.is_discarded(), told.out);
  BOOST_TEST(parsed.at("schema_version") == 1);
  return parsed;
}

BOOST_AUTO_TEST_SUITE(cluster_verbs)

BOOST_AUTO_TEST_CASE(submit_creates_repeats_refuses_and_updates) {
  Cluster cluster;
  SubmitVerb submit;
  submit.connection = cluster.as("ops");
  submit.file = cluster.file("job.yaml", kJob);
  // The fake knows `clicks` with another file.
  const auto refused = Cluster::run(verb_submit, submit);
  BOOST_TEST(refused.code == kExitConflict);
  require_text(refused.errors, "--update");
  submit.update = true;
  const auto updated = Cluster::run(verb_submit, submit);
  BOOST_TEST(updated.code == kExitDone, updated.errors);
  require_text(updated.out, "next: millrace status clicks");
  submit.update = false;
  BOOST_TEST(document(Cluster::run(verb_submit, submit, OutputFormat::json)).at("outcome") ==
             "unchanged");
  const auto asked = std::get<control::Submit>(cluster.service.asked().back().what);
  BOOST_TEST(asked.yaml == kJob);
  BOOST_TEST(asked.file_name == "job.yaml");
  submit.follow.is_awaited = true;
  const auto awaited = Cluster::run(verb_submit, submit);
  BOOST_TEST(awaited.code == kExitDone, awaited.errors);
  require_text(awaited.out, "is running");
}

BOOST_AUTO_TEST_CASE(a_wrong_job_file_is_told_before_anything_is_sent) {
  const Cluster cluster;
  SubmitVerb submit;
  submit.connection = cluster.as("ops");
  submit.file = cluster.file("job.yaml", "version: 1\nname: clicks\nsauce: {}\n");
  const auto told = Cluster::run(verb_submit, submit);
  BOOST_TEST(told.code == kExitUsage);
  require_text(told.errors, "job.yaml:3");
  submit.file = "no-such-file.yaml";
  BOOST_TEST(Cluster::run(verb_submit, submit).code == kExitNotFound);
  BOOST_TEST(cluster.service.asked().empty());
}

BOOST_AUTO_TEST_CASE(submit_waits_and_tells_of_a_job_that_failed) {
  Cluster cluster;
  SubmitVerb submit;
  submit.connection = cluster.as("ops");
  submit.file = cluster.file("job.yaml", kJob);
  submit.update = true;
  submit.follow = {.is_awaited = true, .timeout_s = 60};
  cluster.service.fail_operations_with(
      {.code = Code::job_failed, .message = "there is no column y", .hint = "see the schema"});
  const auto told = Cluster::run(verb_submit, submit);
  BOOST_TEST(told.code == kExitFailed);
  require_text(told.errors, "there is no column y");
}

BOOST_AUTO_TEST_CASE(job_diff_tells_what_is_fixed_and_what_may_change) {
  Cluster cluster;
  control::JobDescription description;
  description.name = "clicks";
  description.job_file = kJob;
  cluster.service.set_description(description);
  JobDiffVerb diff{
      .connection = cluster.as("viewer"), .file = cluster.file("job.yaml", kJob), .overrides = {}};
  BOOST_TEST(Cluster::run(verb_job_diff, diff).code == kExitDone);
  diff.overrides = {"checkpoint.interval=20s"};
  const auto adjusted = Cluster::run(verb_job_diff, diff);
  BOOST_TEST(adjusted.code == kExitFailed);
  require_text(adjusted.out, "--update");
  diff.overrides = {"seed=99"};
  const auto fixed = Cluster::run(verb_job_diff, diff, OutputFormat::json);
  BOOST_TEST(fixed.code == kExitFailed);
  BOOST_TEST(nlohmann::json::parse(fixed.out).at("fixed").size() == 1u);
}

BOOST_AUTO_TEST_CASE(jobs_status_describe_checkpoints_and_workers_are_shown) {
  Cluster cluster;
  auto& job = cluster.service.job("clicks");
  job.records = 45'312;
  job.workers = {{.id = 1, .name = "worker-1", .replicas = {0}, .shards = {0}}};
  job.recovery = {.count = 1, .last_at_ms = 5'000, .from_cut = 7, .reason = "worker-2 was lost"};
  control::JobDescription description;
  description.name = "clicks";
  description.job_file = kJob;
  cluster.service.set_description(description);

  const auto jobs = Cluster::run(verb_jobs, cluster.as("viewer"));
  BOOST_TEST(jobs.code == kExitDone, jobs.errors);
  require_text(jobs.out, "45,312");
  require_text(jobs.out, "next: millrace status clicks");
  const auto status = cluster.about(verb_status, "clicks");
  for (const auto* part : {"job clicks running", "worker-1", "worker-2 was lost", "next:"})
    require_text(status.out, part);
  const auto json = document(cluster.about(verb_status, "clicks", "", OutputFormat::json));
  for (const auto* member : {"job",         "state",       "read",     "records",
                             "quarantined", "skipped",     "seconds",  "records_per_second",
                             "classes",     "label_delay", "metrics",  "model",
                             "checkpoints", "workers",     "splits",   "drift",
                             "attempt",     "term",        "restarts", "recovery",
                             "placement"})
    BOOST_TEST(json.contains(member), std::string(member) + " is missing");
  BOOST_TEST(json.at("workers") == 1);
  BOOST_TEST(json.at("recovery").at("from_cut") == 7);
  require_text(cluster.about(verb_describe, "clicks").out, "label: y");
  require_text(cluster.about(verb_checkpoints, "clicks").out, "nightly");
  require_text(Cluster::run(verb_workers, cluster.as("viewer")).out, "1/4");
  TopVerb top;
  top.connection = cluster.as("viewer");
  require_text(Cluster::run(verb_top, top).out, "1/4 slots");
}

BOOST_AUTO_TEST_CASE(a_job_that_is_not_there_ends_with_3) {
  const Cluster cluster;
  for (const auto verb : {verb_status, verb_describe, verb_stop, verb_cancel, verb_savepoint,
                          verb_resume, verb_rescale, verb_job_delete, verb_operation})
    BOOST_TEST(cluster.about(verb, "no-such-thing").code == kExitNotFound);
}

BOOST_AUTO_TEST_CASE(steering_verbs_follow_their_operation_to_its_end) {
  const Cluster cluster;
  for (const auto verb : {verb_stop, verb_cancel, verb_savepoint, verb_resume, verb_rescale,
                          verb_job_delete, verb_drain}) {
    const auto told = cluster.about(verb, "clicks", "nightly");
    BOOST_TEST(told.code == kExitDone, told.errors);
    require_text(told.out, "all is well");
  }
  const auto json = document(cluster.about(verb_stop, "clicks", "s", OutputFormat::json));
  BOOST_TEST(json.at("state") == "succeeded");
}

BOOST_AUTO_TEST_CASE(a_savepoint_without_a_name_gets_one_from_the_time) {
  const Cluster cluster;
  BOOST_TEST(cluster.about(verb_savepoint, "clicks").code == kExitDone);
  for (const auto& request : cluster.service.asked())
    if (const auto* savepoint = std::get_if<control::TakeSavepoint>(&request.what))
      BOOST_TEST(savepoint->name.starts_with("sp-20"));
}

BOOST_AUTO_TEST_CASE(an_operation_that_fails_or_does_not_end_says_so) {
  Cluster cluster;
  cluster.service.never_end_operations();
  JobVerb options;
  options.connection = cluster.as("ops");
  options.job = "clicks";
  options.follow.timeout_s = 0.05;
  const auto late = Cluster::run(verb_stop, options);
  BOOST_TEST(late.code == kExitTimedOut);
  require_text(late.errors, "millrace operation op-1");
  options.follow.is_awaited = false;
  const auto started = Cluster::run(verb_stop, options);
  BOOST_TEST(started.code == kExitDone);
  require_text(started.out, "next: millrace operation op-2");

  Cluster other;
  other.service.fail_operations_with({.code = Code::conflict, .message = "it is stopping"});
  BOOST_TEST(other.about(verb_savepoint, "clicks").code == kExitConflict);
}

BOOST_AUTO_TEST_CASE(whoever_may_operate_and_not_look_follows_what_was_started) {
  const Cluster cluster;
  JobVerb stop;
  stop.connection = cluster.as("starter");
  stop.job = "clicks";
  const auto stopped = Cluster::run(verb_stop, stop);
  BOOST_TEST(stopped.code == kExitDone, stopped.errors);
  require_text(stopped.out, "all is well");

  SubmitVerb submit;
  submit.connection = cluster.as("starter");
  submit.file = cluster.file("job.yaml", kJob);
  submit.update = true;
  submit.follow.is_awaited = true;
  const auto submitted = Cluster::run(verb_submit, submit);
  BOOST_TEST(submitted.code == kExitDone, submitted.errors);
  require_text(submitted.out, "submit clicks: all is well");
  // What has not changed has no operation: only a look at the job could tell.
  BOOST_TEST(Cluster::run(verb_submit, submit).code == kExitNotAllowed);
}

BOOST_AUTO_TEST_CASE(events_are_listed_and_followed_to_the_end_of_the_job) {
  Cluster cluster;
  EventsVerb events;
  events.connection = cluster.as("viewer");
  events.job = "clicks";
  require_text(Cluster::run(verb_events, events).out, "cut 3");
  cluster.service.job("clicks").state = JobState::finished;
  events.is_following = true;
  events.after = 1;
  const auto followed = Cluster::run(verb_events, events, OutputFormat::json);
  BOOST_TEST(followed.code == kExitDone, followed.errors);
  BOOST_TEST(std::ranges::count(followed.out, '\n') == 2);
}

BOOST_AUTO_TEST_CASE(wait_ends_when_it_holds_cannot_come_or_took_too_long) {
  Cluster cluster;
  WaitVerb wait;
  wait.connection = cluster.as("viewer");
  wait.job = "clicks";
  wait.conditions = "state=running,lag.below=1000";
  BOOST_TEST(Cluster::run(verb_wait, wait).code == kExitDone);
  wait.conditions = "metric.auc.above=0.8";
  wait.timeout_s = 0.05;
  const auto late = Cluster::run(verb_wait, wait);
  BOOST_TEST(late.code == kExitTimedOut);
  require_text(late.errors, "auc is not known yet");
  cluster.service.job("clicks").state = JobState::failed;
  wait.timeout_s = 60;
  BOOST_TEST(Cluster::run(verb_wait, wait).code == kExitFailed);
  wait.conditions = "state=runing";
  BOOST_TEST(Cluster::run(verb_wait, wait).code == kExitUsage);
}

// Its port stays the same, as that of a coordinator that is restarted does.
BOOST_AUTO_TEST_CASE(waiting_goes_on_while_the_coordinator_is_away) {
  Cluster cluster;
  WaitVerb wait;
  wait.connection = cluster.as("viewer");
  wait.job = "clicks";
  wait.conditions = "state=finished";
  wait.timeout_s = 120;
  Told told;
  std::thread waiting([&] { told = Cluster::run(verb_wait, wait); });
  cluster.await_asked(2);
  cluster.options.endpoint = cluster.endpoint();
  cluster.server.reset();
  cluster.service.job("clicks").state = JobState::finished;
  cluster.start();
  waiting.join();
  BOOST_TEST(told.code == kExitDone, told.errors);
}

BOOST_AUTO_TEST_CASE(rights_reachability_and_contexts_have_their_exit_codes) {
  Cluster cluster;
  JobVerb options;
  options.connection = cluster.as("viewer");
  options.job = "clicks";
  BOOST_TEST(Cluster::run(verb_stop, options).code == kExitNotAllowed);
  options.connection.words.keys = "no-such-folder";
  BOOST_TEST(Cluster::run(verb_stop, options).code != kExitDone);
  options.connection.words = {.coordinator = "", .keys = "", .context = "nowhere"};
  BOOST_TEST(Cluster::run(verb_status, options).code == kExitNotFound);
  options.connection.words = {.coordinator = "not an endpoint", .keys = "", .context = ""};
  BOOST_TEST(Cluster::run(verb_status, options).code == kExitUsage);
  const auto endpoint = cluster.server->endpoint();
  cluster.server.reset();
  options.connection.words = {.coordinator = endpoint, .keys = "", .context = ""};
  BOOST_TEST(Cluster::run(verb_status, options).code == kExitUnreachable);
}

BOOST_AUTO_TEST_CASE(a_context_is_added_used_listed_and_asked) {
  const Cluster cluster;
  ContextVerb context{.name = "mill",
                      .coordinator = cluster.server->endpoint(),
                      .keys = cluster.key_folder("viewer")};
  BOOST_TEST(Cluster::run(verb_context_add, context).code == kExitDone);
  // The first is used at once.
  BOOST_TEST(Cluster::run(verb_jobs, ConnectionFlags{}).code == kExitDone);
  context.name = "other";
  context.coordinator = "tcp://127.0.0.1:1";
  context.keys.clear();
  BOOST_TEST(Cluster::run(verb_context_add, context).code == kExitDone);
  BOOST_TEST(Cluster::run(verb_context_use, context).code == kExitDone);
  BOOST_TEST(Cluster::run(verb_jobs, ConnectionFlags{}).code == kExitUnreachable);
  const auto list = [](const int&, Output& output) { return verb_context_list(output); };
  const auto listed = document(Cluster::run(list, 0, OutputFormat::json));
  BOOST_TEST(listed.at("contexts").size() == 2u);
  BOOST_TEST(listed.at("used").at("origin") == "context other");
  context.name = "missing";
  BOOST_TEST(Cluster::run(verb_context_use, context).code == kExitNotFound);
  context.coordinator = "nonsense";
  BOOST_TEST(Cluster::run(verb_context_add, context).code == kExitUsage);
}

BOOST_AUTO_TEST_CASE(doctor_finds_what_is_well_and_what_is_not) {
  Cluster cluster;
  DoctorVerb doctor{.connection = cluster.as("viewer"),
                    .state = (cluster.folder.path() / "state").string()};
  const auto well = document(Cluster::run(verb_doctor, doctor, OutputFormat::json));
  BOOST_TEST(well.at("is_well") == true);
  std::map<std::string, std::string> verdicts;
  for (const auto& check : well.at("checks")) verdicts[check.at("name")] = check.at("verdict");
  BOOST_TEST(verdicts.at("coordinator") == "ok");
  BOOST_TEST(verdicts.at("state folder") == "ok");
  BOOST_TEST(verdicts.at("clock") == "warning");  // the fake lives in 1970
  cluster.server.reset();
  doctor.state = "/proc/no-such-place";
  const auto ill = Cluster::run(verb_doctor, doctor);
  BOOST_TEST(ill.code == kExitFailed);
  require_text(ill.out, "failed");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace millrace
