// How a job master executes the effects of its machine.
#include "coordinator/actors/job_master_state.hpp"

namespace millrace {
namespace {

std::shared_ptr<const Routes> make_routes(JobMasterSelf self, const Placement& placement) {
  auto routes = std::make_shared<Routes>();
  const auto& workers = self->state.workers;
  for (const auto worker : placement.replicas) routes->replicas.push_back(workers.at(worker));
  for (const auto worker : placement.shards) routes->shards.push_back(workers.at(worker));
  routes->reports = caf::actor_cast<report_sink>(self->ctrl());
  return routes;
}

std::shared_ptr<const order::RestorePlan> make_restore_plan(JobMasterSelf self,
                                                            const CutContents& contents) {
  auto plan = std::make_shared<order::RestorePlan>();
  plan->cut = contents.cut;
  plan->replicas = contents.replicas;
  plan->shards = contents.shards;
  plan->ledger = contents.ledger;
  // The parts in full: of a manifest that was read, or of a cut that this life completed.
  const auto known = self->state.cuts.find(contents.cut);
  if (known != self->state.cuts.end() && !known->second.parts.empty()) {
    for (const auto& [worker, part] : known->second.parts) plan->parts.push_back(part);
  } else if (!contents.parts.empty()) {
    plan->parts = self->state.restored_parts;
  }
  return plan;
}

class Executor {
 public:
  explicit Executor(JobMasterSelf self) : self_(self), state_(self->state) {}

  void operator()(const ListLog& effect) { order_store(effect); }
  void operator()(const ReadLog& effect) { order_store(effect); }
  void operator()(const WriteLog& effect) { order_store(effect); }
  void operator()(const TrimLog& effect) { order_store(effect); }
  void operator()(const ReadManifest& effect) { order_store(effect); }
  void operator()(const RemoveCut& effect) { order_store(effect); }
  void operator()(const WriteManifest& effect) {
    StoreOrder order{effect, {}, state_.machine->attempt(), {}, {}};
    auto& news = state_.cuts[effect.contents.cut];
    for (const auto& [worker, part] : news.parts) order.extras.parts.push_back(part);
    const DecodeCounters totals = news.totals();
    order.extras.totals = {totals.read, totals.records, totals.quarantined, totals.skipped};
    order.extras.metrics = metrics_of(news.replicas);
    self_->send(state_.checkpoints, std::move(order));
  }

  void operator()(const StoreSplits& effect) {
    StoreOrder order{effect, {}, state_.machine->attempt(), {}, state_.found_splits};
    self_->send(state_.checkpoints, std::move(order));
  }

  void operator()(const StartWorker& effect) {
    drop_publications_before(effect.attempt);
    order::StartAttempt start;
    start.attempt = effect.attempt;
    start.term = effect.term;
    start.job = state_.job;
    start.store_url = state_.store_url;
    start.replicas = effect.replicas;
    start.shards = effect.shards;
    start.routes = make_routes(self_, *effect.placement);
    start.restored = make_restore_plan(self_, *effect.restored);
    for (const auto worker : effect.placement->workers()) {
      const auto address = state_.addresses.find(worker);
      const bool is_peer = worker != effect.worker && address != state_.addresses.end();
      if (is_peer) start.peers.push_back({worker, address->second});
    }
    send(effect.worker, std::move(start));
  }
  void operator()(const AdoptWorker& effect) {
    drop_publications_before(effect.attempt);
    send(effect.worker,
         AdoptAttempt{effect.term, effect.attempt, caf::actor_cast<report_sink>(self_->ctrl()),
                      effect.complete, effect.closed});
  }
  void operator()(const StopAttempt& effect) {
    send(effect.worker, order::StopAttempt{effect.attempt, effect.term});
  }
  void operator()(const TriggerCut& effect) {
    auto& news = state_.cuts[effect.cut];
    if (news.triggered_at == std::chrono::steady_clock::time_point{}) {
      news.triggered_at = std::chrono::steady_clock::now();
    }
    send(effect.worker, order::TriggerCut{effect.attempt, effect.cut, effect.term});
  }
  void operator()(const AbortCut& effect) {
    if (effect.cut > state_.newest_aborted) {
      state_.newest_aborted = effect.cut;
      ++state_.cuts_aborted;
    }
    send(effect.worker, order::AbortCut{effect.attempt, effect.cut, effect.term});
  }

  void operator()(const ReleaseOutputs& effect) {
    send(effect.worker, order::ReleaseOutputs{effect.attempt, effect.cut, effect.term});
  }

  void operator()(const Publish& effect) {
    const auto& contents = *effect.contents;
    auto& news = state_.cuts[contents.cut];
    JobUpdate update = make_update(self_, "checkpoint", "");
    update.cut = contents.cut;
    update.checkpoint_bytes = news.part_bytes();
    update.totals = news.totals();
    update.splits = contents.splits;
    update.checkpoint_seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - news.triggered_at).count();
    state_.watcher(std::move(update));
    if (contents.parts.empty()) return;  // cut 0: nothing has been learned
    std::erase_if(state_.cuts, [&](const auto& cut) {
      return cut.first < contents.cut && cut.second.publishing == nullptr;
    });
    if (is_version_wanted(contents)) {
      news.publishing = effect.contents;
      ++state_.publications_open;
    }
    for (const auto& part : contents.parts) {
      send(part.worker, order::SendShards{contents.attempt, contents.cut, state_.machine->term()});
    }
  }

  void operator()(const PublishRestored& effect) {
    if (!is_version_wanted(*effect.contents)) return;
    auto& news = state_.cuts[effect.contents->cut];
    if (news.publishing == nullptr) ++state_.publications_open;
    news.publishing = effect.contents;
    news.is_ordered = true;
    self_->send(state_.checkpoints, PublishStoredOrder{effect.contents});
  }

  void operator()(const JobFinished& effect) {
    JobUpdate update = make_update(self_, effect.was_stopped ? "stopped" : "finished", "");
    update.cut = effect.contents->cut;
    state_.ending = std::move(update);
    tell_ending(self_);
  }
  void operator()(const JobFailed& effect) {
    JobUpdate update = make_update(self_, "failed", effect.status.message());
    update.status = effect.status;
    state_.ending = std::move(update);
    state_.publications_open = 0;
    tell_ending(self_);
  }
  void operator()(const JobCancelled& effect) {
    JobUpdate update = make_update(self_, "cancelled", "");
    if (effect.contents != nullptr) update.cut = effect.contents->cut;
    state_.ending = std::move(update);
    state_.publications_open = 0;
    tell_ending(self_);
  }
  void operator()(const SavepointTaken& effect) {
    JobUpdate update = make_update(self_, "savepoint", "");
    update.name = effect.name;
    update.cut = effect.contents->cut;
    update.splits = effect.contents->splits;
    state_.watcher(std::move(update));
  }
  void operator()(const SavepointFailed& effect) {
    tell_refusal("savepoint_failed", effect.name, effect.status);
  }
  void operator()(const SavepointReleased& effect) {
    JobUpdate update = make_update(self_, "released", "");
    update.name = effect.name;
    state_.watcher(std::move(update));
  }
  void operator()(const ReleaseFailed& effect) {
    tell_refusal("release_failed", effect.name, effect.status);
  }
  void operator()(const JobDeposed& effect) {
    (*this)(JobFailed{Status(Code::conflict,
                             "another coordinator (" + effect.by + ") has taken over this job",
                             "only one process may run a job; stop the other one")});
  }
  void operator()(const AuditFailed& effect) {
    state_.watcher(make_update(self_, "warning",
                               "checkpoint " + std::to_string(effect.cut.value) +
                                   " failed its audit: " + effect.status.message()));
  }
  void operator()(const Note& effect) {
    state_.watcher(make_update(self_, effect.is_warning ? "warning" : "note", effect.text));
  }

 private:
  bool is_version_wanted(const CutContents& contents) const {
    return state_.job->spec.publish.every_checkpoint || contents.is_final;
  }

  void tell_refusal(const char* kind, const std::string& name, const Status& status) {
    JobUpdate update = make_update(self_, kind, status.message());
    update.name = name;
    update.status = status;
    state_.watcher(std::move(update));
  }

  // A worker that starts an attempt sends nothing of the one before any more, so shards that have
  // not arrived by now are not waited for.
  void drop_publications_before(Attempt attempt) {
    for (auto& [cut, news] : state_.cuts) {
      const bool is_lost =
          news.publishing != nullptr && !news.is_ordered && news.publishing->attempt < attempt;
      if (!is_lost) continue;
      news.publishing = nullptr;
      news.shards.clear();
      --state_.publications_open;
      state_.watcher(make_update(self_, "warning",
                                 "version " + std::to_string(cut.value) +
                                     " was not published: the attempt that took its checkpoint "
                                     "was lost first"));
    }
  }

  template <typename Effect>
  void order_store(const Effect& effect) {
    StoreOrder order{effect, {}, state_.machine->attempt(), {}, {}};
    if constexpr (std::is_same_v<Effect, RemoveCut>)
      order.unretired = state_.machine->complete_cuts();
    self_->send(state_.checkpoints, std::move(order));
  }
  template <typename Message>
  void send(WorkerId worker, Message message) {
    const auto found = state_.workers.find(worker);
    if (found != state_.workers.end()) self_->send(found->second, std::move(message));
  }

  JobMasterSelf self_;
  JobMasterState& state_;
};

}  // namespace

void execute_effects(JobMasterSelf self, const std::vector<JobEffect>& effects) {
  Executor executor(self);
  for (const auto& effect : effects) std::visit(executor, effect);
}

void tell_ending(JobMasterSelf self) {
  auto& state = self->state;
  if (!state.ending || state.publications_open > 0) return;
  JobUpdate update = std::move(*state.ending);
  state.ending.reset();
  const auto cut = state.cuts.find(update.cut);
  if (cut != state.cuts.end() && !cut->second.replicas.empty()) {
    // The end is told in the figures of its cut.
    update.totals = cut->second.totals();
    update.splits.clear();
    update.evaluations.clear();
    for (const auto& [replica, news] : cut->second.replicas) {
      update.splits.insert(update.splits.end(), news.splits.begin(), news.splits.end());
      update.evaluations.push_back(news.evaluation);
    }
  }
  state.watcher(std::move(update));
}

}  // namespace millrace
