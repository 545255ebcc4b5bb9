// A control service that is not a coordinator: it remembers jobs in a map, and answers as it is
// told to. Everything round it is real: sockets, keys, policy, the server and its thread.
#pragma once

#include <map>
#include <mutex>
#include <vector>

#include "common/wire/control_codec.hpp"
#include "coordinator/control/control_service.hpp"

namespace millrace::test {

class FakeService final : public ControlService {
 public:
  void ask(ControlRequestPtr request, Answer answer) override {
    const std::lock_guard lock(mutex_);
    asked_.push_back(*request);
    if (is_silent_) {
      unanswered_.push_back(std::move(answer));
      return;
    }
    auto reply = std::make_shared<control::Reply>();
    std::visit([&](const auto& what) { this->answer(what, *reply); }, request->what);
    answer(std::move(reply));
  }

  // Keeps every answer back until `speak`.
  void be_silent() {
    const std::lock_guard lock(mutex_);
    is_silent_ = true;
  }
  // Answers what is asked from now on; what was kept back stays so.
  void listen_again() {
    const std::lock_guard lock(mutex_);
    is_silent_ = false;
  }
  void speak() {
    const std::lock_guard lock(mutex_);
    is_silent_ = false;
    for (auto& answer : unanswered_)
      answer(std::make_shared<control::Reply>(control::Reply{.what = control::JobList{}}));
    unanswered_.clear();
  }
  std::vector<control::Request> asked() const {
    const std::lock_guard lock(mutex_);
    return asked_;
  }
  control::JobStatus& job(const std::string& name) {
    const std::lock_guard lock(mutex_);
    auto& job = jobs_[name];
    job.name = name;
    return job;
  }
  void set_description(control::JobDescription description) {
    const std::lock_guard lock(mutex_);
    description_ = std::move(description);
  }
  void fail_operations_with(control::Error error) {
    const std::lock_guard lock(mutex_);
    operation_error_ = std::move(error);
  }
  void never_end_operations() {
    const std::lock_guard lock(mutex_);
    is_never_ending_ = true;
  }

 private:
  static control::Error no_job(const std::string& name) {
    return {.code = Code::not_found, .message = "there is no job '" + name + "'"};
  }
  void begin(const std::string& kind, const std::string& subject, control::Reply& reply) {
    control::Operation operation;
    operation.id = "op-" + std::to_string(operations_.size() + 1);
    operation.kind = kind;
    operation.job = subject;
    operation.state = control::OperationState::running;
    operation.started_at_ms = 1;
    operations_[operation.id] = operation;
    reply.what = operation;
  }
  template <typename Request>
  void of_job(const char* kind, const Request& request, control::Reply& reply) {
    if (jobs_.contains(request.job))
      begin(kind, request.job, reply);
    else
      reply.what = no_job(request.job);
  }

  void answer(const control::Submit& submit, control::Reply& reply) {
    const bool is_known = jobs_.contains("clicks");
    if (is_known && yaml_ != submit.yaml && !submit.update) {
      reply.what = control::Error{.code = Code::conflict,
                                  .message = "there is another job 'clicks'",
                                  .hint = "use --update"};
      return;
    }
    const bool is_same = is_known && yaml_ == submit.yaml;
    yaml_ = submit.yaml;
    jobs_["clicks"].name = "clicks";
    jobs_["clicks"].state = control::JobState::running;
    control::Submitted submitted{.job = "clicks", .revision = 1};
    if (is_same) {
      submitted.outcome = control::SubmitOutcome::unchanged;
    } else {
      submitted.outcome =
          is_known ? control::SubmitOutcome::updated : control::SubmitOutcome::created;
      begin("submit", "clicks", reply);
      submitted.operation = std::get<control::Operation>(reply.what).id;
    }
    reply.what = submitted;
  }
  void answer(const control::ListJobs&, control::Reply& reply) {
    control::JobList list;
    for (const auto& [name, job] : jobs_)
      list.jobs.push_back({.name = name,
                           .state = job.state,
                           .records = job.records,
                           .metric = "accuracy",
                           .metric_value = 0.75,
                           .message = job.message});
    reply.what = list;
  }
  void answer(const control::GetStatus& request, control::Reply& reply) {
    if (const auto found = jobs_.find(request.job); found != jobs_.end())
      reply.what = found->second;
    else
      reply.what = no_job(request.job);
  }
  void answer(const control::DescribeJob& request, control::Reply& reply) {
    if (description_.name == request.job)
      reply.what = description_;
    else
      reply.what = no_job(request.job);
  }
  void answer(const control::ListEvents& request, control::Reply& reply) {
    control::EventList list{.oldest = 1};
    for (std::uint64_t sequence = request.after + 1; sequence <= 3; ++sequence)
      list.events.push_back({.sequence = sequence,
                             .at_ms = 1'000 * sequence,
                             .severity = "info",
                             .kind = "checkpoint",
                             .message = "cut " + std::to_string(sequence)});
    reply.what = list;
  }
  void answer(const control::StopJob& request, control::Reply& reply) {
    of_job("stop", request, reply);
  }
  void answer(const control::CancelJob& request, control::Reply& reply) {
    of_job("cancel", request, reply);
  }
  void answer(const control::TakeSavepoint& request, control::Reply& reply) {
    of_job("savepoint", request, reply);
  }
  void answer(const control::ListCheckpoints&, control::Reply& reply) {
    reply.what = control::CheckpointList{
        .checkpoints = {{.cut = 41, .at_ms = 1'000, .bytes = 2'000, .records = 3},
                        {.cut = 42, .name = "nightly", .at_ms = 2'000}}};
  }
  void answer(const control::ResumeJob& request, control::Reply& reply) {
    of_job("resume", request, reply);
  }
  void answer(const control::RescaleJob& request, control::Reply& reply) {
    of_job("rescale", request, reply);
  }
  void answer(const control::DeleteJob& request, control::Reply& reply) {
    of_job("delete", request, reply);
  }
  void answer(const control::ListWorkers&, control::Reply& reply) {
    reply.what = control::WorkerList{.workers = {{.id = 1,
                                                  .name = "worker-1",
                                                  .address = "127.0.0.1:4710",
                                                  .state = "ready",
                                                  .roles = {"train"},
                                                  .slots = 4,
                                                  .slots_used = 1,
                                                  .version = "0.0.1"}}};
  }
  void answer(const control::DrainWorker& request, control::Reply& reply) {
    begin("drain", request.worker, reply);
  }
  // An operation has ended when it is asked for.
  void answer(const control::GetOperation& request, control::Reply& reply) {
    const auto found = operations_.find(request.id);
    if (found == operations_.end()) {
      reply.what = control::Error{.code = Code::not_found, .message = "there is no operation"};
      return;
    }
    if (!is_never_ending_) {
      found->second.state =
          operation_error_ ? control::OperationState::failed : control::OperationState::succeeded;
      found->second.error = operation_error_;
      found->second.result = "all is well";
    }
    reply.what = found->second;
  }
  void answer(const control::ListModels&, control::Reply& reply) {
    reply.what = control::ModelList{};
  }
  void answer(const control::ListAliases& request, control::Reply& reply) {
    reply.what = control::AliasList{.job = request.job};
  }
  void answer(const control::GetVersion&, control::Reply& reply) {
    reply.what = control::ServerFacts{.version = "0.0.1", .now_ms = 1'000};
  }

  mutable std::mutex mutex_;
  std::vector<control::Request> asked_;
  std::vector<Answer> unanswered_;
  std::map<std::string, control::JobStatus> jobs_;
  std::map<std::string, control::Operation> operations_;
  control::JobDescription description_;
  std::optional<control::Error> operation_error_;
  std::string yaml_;
  bool is_silent_ = false;
  bool is_never_ending_ = false;
};

}  // namespace millrace::test
