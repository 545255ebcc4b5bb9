// Scores of the trivial predictors that stand beside every result.
//
// Place: one in Evaluation. All of them are prequential and per split: each predicts a record from
// the earlier records of its split. In classification the first record of a split counts as wrong;
// in regression it is left out, since there is nothing to predict from.
#pragma once

#include <cstdint>

#include "common/base/bytes.hpp"
#include "common/ml/evaluation/evaluation.hpp"

namespace millrace {

struct Baselines {
  std::uint64_t majority_hits = 0;
  std::uint64_t values = 0;  // regression: records with an earlier one in their split
  double last_absolute_error = 0.0;
  double mean_absolute_error = 0.0, mean_squared_error = 0.0;

  void add_values(double label, double last, double mean) {
    ++values;
    const double last_error = label - last, mean_error = label - mean;
    last_absolute_error += last_error < 0.0 ? -last_error : last_error;
    mean_absolute_error += mean_error < 0.0 ? -mean_error : mean_error;
    mean_squared_error += mean_error * mean_error;
  }
  void merge(const Baselines& other);
  // `repeats`: records whose label is the one before it. The warnings name each baseline that beats
  // `model`.
  BaselineReport report_classes(const MetricsReport& model, std::uint64_t repeats) const;
  BaselineReport report_values(const MetricsReport& model) const;

  void encode(ByteWriter& writer) const;
  void decode(ByteReader& reader);
};

}  // namespace millrace
