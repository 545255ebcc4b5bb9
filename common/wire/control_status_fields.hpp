// The fields of a job's status and description, each described once (see control_fields.hpp).
#pragma once

#include "common/wire/control_fields.hpp"

namespace millrace::control {

void fields(auto& v, Is<MetricsReport> auto& s) {
  v("records", s.records);
  v("accuracy", s.accuracy);
  v("log_loss", s.log_loss);
  v("precision", s.precision);
  v("recall", s.recall);
  v("f1", s.f1);
  v("kappa", s.kappa);
  v("kappa_temporal", s.kappa_temporal);
  v("auc", s.auc);
  v("auc_error_bound", s.auc_error_bound);
  v("confusion_matrix", s.confusion_matrix);
  v("mae", s.mae);
  v("rmse", s.rmse);
  v("r2", s.r2);
}
void fields(auto& v, Is<BaselineReport> auto& s) {
  v("last_label_accuracy", s.last_label_accuracy);
  v("majority_accuracy", s.majority_accuracy);
  v("last_label_mae", s.last_label_mae);
  v("mean_mae", s.mean_mae);
  v("mean_rmse", s.mean_rmse);
  v("warnings", s.warnings);
}
void fields(auto& v, Is<EvaluationReport> auto& s) {
  v("prequential", s.prequential);
  v("window", s.window);
  v("baselines", s.baselines);
}
void fields(auto& v, Is<QuarantinedRow> auto& s) {
  v("path", s.path);
  v("offset", s.offset);
  v("column", s.column);
  v("reason", s.reason);
  v("record", s.record);
}
void fields(auto& v, Is<RecoveryStatus> auto& s) {
  v("count", s.count);
  v("last_at_ms", s.last_at_ms);
  v("last_seconds", s.last_seconds);
  v("from_cut", s.from_cut);
  v("reason", s.reason);
}
void fields(auto& v, Is<JobStatus> auto& s) {
  v("name", s.name);
  v("state", s.state);
  v("message", s.message);
  v("submitted_by", s.submitted_by);
  v("revision", s.revision);
  v("submitted_at_ms", s.submitted_at_ms);
  v("started_at_ms", s.started_at_ms);
  v("ended_at_ms", s.ended_at_ms);
  v("attempt", s.attempt);
  v("term", s.term);
  v("parallelism", s.parallelism);
  v("workers", s.workers);
  v("restarts", s.restarts);
  v("last_error", s.last_error);
  v("recovery", s.recovery);
  v("read", s.read);
  v("records", s.records);
  v("quarantined", s.quarantined);
  v("skipped", s.skipped);
  v("seconds", s.seconds);
  v("records_per_second", s.records_per_second);
  v("lag", s.lag);
  v("task", s.task);
  v("classes", s.classes);
  v("label_delay", s.label_delay);
  v("evaluation", s.evaluation);
  v("model_kind", s.model_kind);
  v("version", s.version);
  v("parameters", s.parameters);
  v("digest", s.digest);
  v("checkpoints_completed", s.checkpoints_completed);
  v("last_checkpoint", s.last_checkpoint);
  v("last_checkpoint_bytes", s.last_checkpoint_bytes);
  v("last_checkpoint_seconds", s.last_checkpoint_seconds);
  v("last_checkpoint_at_ms", s.last_checkpoint_at_ms);
  v("store_url", s.store_url);
  v("splits", s.splits);
  v("quarantine", s.quarantine);
  v("prediction_endpoints", s.prediction_endpoints);
  v("instruction_set", s.instruction_set);
  v("warnings", s.warnings);
}
void fields(auto& v, Is<FieldOutline> auto& s) {
  v("name", s.name);
  v("role", s.role);
  v("evidence", s.evidence);
}
void fields(auto& v, Is<JobDescription> auto& s) {
  v("name", s.name);
  v("file_name", s.file_name);
  v("revision", s.revision);
  v("job_file", Document{s.job_file});
  v("overrides", s.overrides);
  v("task", s.task);
  v("fields", s.fields);
  v("splits", s.splits);
  v("workers", s.workers);
  v("shards", s.shards);
  v("store_url", s.store_url);
}

}  // namespace millrace::control
