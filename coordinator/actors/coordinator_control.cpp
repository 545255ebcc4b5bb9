// How the coordinator answers control requests.
#include <charconv>

#include "common/base/commit_entry.hpp"
#include "common/base/version.hpp"
#include "common/config/job_file.hpp"
#include "coordinator/actors/coordinator_state.hpp"

namespace millrace {
namespace {

using RunState = control::JobState;

Status no_name(const std::string& name) {
  return {Code::invalid_argument, "'" + name + "' is no name of a checkpoint or savepoint",
          "write a checkpoint's number, or 1 to 128 of A-Z a-z 0-9 . _ -"};
}

// Names that the coordinator gives itself.
bool is_reserved(const std::string& name) {
  return name.starts_with(kPassingSavepoints);
}

Status reserved(const std::string& name) {
  return {Code::invalid_argument,
          "savepoint '" + name + "' would be deleted by itself, as those of `millrace rescale` are",
          "choose a name that does not begin with " + std::string(kPassingSavepoints)};
}

Status no_job(const std::string& job) {
  return {Code::not_found, "there is no job '" + job + "'", "see `millrace jobs`"};
}

class Answering {
 public:
  Answering(CoordinatorSelf self, const AskControl& ask)
      : self_(self), state_(self->state), ask_(ask) {}

  // ---- Looking

  void operator()(const control::ListJobs&) { reply(list_jobs(self_)); }
  void operator()(const control::GetStatus& what) {
    if (const JobRun* run = run_of(what.job)) reply(status_of(self_, *run));
  }
  void operator()(const control::DescribeJob& what) {
    if (const JobRun* run = run_of(what.job)) reply(describe(self_, *run));
  }
  void operator()(const control::ListEvents& what) {
    if (what.job.empty()) return reply(state_.cluster_events->list(what.after, what.max));
    if (const JobRun* run = run_of(what.job)) reply(run->events.list(what.after, what.max));
  }
  void operator()(const control::ListWorkers&) { reply(list_workers(self_)); }
  void operator()(const control::ListCheckpoints& what) {
    const JobRun* run = run_of(what.job);
    if (run == nullptr) return;
    reply_apart([from = store_of(self_, *run)] { return read_checkpoints(from); });
  }
  void operator()(const control::ListModels& what) {
    std::vector<std::string> jobs = {what.job};
    if (what.job.empty()) {
      jobs.clear();
      for (const auto& [name, run] : state_.runs) jobs.push_back(name);
    } else if (run_of(what.job) == nullptr) {
      return;
    }
    reply_apart([folder = state_.options.state, jobs] { return read_models(folder, jobs); });
  }
  void operator()(const control::ListAliases& what) {
    if (run_of(what.job) == nullptr) return;
    reply_apart(
        [folder = state_.options.state, job = what.job] { return read_aliases(folder, job); });
  }
  void operator()(const control::GetOperation& what) {
    const auto* operation = state_.operations->find(what.id);
    if (operation != nullptr) return reply(*operation);
    refuse({Code::not_found, "there is no operation '" + what.id + "'",
            "ended ones are forgotten after a while, and when the coordinator is started again; "
            "see the job's status"});
  }
  void operator()(const control::GetVersion&) {
    control::ServerFacts server;
    server.version = program_version();
    server.now_ms = unix_now();
    server.started_at_ms = state_.started_at_ms;
    server.state_folder = state_.options.state.string();
    server.jobs = static_cast<std::uint32_t>(state_.runs.size());
    for (const auto& [id, host] : state_.hosts) server.workers += host.handle ? 1 : 0;
    reply(server);
  }

  // ---- Changing

  void operator()(const control::Submit& what) {
    const CheckedJob checked = check_job(what.yaml, what.file_name, what.overrides);
    if (!checked.is_valid()) return refuse(checked.status());
    if (!what.from.empty() && !is_log_name(what.from)) return refuse(no_name(what.from));
    const std::string name = checked.spec.name;
    if (wait_for_storing(name)) return;
    const auto store_url = job_store_url(state_.options.checkpoints, name);
    if (!store_url.is_ok()) return refuse(store_url.status());
    CatalogJob offered;
    offered.name = name;
    offered.file_name = what.file_name;
    offered.yaml = what.yaml;
    offered.overrides = what.overrides;
    offered.spec_hash = spec_hash(checked.spec);
    offered.store_url = store_url.value();
    offered.from = what.from;
    offered.client = ask_.request->client;
    offered.submitted_at_ms = unix_now();
    const JobRun* run = find_run(self_, name);
    const CatalogJob* known = run == nullptr ? nullptr : run->next ? &*run->next : &run->entry;
    const auto outcome = judge_submit(known, offered, what.update);
    if (!outcome.is_ok()) return refuse(outcome.status());
    const bool is_changing = run != nullptr && run->entry.rescale_to != 0;
    if (is_changing && outcome.value() != control::SubmitOutcome::unchanged) {
      return refuse({Code::conflict, "job '" + name + "' is being rescaled",
                     "submit it again when it trains"});
    }
    // Only behind a checkpoint that was taken for it, which an update does not wait for.
    const bool is_resized =
        run != nullptr && !run->is_ended() && checked.spec.parallelism != run->spec.parallelism;
    if (is_resized && outcome.value() != control::SubmitOutcome::unchanged) {
      const std::string replicas = std::to_string(run->spec.parallelism);
      return refuse(
          {Code::conflict,
           "job '" + name + "' runs with " + replicas + " replicas, and an update keeps them",
           "change them with `millrace rescale`, and submit with --set parallelism=" + replicas});
    }
    if (known != nullptr) offered.revision = known->revision + 1;
    if (outcome.value() == control::SubmitOutcome::unchanged)
      return reply(control::Submitted{name, outcome.value(), known->revision, ""});
    if (known == nullptr && state_.runs.size() >= limits::kCatalogJobsMax) {
      return refuse(
          {Code::resource_exhausted,
           "the coordinator knows " + std::to_string(state_.runs.size()) + " jobs, its most",
           "forget ended ones with `millrace job delete`"});
    }
    accept(offered, outcome.value());
  }

  void operator()(const control::StopJob& what) {
    if (!what.savepoint.empty() && !is_log_name(what.savepoint))
      return refuse(no_name(what.savepoint));
    if (is_reserved(what.savepoint)) return refuse(reserved(what.savepoint));
    JobRun* run = changeable(what.job);
    if (run == nullptr) return;
    if (run->is_ended()) return refuse(has_ended(*run));
    drop_update(*run);
    const std::string savepoint = what.savepoint;
    change(run->entry, "stop", WantedState::stopped, [self = self_, savepoint](JobRun& stopped) {
      if (stopped.state != RunState::stopping) stop_run(self, stopped, savepoint);
    });
  }
  void operator()(const control::CancelJob& what) {
    JobRun* run = changeable(what.job);
    if (run == nullptr) return;
    if (run->is_ended()) return refuse(has_ended(*run));
    drop_update(*run);
    change(run->entry, "cancel", WantedState::cancelled, [self = self_](JobRun& cancelled) {
      end_run(self, cancelled, RunState::cancelled, {});
    });
  }
  void operator()(const control::ResumeJob& what) {
    JobRun* run = changeable(what.job);
    if (run == nullptr) return;
    if (!run->is_ended()) {
      return refuse({Code::conflict, "job '" + what.job + "' is " + control::to_string(run->state),
                     "stop it first, to begin again with another checkpoint"});
    }
    if (!what.from.empty() && !is_log_name(what.from)) return refuse(no_name(what.from));
    CatalogJob entry = run->entry;
    entry.from = what.from;
    // Its number makes the job go back once, however often a coordinator begins it.
    if (!what.from.empty()) ++entry.revision;
    change(entry, "resume", WantedState::running,
           [self = self_](JobRun& resumed) { begin_job(self, resumed, false); });
  }
  void operator()(const control::TakeSavepoint& what) {
    if (!is_log_name(what.name)) return refuse(no_name(what.name));
    if (is_reserved(what.name)) return refuse(reserved(what.name));
    JobRun* run = changeable(what.job);
    if (run == nullptr) return;
    if (!run->master || !run->figures.is_running()) {
      return refuse({Code::conflict, "job '" + what.job + "' is " + control::to_string(run->state),
                     "a savepoint is taken of a job that runs"});
    }
    const auto id = state_.operations->begin("savepoint", what.job, unix_now());
    if (!id.is_ok()) return refuse(id.status());
    run->operations[id.value()] = "savepoint " + what.name;
    self_->send(run->master, RequestSavepoint{what.name});
    reply(*state_.operations->find(id.value()));
  }
  void operator()(const control::RescaleJob& what) {
    JobRun* run = changeable(what.job);
    if (run == nullptr) return;
    if (what.parallelism == 0 || what.parallelism > limits::kReplicasMax) {
      return refuse({Code::invalid_argument,
                     "a job cannot have " + std::to_string(what.parallelism) + " replicas",
                     "ask for 1 to " + std::to_string(limits::kReplicasMax)});
    }
    rescale_run(self_, *run, what.parallelism, ask_.request->client,
                [answering = *this](const Result<std::string>& id) {
                  if (!id.is_ok()) return answering.refuse(id.status());
                  answering.reply(*answering.state_.operations->find(id.value()));
                });
  }
  void operator()(const control::DeleteJob& what) {
    const JobRun* run = changeable(what.job);
    if (run == nullptr) return;
    if (!run->is_ended()) {
      return refuse({Code::conflict, "job '" + what.job + "' is " + control::to_string(run->state),
                     "stop or cancel it first"});
    }
    forget(what.job);
  }
  void operator()(const control::DrainWorker& what) {
    const auto worker = find_worker(what.worker);
    if (!worker) {
      return refuse(
          {Code::not_found, "there is no worker '" + what.worker + "'", "see `millrace workers`"});
    }
    const auto id = state_.operations->begin("drain", what.worker, unix_now());
    if (!id.is_ok()) return refuse(id.status());
    state_.drains[id.value()].insert(*worker);
    const auto host = state_.hosts.find(*worker);
    self_->send(host->second.handle, Drain{true});
    step_cluster(self_, DrainRequested{*worker});
    reply(*state_.operations->find(id.value()));
  }

 private:
  void reply(control::ReplyKind what) const {
    ask_.answer(
        std::make_shared<const control::Reply>(control::Reply{ask_.request->id, std::move(what)}));
  }
  void refuse(const Status& why) const { reply(control::to_error(why)); }
  static Status has_ended(const JobRun& run) {
    return {Code::conflict,
            "job '" + run.entry.name + "' is " + control::to_string(run.state) + " already"};
  }

  // Answered when `work`, which blocks, has found it out.
  template <typename Work>
  void reply_apart(Work work) {
    run_apart(self_, std::move(work), [answering = *this](auto result) {
      if (result.is_ok()) {
        answering.reply(std::move(result).value());
      } else {
        answering.refuse(result.status());
      }
    });
  }

  // Null after the request was refused.
  JobRun* run_of(const std::string& job) {
    JobRun* run = find_run(self_, job);
    if (run == nullptr) refuse(no_job(job));
    return run;
  }
  // Null also while the job's entry is being stored: then the request is answered afterwards.
  JobRun* changeable(const std::string& job) {
    return wait_for_storing(job) ? nullptr : run_of(job);
  }
  bool wait_for_storing(const std::string& job) {
    const auto storing = state_.storing.find(job);
    if (storing == state_.storing.end()) return false;
    storing->second.push_back([self = self_, ask = ask_] { answer_control(self, ask); });
    return true;
  }

  // An update that waits for the end of this run is not wanted any more.
  static void drop_update(JobRun& run) {
    drop_rescale(run);
    run.next.reset();
    run.operations.merge(run.next_operations);
  }

  // Stores a job that was submitted, answers, and begins it.
  void accept(const CatalogJob& offered, control::SubmitOutcome outcome) {
    const auto id = state_.operations->begin("submit", offered.name, unix_now());
    if (!id.is_ok()) return refuse(id.status());
    store_entry(self_, offered, [*this, offered, outcome, id = id.value()](const Status& status) {
      if (!status.is_ok()) {
        state_.operations->fail(id, status, unix_now());
        return refuse(status);
      }
      reply(control::Submitted{offered.name, outcome, offered.revision, id});
      JobRun* run = find_run(self_, offered.name);
      if (run == nullptr) run = &add_run(self_, offered);
      if (outcome == control::SubmitOutcome::created || run->is_ended()) {
        run->entry = offered;
        run->operations[id] = "submit";
        return begin_job(self_, *run, false);
      }
      run->next = offered;
      run->next_operations[id] = "submit";
      if (run->state != RunState::stopping) stop_run(self_, *run);
    });
  }

  // Stores what is wanted of the job from now on, answers with an operation, and does it.
  void change(CatalogJob entry, const std::string& kind, WantedState wanted,
              const std::function<void(JobRun&)>& then) {
    const std::string job = entry.name;
    const auto id = state_.operations->begin(kind, job, unix_now());
    if (!id.is_ok()) return refuse(id.status());
    entry.wanted = wanted;
    if (wanted == WantedState::running) entry.ending.reset();
    store_entry(
        self_, entry, [*this, entry, job, kind, id = id.value(), then](const Status& status) {
          JobRun* found = find_run(self_, job);
          if (!status.is_ok() || found == nullptr) {
            const Status why = status.is_ok() ? no_job(job) : status;
            state_.operations->fail(id, why, unix_now());
            return refuse(why);
          }
          // It may have ended by itself meanwhile: that stands.
          const bool has_ended_meanwhile =
              entry.wanted != WantedState::running && found->is_ended();
          found->entry.wanted = entry.wanted;
          found->entry.from = entry.from;
          found->entry.revision = entry.revision;
          if (!has_ended_meanwhile) {
            found->entry.ending.reset();
            found->operations[id] = kind;
            then(*found);
          } else {
            state_.operations->succeed(
                id, std::string("the job is ") + control::to_string(found->state), unix_now());
          }
          reply(*state_.operations->find(id));
        });
  }

  void forget(const std::string& job) {
    const auto id = state_.operations->begin("delete", job, unix_now());
    if (!id.is_ok()) return refuse(id.status());
    const auto back = caf::actor_cast<coordinator_actor>(self_->ctrl());
    state_.storing.try_emplace(job);
    self_->send(state_.catalog,
                work_apart(
                    back, [catalog = state_.options.catalog, job] { return catalog->remove(job); },
                    [*this, job, id = id.value()](const Status& status) {
                      if (status.is_ok()) {
                        if (state_.options.metrics) state_.options.metrics->forget(job);
                        state_.runs.erase(job);
                        state_.operations->succeed(
                            id, "the job is forgotten; its checkpoints and versions stay",
                            unix_now());
                      } else {
                        state_.operations->fail(id, status, unix_now());
                      }
                      reply(*state_.operations->find(id));
                      const auto waiting = std::move(state_.storing[job]);
                      state_.storing.erase(job);
                      for (const auto& next : waiting) next();
                    }));
  }

  std::optional<WorkerId> find_worker(const std::string& text) const {
    for (const auto& [id, host] : state_.hosts) {
      if (host.handle && host.outline.name == text) return id;
    }
    std::uint32_t number = 0;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
    const bool is_number = read.ec == std::errc() && read.ptr == text.data() + text.size();
    const auto host = state_.hosts.find(WorkerId(number));
    if (!is_number || host == state_.hosts.end() || !host->second.handle) return {};
    return host->first;
  }

  CoordinatorSelf self_;
  CoordinatorState& state_;
  AskControl ask_;
};

}  // namespace

void answer_control(CoordinatorSelf self, const AskControl& ask) {
  std::visit(Answering(self, ask), ask.request->what);
}

}  // namespace millrace
