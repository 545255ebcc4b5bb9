// Prequential evaluation: every prediction is scored before its record is learned.
//
// Place: each replica owns one Evaluation, saved in its part of a checkpoint; reports merge those of all
// replicas. Counts merge exactly, float moments to rounding. The sliding window, the last label and
// kappa-temporal depend on the order of records, so they are kept per split and combined in split order.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "common/base/bytes.hpp"
#include "common/data/micro_batch.hpp"
#include "common/data/schema.hpp"

namespace millrace {

// Figures over some records; fields that do not apply to the task stay empty.
struct MetricsReport {
  std::uint64_t records = 0;
  std::optional<double> accuracy, log_loss, precision, recall, f1, kappa, kappa_temporal, auc, auc_error_bound;
  std::vector<std::vector<std::uint64_t>> confusion_matrix;  // [actual, predicted]
  std::optional<double> mae, rmse, r2;
};

struct BaselineReport {
  std::optional<double> last_label_accuracy, majority_accuracy;  // classification
  std::optional<double> last_label_mae, mean_mae, mean_rmse;     // regression: last value, running mean
  // "predicting the last label scores 0.966, above the model's 0.895", one per baseline that wins.
  std::vector<std::string> warnings;
};

struct EvaluationReport {
  MetricsReport prequential;
  MetricsReport window;          // the last records of every split
  BaselineReport baselines;
};

class Evaluation {
 public:
  // `classes` is the width of the label head (2 for binary, 0 for regression); window in records.
  Evaluation(Task task, std::uint32_t classes, std::uint32_t window);
  ~Evaluation();
  Evaluation(Evaluation&&) noexcept;
  Evaluation& operator=(Evaluation&&) noexcept;

  // predictions [batch.rows, outputs], labels from the batch, in record order.
  void update(const MicroBatch& batch, std::span<const float> predictions);
  // Adds another replica's figures; splits of both must be disjoint or one must be a later state of the other's.
  void merge(const Evaluation& other);
  std::uint64_t records() const;
  EvaluationReport report() const;

  void encode(ByteWriter& writer) const;
  static Result<Evaluation> decode(ByteReader& reader);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace millrace
