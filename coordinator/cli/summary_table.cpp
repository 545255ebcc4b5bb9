#include <fmt/format.h>

#include <set>

#include "coordinator/cli/summary.hpp"

namespace millrace::cli {
namespace {

constexpr std::size_t kMatrixClassesMax = 10;  // a wider matrix does not fit a terminal

std::string number(const std::optional<double>& value, const char* format = "{:.4f}") {
  return value ? fmt::format(fmt::runtime(format), *value) : "";
}

using Rows = std::vector<std::vector<std::string>>;

void remove_empty_columns(Rows& rows) {
  for (std::size_t column = rows[0].size(); column-- > 1;) {
    const bool is_empty = std::all_of(rows.begin() + 1, rows.end(),
                                      [&](const auto& row) { return row[column].empty(); });
    if (!is_empty) continue;
    for (auto& row : rows) row.erase(row.begin() + static_cast<std::ptrdiff_t>(column));
  }
}

std::string metrics_table(const RunSummary& summary) {
  const auto& evaluation = summary.evaluation;
  const auto& baselines = evaluation.baselines;
  Rows rows;
  if (summary.task == Task::regression) {
    rows = {{"", "mae", "rmse", "r2"}};
    const auto add = [&](std::string name, const auto& mae, const auto& rmse, const auto& r2) {
      rows.push_back({std::move(name), number(mae, "{:.5g}"), number(rmse, "{:.5g}"), number(r2)});
    };
    const std::optional<double> none;
    const auto& all = evaluation.prequential;
    const auto& last = evaluation.window;
    add("model, whole stream", all.mae, all.rmse, all.r2);
    add("model, last " + grouped(last.records), last.mae, last.rmse, last.r2);
    if (baselines.last_label_mae) add("baseline: last value", baselines.last_label_mae, none, none);
    if (baselines.mean_mae)
      add("baseline: mean so far", baselines.mean_mae, baselines.mean_rmse, none);
  } else {
    rows = {{"", "accuracy", "log loss", "precision", "recall", "f1", "kappa", "kappa-t", "auc"}};
    const auto add = [&](std::string name, const MetricsReport& m) {
      rows.push_back({std::move(name), number(m.accuracy), number(m.log_loss), number(m.precision),
                      number(m.recall), number(m.f1), number(m.kappa), number(m.kappa_temporal),
                      number(m.auc)});
    };
    add("model, whole stream", evaluation.prequential);
    add("model, last " + grouped(evaluation.window.records), evaluation.window);
    MetricsReport baseline;
    if (baseline.accuracy = baselines.last_label_accuracy; baseline.accuracy)
      add("baseline: last label", baseline);
    if (baseline.accuracy = baselines.majority_accuracy; baseline.accuracy)
      add("baseline: majority", baseline);
  }
  remove_empty_columns(rows);
  return aligned(rows, "  ");
}

std::string confusion_table(const RunSummary& summary) {
  const auto& matrix = summary.evaluation.prequential.confusion_matrix;
  const auto shown = std::min(matrix.size(), summary.classes.size());
  if (shown < 2 || shown > kMatrixClassesMax) return {};
  Rows rows = {{"actual \\ predicted"}};
  for (std::size_t i = 0; i < shown; ++i) {
    rows[0].push_back(one_line(summary.classes[i]));
    rows.push_back({one_line(summary.classes[i])});
    for (std::size_t j = 0; j < shown && j < matrix[i].size(); ++j)
      rows.back().push_back(grouped(matrix[i][j]));
  }
  return "\n" + aligned(rows, "  ");
}

}  // namespace

std::string facts_table(const RunSummary& summary) {
  const auto& model = summary.model;
  Rows rows;
  if (model.version != 0)
    rows.push_back({"model", fmt::format("{} v{}, {}{} parameters, digest {}", model.name,
                                         model.version, model.kind.empty() ? "" : model.kind + ", ",
                                         grouped(model.parameters), model.digest.substr(0, 16))});
  if (summary.checkpoints.completed != 0)
    rows.push_back(
        {"checkpoints", fmt::format("{} complete, the last is {} ({:.3f} s, {})",
                                    grouped(summary.checkpoints.completed),
                                    summary.checkpoints.last_id, summary.checkpoints.last_seconds,
                                    bytes_text(summary.checkpoints.last_bytes))});
  rows.push_back(
      {"ran on", counted(summary.workers, "worker") + ", " +
                     counted(summary.parallelism, "replica") + ", " +
                     counted(summary.splits.size(), "split") +
                     (summary.instruction_set.empty() ? "" : ", " + summary.instruction_set)});
  if (summary.label_delay != 0)
    rows.push_back(
        {"label delay", fmt::format("up to {}: a batch is predicted before it is learned",
                                    counted(summary.label_delay, "record"))});
  if (!summary.state_folder.empty()) rows.push_back({"state", summary.state_folder});
  return "\n" + aligned(rows, "  ");
}

namespace {

std::string warnings_text(const RunSummary& summary, const Output& output) {
  std::string text;
  std::set<std::string> seen;
  for (const auto* list : {&summary.warnings, &summary.evaluation.baselines.warnings})
    for (const auto& warning : *list)
      if (seen.insert(warning).second)
        text += output.styled(Style::bad, "warning: ") + one_line(warning) + "\n";
  return text.empty() ? text : "\n" + text;
}

// The first few, so that whoever mends the data knows where to look.
std::string quarantine_text(const RunSummary& summary, const Output& output) {
  if (summary.quarantined == 0) return {};
  constexpr std::size_t kShown = 3;
  auto text = "\n" + output.styled(Style::bold, "quarantined") + ": " +
              counted(summary.quarantined, "record") +
              " could not be decoded and took no part in learning\n";
  for (std::size_t i = 0; i < std::min(kShown, summary.quarantine.size()); ++i) {
    const auto& entry = summary.quarantine[i];
    text += fmt::format("  {}, offset {}{}: {}\n", entry.path, entry.offset,
                        entry.column.empty() ? "" : ", column " + one_line(entry.column),
                        one_line(entry.reason));
    text += "    " + one_line(entry.record) + "\n";
  }
  if (summary.quarantine.size() > kShown)
    text += fmt::format("  and more: `--output json` lists {}\n", summary.quarantine.size());
  return text;
}

std::string next_steps(const RunSummary& summary, const std::string& state_flag) {
  if (summary.state == "interrupted" || summary.state == "stopped")
    return "\nnext: run the same command again to go on from the checkpoint\n";
  if (summary.model.version == 0) return {};
  Rows rows = {
      {"millrace predict " + summary.model.name + " --file rows.csv" + state_flag,
       "predict rows of a CSV"},
      {"millrace serve " + summary.model.name + state_flag, "answer predictions over ZeroMQ"},
      {"millrace model show " + summary.model.name + state_flag, "where the model came from"}};
  return "\nnext:\n" + aligned(rows, "  ");
}

}  // namespace

std::string figures_table(const RunSummary& summary) {
  return metrics_table(summary) + confusion_table(summary);
}

std::string remarks_text(const RunSummary& summary, const Output& output) {
  return quarantine_text(summary, output) + warnings_text(summary, output);
}

std::string summary_table(const RunSummary& summary, const std::string& state_flag,
                          const Output& output) {
  auto text =
      output.styled(Style::bold, "job " + summary.job + " " + summary.state) +
      fmt::format(": {} in {:.3f} s ({} records/s)", counted(summary.records, "record"),
                  summary.seconds,
                  grouped(static_cast<std::uint64_t>(std::max(0.0, summary.records_per_second))));
  if (summary.quarantined != 0) text += ", " + grouped(summary.quarantined) + " quarantined";
  if (summary.skipped != 0) text += ", " + grouped(summary.skipped) + " skipped";
  if (summary.resumed_from != 0) text += ", went on from " + grouped(summary.resumed_from);
  text += "\n\n" + figures_table(summary) + facts_table(summary) + remarks_text(summary, output);
  if (!summary.prediction_endpoint.empty())
    text += "\nserved at " + summary.prediction_endpoint + "\n";
  return text + next_steps(summary, state_flag);
}

}  // namespace millrace::cli
