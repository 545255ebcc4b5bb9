#include <nlohmann/json.hpp>

#include "coordinator/cli/summary.hpp"

namespace millrace::cli {
namespace {

using Json = nlohmann::ordered_json;

void put(Json& object, const char* name, const std::optional<double>& value) {
  if (value) object[name] = *value;
}

const char* task_name(Task task) {
  switch (task) {
    case Task::regression:
      return "regression";
    case Task::binary:
      return "binary";
    case Task::multiclass:
      return "multiclass";
  }
  return "?";
}

Json baselines_json(const BaselineReport& baselines) {
  Json object = Json::object();
  const auto put_in = [&](const char* baseline, const char* metric,
                          const std::optional<double>& value) {
    if (value) object[baseline][metric] = *value;
  };
  put_in("last_label", "accuracy", baselines.last_label_accuracy);
  put_in("majority", "accuracy", baselines.majority_accuracy);
  put_in("last_label", "mae", baselines.last_label_mae);
  put_in("mean", "mae", baselines.mean_mae);
  put_in("mean", "rmse", baselines.mean_rmse);
  return object;
}

}  // namespace

Json metrics_json(const MetricsReport& metrics) {
  Json object;
  object["records"] = metrics.records;
  put(object, "accuracy", metrics.accuracy);
  put(object, "log_loss", metrics.log_loss);
  put(object, "precision", metrics.precision);
  put(object, "recall", metrics.recall);
  put(object, "f1", metrics.f1);
  put(object, "kappa", metrics.kappa);
  put(object, "kappa_temporal", metrics.kappa_temporal);
  put(object, "auc", metrics.auc);
  put(object, "auc_error_bound", metrics.auc_error_bound);
  put(object, "mae", metrics.mae);
  put(object, "rmse", metrics.rmse);
  put(object, "r2", metrics.r2);
  if (!metrics.confusion_matrix.empty()) object["confusion_matrix"] = metrics.confusion_matrix;
  return object;
}

Json summary_json(const RunSummary& summary) {
  Json object;
  object["schema_version"] = kSummarySchemaVersion;
  object["job"] = summary.job;
  object["state"] = summary.state;
  object["read"] = summary.read;
  object["records"] = summary.records;
  object["quarantined"] = summary.quarantined;
  object["skipped"] = summary.skipped;
  object["seconds"] = summary.seconds;
  object["records_per_second"] = summary.records_per_second;
  object["resumed_from"] = summary.resumed_from;
  object["task"] = task_name(summary.task);
  object["classes"] = summary.classes;
  object["label_delay"] = summary.label_delay;
  object["metrics"]["prequential"] = metrics_json(summary.evaluation.prequential);
  object["metrics"]["window"] = metrics_json(summary.evaluation.window);
  object["metrics"]["baselines"] = baselines_json(summary.evaluation.baselines);
  object["model"] = {{"name", summary.model.name},
                     {"kind", summary.model.kind},
                     {"version", summary.model.version},
                     {"parameters", summary.model.parameters},
                     {"digest", summary.model.digest}};
  object["checkpoints"] = {{"completed", summary.checkpoints.completed},
                           {"last_id", summary.checkpoints.last_id},
                           {"last_seconds", summary.checkpoints.last_seconds},
                           {"last_bytes", summary.checkpoints.last_bytes}};
  object["workers"] = summary.workers;
  object["parallelism"] = summary.parallelism;
  object["splits"] = Json::array();
  for (const auto& split : summary.splits)
    object["splits"].push_back(
        {{"id", split.id}, {"path", split.path}, {"offset", split.offset}, {"lag", split.lag}});
  object["quarantine"] = Json::array();
  for (const auto& entry : summary.quarantine)
    object["quarantine"].push_back({{"path", entry.path},
                                    {"offset", entry.offset},
                                    {"column", entry.column},
                                    {"reason", entry.reason},
                                    {"record", entry.record}});
  object["drift"] = Json::array();
  object["instruction_set"] = summary.instruction_set;
  object["state_folder"] = summary.state_folder;
  if (!summary.prediction_endpoint.empty())
    object["prediction_endpoint"] = summary.prediction_endpoint;
  object["warnings"] = summary.warnings;
  for (const auto& warning : summary.evaluation.baselines.warnings)
    object["warnings"].push_back(warning);
  return object;
}

}  // namespace millrace::cli
