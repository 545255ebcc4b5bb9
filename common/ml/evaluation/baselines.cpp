#include "common/ml/evaluation/baselines.hpp"

#include <fmt/format.h>

#include <cmath>

namespace millrace {

void Baselines::merge(const Baselines& other) {
  majority_hits += other.majority_hits;
  values += other.values;
  last_absolute_error += other.last_absolute_error;
  mean_absolute_error += other.mean_absolute_error;
  mean_squared_error += other.mean_squared_error;
}

BaselineReport Baselines::report_classes(const MetricsReport& model, std::uint64_t repeats) const {
  BaselineReport report;
  if (model.records == 0) return report;
  const auto records = static_cast<double>(model.records);
  report.last_label_accuracy = static_cast<double>(repeats) / records;
  report.majority_accuracy = static_cast<double>(majority_hits) / records;
  const auto compare = [&](const char* what, double accuracy) {
    if (accuracy > *model.accuracy)
      report.warnings.push_back(fmt::format("predicting {} scores {:.4f}, above the model's {:.4f}",
                                            what, accuracy, *model.accuracy));
  };
  compare("the last label", *report.last_label_accuracy);
  compare("the majority label", *report.majority_accuracy);
  return report;
}

BaselineReport Baselines::report_values(const MetricsReport& model) const {
  BaselineReport report;
  if (values == 0) return report;
  const auto count = static_cast<double>(values);
  report.last_label_mae = last_absolute_error / count;
  report.mean_mae = mean_absolute_error / count;
  report.mean_rmse = std::sqrt(mean_squared_error / count);
  // A model whose error is not a number loses to anything.
  const auto compare = [&](const char* what, const char* measure, double baseline, double error) {
    if (!(error <= baseline))
      report.warnings.push_back(fmt::format("predicting {} has {} {:.4g}, below the model's {:.4g}",
                                            what, measure, baseline, error));
  };
  compare("the last value", "a mean absolute error of", *report.last_label_mae, *model.mae);
  if (!(*model.mae <= *report.mean_mae)) {
    compare("the running mean", "a mean absolute error of", *report.mean_mae, *model.mae);
  } else {
    compare("the running mean", "a root mean squared error of", *report.mean_rmse, *model.rmse);
  }
  return report;
}

void Baselines::encode(ByteWriter& writer) const {
  writer.put(majority_hits);
  writer.put(values);
  for (const double sum : {last_absolute_error, mean_absolute_error, mean_squared_error})
    writer.put(sum);
}

void Baselines::decode(ByteReader& reader) {
  majority_hits = reader.get<std::uint64_t>();
  values = reader.get<std::uint64_t>();
  for (double* sum : {&last_absolute_error, &mean_absolute_error, &mean_squared_error})
    *sum = reader.get<double>();
}

}  // namespace millrace
