#include "tests/support/control_messages.hpp"

namespace millrace::test {
namespace {

using namespace control;

std::vector<SplitStatus> splits() {
  return {{.id = 1,
           .path = "clicks/0",
           .begin = 10,
           .end = 9'000,
           .offset = 4'321,
           .lag = 77,
           .replica = 1,
           .is_finished = true}};
}

std::vector<JobWorker> workers() {
  return {{.id = 9, .name = "worker-1", .replicas = {0, 2}, .shards = {1}},
          {.id = 11, .name = "worker-2", .replicas = {1}, .shards = {}}};
}

EvaluationReport evaluation() {
  EvaluationReport report;
  report.prequential = {.records = 5,
                        .accuracy = 0.5,
                        .log_loss = 0.25,
                        .precision = 0.125,
                        .recall = 1.0,
                        .f1 = 0.75,
                        .kappa = -0.5,
                        .kappa_temporal = 0.0625,
                        .auc = 0.875,
                        .auc_error_bound = 0.001,
                        .confusion_matrix = {{1, 2}, {3, 4}},
                        .mae = 2.0,
                        .rmse = 3.0,
                        .r2 = 0.1};
  report.window.records = 3;  // every figure is absent
  report.baselines = {.last_label_accuracy = 0.1,
                      .majority_accuracy = 0.2,
                      .last_label_mae = 0.3,
                      .mean_mae = 0.4,
                      .mean_rmse = 0.5,
                      .warnings = {"a baseline wins"}};
  return report;
}

JobStatus status() {
  JobStatus s;
  s.name = "clicks";
  s.state = JobState::recovering;
  s.message = "waits for worker-2";
  s.submitted_by = "ops";
  s.revision = 2;
  s.submitted_at_ms = 1'000;
  s.started_at_ms = 2'000;
  s.ended_at_ms = 3'000;
  s.attempt = 4;
  s.term = 5;
  s.parallelism = 3;
  s.workers = workers();
  s.restarts = 6;
  s.last_error = Error{.code = Code::io_error,
                       .message = "no space",
                       .hint = "make room",
                       .may_have_happened = true,
                       .at_ms = 7};
  s.recovery = {.count = 2,
                .last_at_ms = 8,
                .last_seconds = 1.5,
                .from_cut = 9,
                .reason = "worker-2 was lost"};
  s.read = 100;
  s.records = 90;
  s.quarantined = 7;
  s.skipped = 3;
  s.seconds = 12.5;
  s.records_per_second = 7.25;
  s.lag = 77;
  s.task = Task::multiclass;
  s.classes = {"a", "b"};
  s.label_delay = 31;
  s.evaluation = evaluation();
  s.model_kind = "softmax";
  s.version = 12;
  s.parameters = 345;
  s.digest = "abcd";
  s.checkpoints_completed = 13;
  s.last_checkpoint = 14;
  s.last_checkpoint_bytes = 15;
  s.last_checkpoint_seconds = 0.5;
  s.last_checkpoint_at_ms = 16;
  s.store_url = "s3://bucket/clicks";
  s.splits = splits();
  s.quarantine = {{.path = "clicks/0",
                   .offset = 17,
                   .column = "price",
                   .reason = "no number",
                   .record = "a,b"}};
  s.prediction_endpoints = {"tcp://worker-1:4711"};
  s.instruction_set = "avx2";
  s.warnings = {"look"};
  return s;
}

JobDescription description() {
  return {.name = "clicks",
          .file_name = "job.yaml",
          .revision = 2,
          .job_file = "version: 1\n",
          .overrides = {"parallelism=3"},
          .task = "binary",
          .fields = {{.name = "price", .role = "number", .evidence = "all are numbers"}},
          .splits = splits(),
          .workers = workers(),
          .shards = 4,
          .store_url = "file:///checkpoints/clicks"};
}

Operation operation() {
  return {.id = "op-1",
          .kind = "savepoint",
          .job = "clicks",
          .state = OperationState::failed,
          .result = "half done",
          .error = Error{.code = Code::conflict, .message = "busy"},
          .started_at_ms = 1,
          .ended_at_ms = 2};
}

JobList jobs() {
  return {.jobs = {{.name = "clicks",
                    .state = JobState::running,
                    .records = 1,
                    .quarantined = 2,
                    .records_per_second = 3.5,
                    .lag = 4,
                    .workers = 5,
                    .parallelism = 6,
                    .restarts = 7,
                    .metric = "accuracy",
                    .metric_value = 0.5,
                    .version = 8,
                    .submitted_at_ms = 9,
                    .message = "fine"},
                   {.name = "empty"}}};
}

WorkerList worker_list() {
  return {.workers = {{.id = 1,
                       .name = "worker-1",
                       .address = "10.0.0.1:4710",
                       .state = "ready",
                       .roles = {"train", "serve"},
                       .slots = 4,
                       .slots_used = 2,
                       .memory_bytes = 1u << 30,
                       .jobs = {"clicks"},
                       .labels = {"zone=a"},
                       .prediction_endpoint = "tcp://10.0.0.1:4711",
                       .version = "0.1.0",
                       .joined_at_ms = 3,
                       .heard_at_ms = 4}}};
}

}  // namespace

std::vector<Request> example_requests() {
  const std::vector<RequestKind> kinds = {Submit{.file_name = "job.yaml",
                                                 .yaml = "version: 1\n",
                                                 .overrides = {"seed=7", "parallelism=2"},
                                                 .update = true,
                                                 .from = "nightly"},
                                          ListJobs{},
                                          GetStatus{.job = "clicks"},
                                          DescribeJob{.job = "clicks"},
                                          ListEvents{.job = "clicks", .after = 41, .max = 10},
                                          StopJob{.job = "clicks", .savepoint = "last"},
                                          CancelJob{.job = "clicks"},
                                          TakeSavepoint{.job = "clicks", .name = "nightly"},
                                          ListCheckpoints{.job = "clicks"},
                                          ResumeJob{.job = "clicks", .from = "41"},
                                          RescaleJob{.job = "clicks", .parallelism = 8},
                                          DeleteJob{.job = "clicks"},
                                          ListWorkers{},
                                          DrainWorker{.worker = "worker-2"},
                                          GetOperation{.id = "op-1"},
                                          ListModels{.job = "clicks"},
                                          ListAliases{.job = "clicks"},
                                          GetVersion{}};
  std::vector<Request> requests;
  for (const auto& what : kinds) {
    const auto number = static_cast<std::uint32_t>(requests.size() + 1);
    requests.push_back({.id = number, .deadline_ms = 100 * number, .client = "", .what = what});
  }
  return requests;
}

std::vector<Reply> example_replies() {
  const AliasRow alias{.name = "production", .version = 3, .revision = 4};
  const std::vector<ReplyKind> kinds = {
      Error{.code = Code::timed_out,
            .message = "late",
            .hint = "ask again",
            .may_have_happened = true,
            .at_ms = 5},
      Submitted{
          .job = "clicks", .outcome = SubmitOutcome::updated, .revision = 3, .operation = "op-1"},
      jobs(),
      status(),
      description(),
      EventList{.events = {{.sequence = 1,
                            .at_ms = 2,
                            .severity = "warning",
                            .kind = "recovering",
                            .message = "worker-2 was lost"}},
                .oldest = 1},
      CheckpointList{.checkpoints = {{.cut = 1,
                                      .name = "nightly",
                                      .at_ms = 2,
                                      .bytes = 3,
                                      .records = 4,
                                      .attempt = 5,
                                      .seconds = 0.5,
                                      .version = 6}}},
      worker_list(),
      operation(),
      ModelList{.models = {{.job = "clicks",
                            .version = 3,
                            .cut = 4,
                            .records = 5,
                            .bytes = 6,
                            .created_at_ms = 7,
                            .kind = "logistic",
                            .digest = "abcd",
                            .metric = "auc",
                            .metric_value = 0.75,
                            .aliases = {alias}}}},
      AliasList{.job = "clicks", .aliases = {alias}},
      ServerFacts{.version = "0.1.0",
                  .now_ms = 1,
                  .started_at_ms = 2,
                  .state_folder = "/var/lib/millrace",
                  .jobs = 3,
                  .workers = 4,
                  .client = "ops",
                  .roles = {"operate"},
                  .is_encrypted = true}};
  std::vector<Reply> replies;
  for (const auto& what : kinds) {
    replies.push_back({.id = replies.size() + 1, .what = what});
  }
  return replies;
}

}  // namespace millrace::test
