// The life of a job as the coordinator sees it: what its master tells, and its end.
#include "common/observe/log.hpp"
#include "coordinator/actors/coordinator_state.hpp"

namespace millrace {
namespace {

using RunState = control::JobState;

// What people read of where a master stands.
RunState state_of(const JobRun& run, JobState machine, bool waits) {
  if (run.state == RunState::stopping) return RunState::stopping;
  if (machine == JobState::running) return RunState::running;
  if (waits) return RunState::waiting;
  return run.figures.has_run() ? RunState::recovering : RunState::starting;
}

void follow(CoordinatorSelf self, JobRun& run, const JobUpdate& update) {
  if (update.term > run.term) {
    run.term = update.term;
    open_job(self, run);
  }
  const auto job = self->state.cluster->jobs().find(run.entry.name);
  const std::string waits = job == self->state.cluster->jobs().end() ? "" : job->second.waits_for;
  const RunState state = state_of(run, update.state, !waits.empty());
  if (state == RunState::running && run.state != RunState::running) {
    note(run, "info", "running", "every replica trains");
    finish_operations(self, run, {"submit", "resume", "rescale"}, {}, "the job runs");
    if (run.rescale && run.rescale->before) run.rescale.reset();
  }
  set_state(run, state, state == RunState::waiting ? waits : "");
}

void take_event(CoordinatorSelf self, JobRun& run, const JobUpdate& update) {
  const std::string cut = std::to_string(update.cut.value);
  if (update.kind == "checkpoint") {
    note(run, "info", update.kind, "checkpoint " + cut + " is complete");
    step_cluster(self, JobSaved{run.entry.name});
  } else if (update.kind == "published") {
    note(run, "info", update.kind, "version " + cut + " is published");
    share_model(self, run);
  } else if (update.kind == "restored") {
    note(run, "info", update.kind, "goes on from checkpoint " + cut);
  } else if (update.kind == "savepoint") {
    const std::string text = "savepoint " + update.name + " is checkpoint " + cut;
    note(run, "info", update.kind, text);
    finish_operations(self, run, {"savepoint " + update.name}, {}, text);
  } else if (update.kind == "savepoint_failed") {
    note(run, "warning", update.kind,
         "savepoint " + update.name + " was not taken: " + update.status.message());
    finish_operations(self, run, {"savepoint " + update.name}, update.status, "");
  } else if (update.kind == "warning" || update.kind == "note") {
    const bool is_warning = update.kind == "warning";
    note(run, is_warning ? "warning" : "info", update.kind, update.message);
  }
}

// What waits for the job waits on for its next run, but for savepoints of this one.
void tell_pause(CoordinatorSelf self, JobRun& run) {
  std::set<std::string> kinds;
  for (const auto& [id, kind] : run.operations) {
    if (kind.starts_with("savepoint ")) kinds.insert(kind);
  }
  if (kinds.empty()) return;
  finish_operations(self, run, kinds,
                    Status(Code::cancelled, "the job's run ended first, to be rescaled"), "");
}

// The end of what waited for this run, told to who asked for it.
void tell_end(CoordinatorSelf self, JobRun& run, RunState state, const Status& why) {
  if (state == RunState::stopped && will_continue(run, state)) return tell_pause(self, run);
  const std::string text = std::string("the job is ") + control::to_string(state);
  if (state == RunState::failed) {
    finish_operations(self, run, {}, why, "");
    return;
  }
  finish_operations(self, run, {"stop", "cancel"}, {}, text);
  if (state == RunState::finished)
    finish_operations(self, run, {"submit", "resume", "rescale"}, {}, text);
  finish_operations(self, run, {}, Status(Code::cancelled, text), "");
}

}  // namespace

JobRun* find_run(CoordinatorSelf self, const std::string& job) {
  const auto found = self->state.runs.find(job);
  return found == self->state.runs.end() ? nullptr : &found->second;
}

JobRun* find_run(CoordinatorSelf self, const std::string& job, std::uint64_t life) {
  JobRun* run = find_run(self, job);
  return run != nullptr && run->life == life ? run : nullptr;
}

JobStore store_of(CoordinatorSelf self, const JobRun& run) {
  return {run.entry.store_url, self->state.options.stores};
}

JobRun& add_run(CoordinatorSelf self, const CatalogJob& entry) {
  // Events go on with higher numbers in every life of the coordinator, and of the job's name.
  return self->state.runs.try_emplace(entry.name, entry, unix_now()).first->second;
}

void note(JobRun& run, const char* severity, const std::string& kind, const std::string& message) {
  run.events.add(severity, kind, message, unix_now());
  const LogLevel level = severity == std::string_view("info")      ? LogLevel::info
                         : severity == std::string_view("warning") ? LogLevel::warning
                                                                   : LogLevel::error;
  log(level, message, {{"job", run.entry.name}, {"event", kind}});
}

void set_state(JobRun& run, RunState state, const std::string& message) {
  run.state = state;
  run.message = message;
}

void finish_operations(CoordinatorSelf self, JobRun& run, const std::set<std::string>& kinds,
                       const Status& status, const std::string& result) {
  std::erase_if(run.operations, [&](const auto& operation) {
    const auto& [id, kind] = operation;
    if (!kinds.empty() && !kinds.contains(kind)) return false;
    if (status.is_ok()) {
      self->state.operations->succeed(id, result, unix_now());
    } else {
      self->state.operations->fail(id, status, unix_now());
    }
    return true;
  });
}

void on_news(CoordinatorSelf self, const JobNews& news) {
  JobRun* run = find_run(self, news.job, news.life);
  if (run == nullptr) return;
  const JobUpdate& update = news.update;
  run->figures.take(update, present());
  if (const auto& metrics = self->state.options.metrics) metrics->note(news.job, update);
  if (update.kind == "finished") return end_run(self, *run, RunState::finished, {});
  if (update.kind == "stopped") return end_run(self, *run, RunState::stopped, {});
  if (update.kind == "failed") return end_run(self, *run, RunState::failed, update.status);
  take_event(self, *run, update);
  follow(self, *run, update);
}

void stop_run(CoordinatorSelf self, JobRun& run, const std::string& savepoint) {
  const auto job = self->state.cluster->jobs().find(run.entry.name);
  const bool is_looked_for =
      job != self->state.cluster->jobs().end() && job->second.adopts_until.has_value();
  const bool may_train = run.master && (is_looked_for || run.state != RunState::waiting);
  if (!may_train) return end_run(self, run, RunState::stopped, {});
  set_state(run, RunState::stopping, "drains, and takes a last checkpoint");
  self->send(run.master, StopJob{savepoint});
}

void end_run(CoordinatorSelf self, JobRun& run, RunState state, const Status& why) {
  ++run.life;
  if (run.master) {
    self->demonitor(run.master.address());
    self->send_exit(run.master, caf::exit_reason::user_shutdown);
    run.master = nullptr;
  }
  run.is_preparing = false;
  run.preparer.reset();
  run.retry_at.reset();
  const bool goes_on = will_continue(run, state);
  if (!goes_on) step_cluster(self, JobUnwanted{run.entry.name});
  set_state(run, state, why.is_ok() ? "" : why.message());
  const bool has_failed = state == RunState::failed;
  if (!goes_on || has_failed) {
    note(run, has_failed ? "error" : "info", control::to_string(state),
         has_failed ? why.message() : std::string("the job is ") + control::to_string(state));
  }
  // Before the new parallelism was begun, only a run that was drained goes on with it.
  if (run.rescale && !run.rescale->before && state != RunState::stopped) drop_rescale(run);
  tell_end(self, run, state, why);
  if (continue_rescale(self, run, state, why)) return;
  run.rescale.reset();
  run.entry.rescale_to = 0;
  if (run.next) {
    run.entry = *std::exchange(run.next, std::nullopt);
    run.operations = std::exchange(run.next_operations, {});
    return begin_job(self, run, false);
  }
  JobEnding ending{state, run.figures.newest_cut().value, unix_now(), {}};
  if (!why.is_ok()) {
    run.figures.set_error(why, ending.at_ms);
    ending.error = control::to_error(why);
  }
  run.entry.ending = ending;
  store_entry(self, run.entry, [name = run.entry.name](const Status& status) {
    if (!status.is_ok())
      log(LogLevel::error, "the end of job '" + name + "' is not stored", status);
  });
}

void store_entry(CoordinatorSelf self, const CatalogJob& entry, std::function<void(Status)> then) {
  auto& state = self->state;
  const auto [held, is_first] = state.storing.try_emplace(entry.name);
  if (!is_first) {
    held->second.push_back(
        [self, entry, then = std::move(then)] { store_entry(self, entry, then); });
    return;
  }
  const auto back = caf::actor_cast<coordinator_actor>(self->ctrl());
  self->send(state.catalog,
             work_apart(
                 back, [catalog = state.options.catalog, entry] { return catalog->put(entry); },
                 [self, name = entry.name, then = std::move(then)](const Status& status) {
                   then(status);
                   const auto waiting = std::move(self->state.storing[name]);
                   self->state.storing.erase(name);
                   for (const auto& next : waiting) next();
                 }));
}

}  // namespace millrace
