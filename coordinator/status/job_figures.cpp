#include "coordinator/status/job_figures.hpp"

#include <algorithm>

#include "common/base/limits.hpp"
#include "common/ml/kernels/kernels.hpp"
#include "coordinator/status/job_outline.hpp"

namespace millrace {
namespace {

using std::chrono::duration;
using std::chrono::milliseconds;

// Rates are those of the last seconds: long enough to be steady, short enough to show a stall.
constexpr milliseconds kSampleInterval{500};
constexpr std::size_t kSamplesMax = 11;

template <typename Key>
void set(std::optional<double>& metric, const std::map<std::string, std::string>& stored,
         const Key& name) {
  const auto found = stored.find(std::string("metric.") + name);
  if (found != stored.end()) metric = std::strtod(found->second.c_str(), nullptr);
}

// The metric that tells most at a glance.
void set_leading(const MetricsReport& report, control::JobRow& row) {
  row.metric = report.accuracy ? "accuracy" : report.mae ? "mae" : "";
  row.metric_value = report.accuracy ? report.accuracy : report.mae;
}

}  // namespace

void JobFigures::take(const JobUpdate& update, const Now& now) {
  if (started_at_ms_ == 0) started_at_ms_ = now.unix_ms;
  follow_state(update, now);
  if (update.kind == "splits") {
    set_package(update.package);
    return;
  }
  if (update.kind == "checkpoint") {
    ++checkpoints_;
    last_checkpoint_ = update.cut.value;
    last_checkpoint_bytes_ = update.checkpoint_bytes;
    last_checkpoint_seconds_ = update.checkpoint_seconds;
    last_checkpoint_at_ms_ = now.unix_ms;
    return;
  }
  if (update.kind == "published" && update.model != nullptr) {
    set_model(update.model->header());
    if (!update.model->classes().empty()) classes_ = update.model->classes();
    return;
  }
  if (update.kind == "warning") {
    if (warnings_.size() >= limits::kJobWarningsKept) warnings_.pop_front();
    warnings_.push_back(update.message);
    return;
  }
  if (!update.status.is_ok()) set_error(update.status, now.unix_ms);
  // An end without figures, of a job that had ended before, says nothing about them.
  const bool has_figures = !update.evaluations.empty();
  if (has_figures || update.kind == "restored") take_counts(update, now);
}

void JobFigures::take_counts(const JobUpdate& update, const Now& now) {
  has_counts_ = true;
  newest_.totals = update.totals;
  if (!update.splits.empty()) newest_.splits = update.splits;
  if (!update.evaluations.empty()) newest_.evaluations = update.evaluations;
  const Sample sample{now.steady, update.totals.records};
  if (!first_ || update.kind == "restored") {
    first_ = sample;
    last_record_at_ = now.steady;
    samples_.clear();
  }
  if (samples_.empty() || sample.records > samples_.back().records) last_record_at_ = now.steady;
  if (samples_.empty() || now.steady - samples_.back().at >= kSampleInterval) {
    samples_.push_back(sample);
    if (samples_.size() > kSamplesMax) samples_.pop_front();
  }
}

void JobFigures::follow_state(const JobUpdate& update, const Now& now) {
  const bool was_running = newest_.state == JobState::running;
  const bool is_running = update.state == JobState::running;
  const bool is_lost = was_running && !is_running && update.kind == "warning";
  if (is_lost) {
    ++recovery_.count;
    recovery_.last_at_ms = now.unix_ms;
    recovery_.reason = update.message;
    lost_at_ = now.steady;
  }
  if (is_running && !was_running) {
    recovery_.from_cut = has_run_ ? update.cut.value : 0;
    if (lost_at_) recovery_.last_seconds = duration<double>(now.steady - *lost_at_).count();
    lost_at_.reset();
    has_run_ = true;
  }
  newest_.state = update.state;
  newest_.term = update.term;
  newest_.attempt = update.attempt;
  newest_.placement = update.placement;
}

void JobFigures::take_stored(const Manifest& manifest) {
  const auto& totals = manifest.totals;
  newest_.totals = {totals.read, totals.records, totals.quarantined, totals.skipped};
  newest_.splits.clear();
  for (const auto& split : manifest.splits) {
    newest_.splits.push_back({split.id, split.offset, split.learned, split.is_finished});
  }
  last_checkpoint_ = manifest.cut.value;
  EvaluationReport report;
  auto& metrics = report.prequential;
  const auto& stored = manifest.metadata;
  set(metrics.accuracy, stored, "accuracy");
  set(metrics.log_loss, stored, "log_loss");
  set(metrics.auc, stored, "auc");
  set(metrics.kappa, stored, "kappa");
  set(metrics.mae, stored, "mae");
  set(metrics.rmse, stored, "rmse");
  set(metrics.r2, stored, "r2");
  metrics.records = totals.records;
  stored_evaluation_ = report;
}

void JobFigures::set_error(const Status& why, std::uint64_t at_ms) {
  error_ = control::to_error(why);
  error_->at_ms = at_ms;
}

void JobFigures::set_model(const PublishedModelHeader& header) {
  model_ = header;
}

double JobFigures::seconds() const {
  return first_ ? duration<double>(last_record_at_ - first_->at).count() : 0.0;
}

double JobFigures::recent_rate(const Now& now) const {
  if (samples_.size() < 2) return 0.0;
  const double elapsed = duration<double>(now.steady - samples_.front().at).count();
  const std::uint64_t before = samples_.front().records;
  if (elapsed <= 0 || newest_.totals.records <= before) return 0.0;
  return static_cast<double>(newest_.totals.records - before) / elapsed;
}

EvaluationReport JobFigures::evaluation() const {
  if (const auto whole = merge_evaluations(newest_.evaluations)) return whole->report();
  return stored_evaluation_.value_or(EvaluationReport{});
}

std::uint64_t JobFigures::lag() const {
  std::uint64_t lag = 0;
  for (const auto& split : splits()) lag += split.lag;
  return lag;
}

std::vector<control::SplitStatus> JobFigures::splits() const {
  std::vector<control::SplitStatus> list;
  if (package_ == nullptr) return list;
  for (const auto& outline : package_->splits) {
    control::SplitStatus split{outline.id.value, outline.path, outline.begin.value,
                               outline.end.value, outline.begin.value};
    const auto at = std::ranges::find(newest_.splits, outline.id, &SplitProgress::split);
    if (at != newest_.splits.end()) {
      split.offset = at->offset.value;
      split.is_finished = at->is_finished;
    }
    split.lag = split.is_finished ? 0 : lag_of(outline, Offset(split.offset));
    list.push_back(std::move(split));
  }
  std::vector<SplitProgress> positions = package_->first_positions();
  const auto runs =
      assign_splits(std::move(positions), package_->spec.parallelism, package_->planned_splits());
  for (std::size_t replica = 0; replica < runs.size(); ++replica) {
    for (const auto& split : runs[replica]) {
      list[split.split.value].replica = static_cast<std::uint32_t>(replica);
    }
  }
  return list;
}

std::vector<control::JobWorker> JobFigures::workers() const {
  std::map<WorkerId, control::JobWorker> workers;
  if (newest_.placement == nullptr) return {};
  const auto& placement = *newest_.placement;
  for (std::uint32_t i = 0; i < placement.replicas.size(); ++i) {
    workers[placement.replicas[i]].replicas.push_back(i);
  }
  for (std::uint32_t i = 0; i < placement.shards.size(); ++i) {
    workers[placement.shards[i]].shards.push_back(i);
  }
  std::vector<control::JobWorker> list;
  for (auto& [id, worker] : workers) {
    worker.id = id.value;
    list.push_back(std::move(worker));
  }
  return list;
}

void JobFigures::fill(control::JobStatus& status, const Now& now) const {
  status.started_at_ms = started_at_ms_;
  status.attempt = newest_.attempt.value;
  status.term = newest_.term.value;
  status.restarts = recovery_.count;
  status.recovery = recovery_;
  status.last_error = error_;
  status.read = newest_.totals.read;
  status.records = newest_.totals.records;
  status.quarantined = newest_.totals.quarantined;
  status.skipped = newest_.totals.skipped;
  status.seconds = seconds();
  const bool has_ended = control::is_ended(status.state);
  const std::uint64_t begun = first_ ? first_->records : status.records;
  const std::uint64_t learned = status.records - std::min(status.records, begun);
  status.records_per_second = !has_ended           ? recent_rate(now)
                              : status.seconds > 0 ? static_cast<double>(learned) / status.seconds
                                                   : 0.0;
  status.lag = lag();
  status.evaluation = evaluation();
  status.checkpoints_completed = checkpoints_;
  status.last_checkpoint = last_checkpoint_;
  status.last_checkpoint_bytes = last_checkpoint_bytes_;
  status.last_checkpoint_seconds = last_checkpoint_seconds_;
  status.last_checkpoint_at_ms = last_checkpoint_at_ms_;
  status.splits = splits();
  status.warnings.assign(warnings_.begin(), warnings_.end());
  status.instruction_set = kernels::target_name();
  if (package_ != nullptr) {
    status.parallelism = package_->spec.parallelism;
    status.task = package_->schema.task;
    status.classes = classes_.empty() ? package_->schema.classes : classes_;
    status.label_delay = label_delay_of(package_->spec);
    status.model_kind = to_string(package_->spec.model->kind);
  }
  if (model_) {
    status.version = model_->lineage.version.value;
    status.parameters = model_->parameters;
    status.digest = model_->digest;
    status.instruction_set = model_->lineage.instruction_set;
  }
}

void JobFigures::fill(control::JobRow& row, const Now& now) const {
  row.records = newest_.totals.records;
  row.quarantined = newest_.totals.quarantined;
  row.records_per_second = control::is_ended(row.state) ? 0.0 : recent_rate(now);
  row.lag = lag();
  row.restarts = recovery_.count;
  if (package_ != nullptr) row.parallelism = package_->spec.parallelism;
  if (model_) row.version = model_->lineage.version.value;
  const EvaluationReport report = evaluation();
  set_leading(report.window.records > 0 ? report.window : report.prequential, row);
}

}  // namespace millrace
