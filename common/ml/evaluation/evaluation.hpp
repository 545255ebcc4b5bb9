// Prequential evaluation: every prediction is scored before its record is learned.
//
// Place: each replica owns one Evaluation, saved in its part of a checkpoint; reports merge those
// of all replicas. One owner each, no thread may share it.
//
// Counts and log losses are integers and merge exactly, float moments (regression) to rounding.
// What depends on the order of records (the sliding window, the last label, the majority and the
// mean so far) is kept per split, so it does not depend on how splits interleave; the window's
// figures are over the rings in split order. Records count unweighted, whatever their importance.
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

// Figures over some records; fields that do not apply to the task, or are undefined, stay empty.
//
// Binary: class 1 is positive, and predicted when its probability is above 1/2. Multiclass: the
// most probable class, the smallest id on a tie; precision, recall and F1 are plain means over the
// classes seen as label or prediction. A ratio with an empty denominator is 0 (as in River and
// scikit-learn); log loss clips at 1e-15 (as in River). kappa_temporal (Zliobaite et al. 2015): 0
// is predicting the last label of the split, 1 is perfect. auc comes from 2,048 logit bins over
// [-16, 16]; the exact one is within auc_error_bound of it.
struct MetricsReport {
  std::uint64_t records = 0;
  std::optional<double> accuracy, log_loss, precision, recall, f1, kappa, kappa_temporal, auc,
      auc_error_bound;
  // [actual, predicted], up to the highest class id seen (binary: 2 x 2).
  std::vector<std::vector<std::uint64_t>> confusion_matrix;
  std::optional<double> mae, rmse, r2;
};

// Each baseline predicts a record from the earlier ones of its split. The first record of a split
// counts as wrong in classification and is left out in regression.
struct BaselineReport {
  std::optional<double> last_label_accuracy, majority_accuracy;  // classification
  std::optional<double> last_label_mae, mean_mae,
      mean_rmse;  // regression: last value, running mean
  // "predicting the last label scores 0.966, above the model's 0.895", one per baseline that wins.
  std::vector<std::string> warnings;
};

struct EvaluationReport {
  MetricsReport prequential;
  MetricsReport window;  // the last records of every split
  BaselineReport baselines;
};

class Evaluation {
 public:
  // `classes` is the width of the label head (2 for binary, 0 for regression); `window` in records,
  // [1, limits::kEvaluationWindowMax].
  Evaluation(Task task, std::uint32_t classes, std::uint32_t window);
  ~Evaluation();
  Evaluation(Evaluation&&) noexcept;
  Evaluation& operator=(Evaluation&&) noexcept;

  // predictions [batch.rows, outputs], labels from the batch, in record order. Labels are class ids
  // below `classes`.
  void update(const MicroBatch& batch, std::span<const float> predictions);
  // Adds another replica's figures; splits of both must be disjoint or one must be a later state of
  // the other's.
  void merge(const Evaluation& other);
  // Whether both score the same task, classes and window, as `merge` and `take_over` need.
  bool fits(const Evaluation& other) const;
  // What of another replica's figures comes here when splits are shared out anew: the histories of
  // `splits` and, at one of the new replicas alone, the sums over all of its records.
  void take_over(const Evaluation& other, std::span<const SplitId> splits, bool with_sums);
  std::uint64_t records() const;
  EvaluationReport report() const;

  // A decoded evaluation goes on bit for bit as the encoded one.
  void encode(ByteWriter& writer) const;
  static Result<Evaluation> decode(ByteReader& reader);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// The figures of all replicas from encoded parts, in their order. A part that is absent or cannot
// be decoded is left out; none at all: nothing.
std::optional<Evaluation> merge_evaluations(
    std::span<const std::shared_ptr<const Bytes>> encoded_parts);

}  // namespace millrace
