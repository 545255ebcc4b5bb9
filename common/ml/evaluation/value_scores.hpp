// Sums from which the regression metrics follow.
//
// Place: as ClassScores. The labels' variance is summed around a pivot, the first label, so that R2
// does not cancel; sums of two replicas are brought to one pivot and merge to rounding.
#pragma once

#include <cstdint>

#include "common/base/bytes.hpp"
#include "common/ml/evaluation/evaluation.hpp"

namespace millrace {

class ValueScores {
 public:
  void add(double label, double prediction) {
    if (records_ == 0) pivot_ = label;
    ++records_;
    const double shift = label - pivot_;
    const double error = prediction - label;
    sum_ += shift;
    squares_ += shift * shift;
    absolute_error_ += error < 0.0 ? -error : error;
    squared_error_ += error * error;
  }

  std::uint64_t records() const { return records_; }
  void merge(const ValueScores& other);
  MetricsReport report() const;

  void encode(ByteWriter& writer) const;
  void decode(ByteReader& reader);

 private:
  std::uint64_t records_ = 0;
  double pivot_ = 0.0;
  double sum_ = 0.0, squares_ = 0.0;  // of label - pivot
  double absolute_error_ = 0.0, squared_error_ = 0.0;
};

}  // namespace millrace
