// How a job master takes what workers report, and what it tells whoever watches.
#include "coordinator/actors/job_master_state.hpp"

namespace millrace {
namespace {

// The counts of some replicas alone would seem to have gone back, and sums over all records may lie
// with one of them.
bool are_all_heard(const JobMasterState& state) {
  return state.replicas.size() >= state.job->spec.parallelism;
}

class Reader {
 public:
  Reader(JobMasterSelf self, const WorkerReport& report)
      : self_(self), state_(self->state), report_(report) {}

  void operator()(const report::AttemptStarted&) {
    step(self_, WorkerStarted{report_.worker, report_.attempt});
  }
  void operator()(const report::ReplicaCut& what) {
    state_.cuts[what.cut].replicas[what.replica] = {what.totals, what.splits, what.evaluation};
    state_.replicas[what.replica] = {what.totals, what.splits, what.evaluation};
    step(self_,
         TrainerSnapshot{report_.attempt, what.cut, what.replica, what.splits, what.is_finished});
  }
  void operator()(const report::ShardCut& what) {
    step(self_, ShardSnapshot{report_.attempt, what.cut, what.shard, what.ledger});
  }
  void operator()(const report::PartDurable& what) {
    state_.cuts[what.cut].parts[report_.worker] = what.part;
    step(self_, WorkerPart{report_.attempt, what.cut, part_digest(what.part)});
  }
  void operator()(const report::ShardContent& what) { collect(what); }
  void operator()(const report::ReplicaFinished& what) {
    step(self_, TrainerFinished{report_.attempt, what.replica});
  }
  void operator()(const report::ReplicaProgress& what) {
    state_.replicas[what.replica] = {what.totals, what.splits, what.evaluation};
    if (are_all_heard(state_)) state_.watcher(make_update(self_, "progress", ""));
  }
  void operator()(const report::CutFailed& what) {
    step(self_, millrace::CutFailed{report_.attempt, what.cut, what.status});
  }
  void operator()(const report::AttemptFailed& what) {
    step(self_, millrace::AttemptFailed{report_.attempt, what.status});
  }
  void operator()(const report::OutputsReleased& what) {
    step(self_, millrace::OutputsReleased{report_.attempt, what.replica, what.cut});
  }
  void operator()(const report::CutWanted&) {
    if (!state_.machine->cut_in_flight()) step(self_, CutRequested{});
  }
  void operator()(const report::Warning& what) {
    state_.watcher(make_update(self_, "warning", what.text));
  }
  void operator()(const report::SplitsFound& what) {
    JobPackage found;
    found.splits = what.joined.splits;
    state_.found_splits = what.joined;
    step(self_, millrace::SplitsFound{report_.attempt, found.first_positions()});
  }
  void operator()(const report::OrderRefused& what) {
    step(self_, WorkerRefused{report_.worker, report_.attempt, what.term});
  }

 private:
  void collect(const report::ShardContent& what) {
    const auto cut = state_.cuts.find(what.cut);
    if (cut == state_.cuts.end() || cut->second.publishing == nullptr) return;
    auto& news = cut->second;
    if (news.is_ordered || news.publishing->attempt != report_.attempt) return;
    if (what.state == nullptr) return publish_stored(news);
    news.shards[what.shard] = what.state;
    if (news.shards.size() < state_.job->shards) return;
    PublishOrder order;
    order.contents = news.publishing;
    for (const auto& [shard, bytes] : news.shards) order.shards.push_back(bytes);
    order.metrics = metrics_of(news.replicas);
    news.shards.clear();
    news.is_ordered = true;
    self_->send(state_.checkpoints, std::move(order));
  }

  // A worker elsewhere has written its shards to the store and sends them to nobody else.
  void publish_stored(CutNews& news) {
    news.shards.clear();
    news.is_ordered = true;
    self_->send(state_.checkpoints, PublishStoredOrder{news.publishing});
  }

  JobMasterSelf self_;
  JobMasterState& state_;
  const WorkerReport& report_;
};

void put(std::map<std::string, double>& metrics, const char* name,
         const std::optional<double>& value) {
  if (value) metrics[name] = *value;
}

}  // namespace

DecodeCounters CutNews::totals() const {
  DecodeCounters totals;
  for (const auto& [replica, news] : replicas) totals += news.totals;
  return totals;
}

std::uint64_t CutNews::part_bytes() const {
  std::uint64_t bytes = 0;
  for (const auto& [worker, part] : parts) bytes += part.bytes();
  return bytes;
}

void on_report(JobMasterSelf self, const WorkerReport& report) {
  // What is to be published is complete, whatever became of the attempt that took it.
  const bool is_content = std::holds_alternative<report::ShardContent>(report.what);
  const bool is_refusal = std::holds_alternative<report::OrderRefused>(report.what);
  const bool is_of_another = report.attempt != self->state.machine->attempt();
  if (is_of_another && !is_content && !is_refusal) return;
  std::visit(Reader(self, report), report.what);
}

void on_published(JobMasterSelf self, const PublishOutcome& outcome) {
  auto& state = self->state;
  const auto cut = state.cuts.find(outcome.cut);
  if (cut == state.cuts.end() || cut->second.publishing == nullptr) return;
  cut->second.publishing = nullptr;
  if (state.publications_open > 0) --state.publications_open;
  if (outcome.model.is_ok() && outcome.model.value() != nullptr) {
    JobUpdate update = make_update(self, "published", "");
    update.cut = outcome.cut;
    update.model = outcome.model.value();
    state.watcher(std::move(update));
  } else if (!outcome.model.is_ok()) {
    state.watcher(make_update(self, "warning",
                              "version " + std::to_string(outcome.cut.value) +
                                  " was not published: " + outcome.model.status().message()));
  }
  tell_ending(self);
}

std::map<std::string, double> metrics_of(const std::map<ReplicaId, ReplicaNews>& replicas) {
  std::map<std::string, double> metrics;
  std::vector<std::shared_ptr<const Bytes>> parts;
  for (const auto& [replica, news] : replicas) parts.push_back(news.evaluation);
  const auto whole = merge_evaluations(parts);
  if (!whole) return metrics;
  const MetricsReport report = whole->report().prequential;
  put(metrics, "accuracy", report.accuracy);
  put(metrics, "log_loss", report.log_loss);
  put(metrics, "auc", report.auc);
  put(metrics, "kappa", report.kappa);
  put(metrics, "mae", report.mae);
  put(metrics, "rmse", report.rmse);
  put(metrics, "r2", report.r2);
  return metrics;
}

JobUpdate make_update(JobMasterSelf self, std::string kind, std::string message) {
  JobUpdate update;
  update.kind = std::move(kind);
  update.message = std::move(message);
  const auto none = std::map<ReplicaId, ReplicaNews>();
  for (const auto& [replica, news] : are_all_heard(self->state) ? self->state.replicas : none) {
    update.totals += news.totals;
    update.splits.insert(update.splits.end(), news.splits.begin(), news.splits.end());
    update.evaluations.push_back(news.evaluation);
  }
  const JobMachine& machine = *self->state.machine;
  if (const auto cut = machine.newest_complete()) update.cut = *cut;
  update.state = machine.state();
  update.term = machine.term();
  update.attempt = machine.attempt();
  update.cuts_aborted = self->state.cuts_aborted;
  update.cuts_unreleased = machine.cuts_unreleased();
  update.placement = machine.placement();
  return update;
}

}  // namespace millrace
