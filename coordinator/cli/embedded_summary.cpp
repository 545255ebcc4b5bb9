#include "coordinator/cli/embedded_summary.hpp"

#include "common/ml/kernels/kernels.hpp"
#include "coordinator/cli/output.hpp"
#include "coordinator/cli/stored_cut.hpp"
#include "coordinator/registry/model_registry.hpp"
#include "coordinator/status/job_outline.hpp"

namespace millrace {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds kReportInterval{250};

}  // namespace

SummaryBuilder::SummaryBuilder(const PreparedJob& prepared, std::uint32_t workers, Time began)
    : prepared_(prepared),
      package_(prepared.package),
      began_(began),
      last_record_at_(began),
      next_report_(began),
      reported_at_(began) {
  const JobPackage& package = *prepared.package;
  summary_.job = package.spec.name;
  summary_.task = package.schema.task;
  summary_.classes = package.schema.classes;
  summary_.label_delay = label_delay_of(package.spec);
  summary_.model.name = package.spec.name;
  summary_.model.kind = to_string(package.spec.model->kind);
  summary_.workers = workers;
  summary_.parallelism = package.spec.parallelism;
  summary_.instruction_set = kernels::target_name();
  summary_.state_folder = prepared.folder->path().string();
  summary_.warnings = prepared.warnings;
  add_splits(package);
}

void SummaryBuilder::add_splits(const JobPackage& package) {
  for (std::size_t i = summary_.splits.size(); i < package.splits.size(); ++i) {
    const auto& split = package.splits[i];
    summary_.splits.push_back(
        {split.id.value, split.path, split.begin.value, lag_of(split, split.begin)});
  }
}

void SummaryBuilder::tell(ProgressSink& progress, const std::string& kind,
                          const std::string& message) {
  ProgressEvent event;
  event.kind = kind;
  event.seconds = seconds(steady_clock::now());
  event.records = records_seen_;
  event.message = message;
  progress.on_event(event);
}

void SummaryBuilder::announce(ProgressSink& progress) {
  const JobPackage& package = *prepared_.package;
  tell(progress, prepared_.is_resumed ? "resumed" : "started",
       package.spec.name + ": " + to_string(package.spec.model->kind) + ", " +
           cli::counted(package.splits.size(), "split") + ", " +
           cli::counted(package.spec.parallelism, "replica") + " on " +
           cli::counted(summary_.workers, "worker"));
  for (const auto& note : prepared_.notes) tell(progress, "note", note);
  for (const auto& warning : prepared_.warnings) tell(progress, "warning", warning);
}

void SummaryBuilder::set_splits(const std::vector<SplitProgress>& splits) {
  for (const auto& split : splits) {
    auto& report = summary_.splits[split.split.value];
    report.offset = split.offset.value;
    const auto& outline = package_->splits[split.split.value];
    report.lag = split.is_finished ? 0 : lag_of(outline, split.offset);
  }
}

void SummaryBuilder::report_progress(const JobUpdate& update, ProgressSink& progress) {
  const auto now = steady_clock::now();
  const bool is_end = update.kind != "progress";
  if (update.totals.records != records_seen_) last_record_at_ = now;
  records_seen_ = update.totals.records;
  set_splits(update.splits);
  if (now < next_report_ && !is_end) return;
  next_report_ = now + kReportInterval;
  ProgressEvent event;
  event.kind = update.kind;
  event.seconds = seconds(now);
  event.records = update.totals.records;
  event.quarantined = update.totals.quarantined;
  event.skipped = update.totals.skipped;
  const double interval = std::chrono::duration<double>(now - reported_at_).count();
  if (interval > 0 && update.totals.records >= records_reported_) {
    event.records_per_second =
        static_cast<double>(update.totals.records - records_reported_) / interval;
  }
  reported_at_ = now;
  records_reported_ = update.totals.records;
  if (const auto whole = merge_evaluations(update.evaluations)) {
    const MetricsReport window = whole->report().window;
    event.log_loss = window.log_loss;
    event.accuracy = window.accuracy;
    event.mae = window.mae;
  }
  for (const auto& split : summary_.splits) event.lag += split.lag;
  event.cut = update.cut.value;
  progress.on_event(event);
}

// After a checkpoint of its own, which a fresh run begins with, a run goes on from itself. Before
// it, the last restore counts: a damaged checkpoint is passed over for an older one.
void SummaryBuilder::note_restored(const DecodeCounters& totals) {
  if (summary_.checkpoints.completed > 0) return;
  summary_.resumed_from = totals.records;
  records_seen_ = totals.records;
  records_reported_ = totals.records;
}

void SummaryBuilder::take(const JobUpdate& update, ProgressSink& progress) {
  if (update.kind == "progress") return report_progress(update, progress);
  if (update.kind == "checkpoint") {
    ++summary_.checkpoints.completed;
    summary_.checkpoints.last_id = update.cut.value;
    summary_.checkpoints.last_seconds = update.checkpoint_seconds;
    summary_.checkpoints.last_bytes = update.checkpoint_bytes;
  } else if (update.kind == "splits") {
    package_ = update.package;
    return add_splits(*package_);
  } else if (update.kind == "restored") {
    return note_restored(update.totals);
  } else if (update.kind == "published") {
    model_ = update.model;
  } else if (update.kind == "warning") {
    summary_.warnings.push_back(update.message);
  }
  ProgressEvent event;
  event.kind = update.kind;
  event.seconds = seconds(steady_clock::now());
  event.records = records_seen_;
  event.cut = update.cut.value;
  event.message = update.message;
  progress.on_event(event);
}

Result<StoredCut> SummaryBuilder::read_stored(CheckpointStore& store) const {
  MILLRACE_ASSIGN(const LogState log, read_log_state(store));
  return read_newest_cut(store, log, prepared_.folder->path() / "scratch" / "summary");
}

void SummaryBuilder::set_quarantine(const StoredCut& cut) {
  for (const auto& entry : cut.quarantine) {
    summary_.quarantine.push_back({package_->splits[entry.split.value].path, entry.offset.value,
                                   entry.column, entry.reason, entry.record});
  }
}

// The job is complete whether or not its broken records can be shown.
void SummaryBuilder::list_quarantine(CheckpointStore& store) {
  const auto cut = read_stored(store);
  if (cut.is_ok()) return set_quarantine(cut.value());
  summary_.warnings.push_back("the quarantined records cannot be listed: " +
                              cut.status().message());
}

Status SummaryBuilder::finish_from_store(CheckpointStore& store) {
  MILLRACE_ASSIGN(StoredCut cut, read_stored(store));
  set_quarantine(cut);
  const auto& totals = cut.manifest.totals;
  summary_.read = totals.read;
  summary_.records = totals.records;
  summary_.quarantined = totals.quarantined;
  summary_.skipped = totals.skipped;
  summary_.checkpoints.last_id = cut.manifest.cut.value;
  summary_.resumed_from = totals.records;
  for (const auto& split : cut.manifest.splits) {
    set_splits({{split.id, split.offset, split.learned, split.is_finished}});
  }
  if (cut.evaluations.empty()) return {};
  Evaluation whole = std::move(cut.evaluations.front());
  for (std::size_t i = 1; i < cut.evaluations.size(); ++i) whole.merge(cut.evaluations[i]);
  summary_.evaluation = whole.report();
  return {};
}

void SummaryBuilder::describe_model() {
  if (model_ == nullptr) {
    const auto registry = ModelRegistry::open_existing(prepared_.folder->path() / "models");
    if (!registry.is_ok()) return;
    const auto newest = registry.value().load_newest_usable();
    if (!newest.is_ok()) return;
    model_ = newest.value().model;
  }
  if (model_ == nullptr) return;
  summary_.model.version = model_->version().value;
  summary_.model.digest = model_->digest();
  summary_.model.parameters = model_->header().parameters;
  if (!model_->classes().empty()) summary_.classes = model_->classes();
}

Result<RunSummary> SummaryBuilder::finish(const JobUpdate& ending, CheckpointStore& store,
                                          ProgressSink& progress) {
  summary_.state = ending.kind;
  if (!ending.evaluations.empty()) report_progress(ending, progress);
  if (const auto whole = merge_evaluations(ending.evaluations)) {
    summary_.read = ending.totals.read;
    summary_.records = ending.totals.records;
    summary_.quarantined = ending.totals.quarantined;
    summary_.skipped = ending.totals.skipped;
    set_splits(ending.splits);
    summary_.evaluation = whole->report();
    summary_.seconds = seconds(last_record_at_);
    if (summary_.quarantined > 0) list_quarantine(store);
    if (summary_.seconds > 0) {
      // A run that fell back to an older checkpoint may be stopped before it is where it began.
      const std::uint64_t learned =
          summary_.records - std::min(summary_.records, summary_.resumed_from);
      summary_.records_per_second = static_cast<double>(learned) / summary_.seconds;
    }
  } else {
    MILLRACE_TRY(finish_from_store(store));
  }
  describe_model();
  return summary_;
}

}  // namespace millrace
