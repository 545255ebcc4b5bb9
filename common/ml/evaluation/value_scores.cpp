#include "common/ml/evaluation/value_scores.hpp"

#include <cmath>

namespace millrace {

void ValueScores::merge(const ValueScores& other) {
  if (other.records_ == 0) return;
  if (records_ == 0) {
    *this = other;
    return;
  }
  const double shift = other.pivot_ - pivot_;
  const auto count = static_cast<double>(other.records_);
  squares_ += other.squares_ + 2.0 * shift * other.sum_ + count * shift * shift;
  sum_ += other.sum_ + count * shift;
  records_ += other.records_;
  absolute_error_ += other.absolute_error_;
  squared_error_ += other.squared_error_;
}

MetricsReport ValueScores::report() const {
  MetricsReport report;
  report.records = records_;
  if (records_ == 0) return report;
  const auto count = static_cast<double>(records_);
  report.mae = absolute_error_ / count;
  report.rmse = std::sqrt(squared_error_ / count);
  const double spread = squares_ - sum_ * sum_ / count;
  if (spread > 0.0) report.r2 = 1.0 - squared_error_ / spread;
  return report;
}

void ValueScores::encode(ByteWriter& writer) const {
  writer.put(records_);
  for (const double value : {pivot_, sum_, squares_, absolute_error_, squared_error_})
    writer.put(value);
}

void ValueScores::decode(ByteReader& reader) {
  records_ = reader.get<std::uint64_t>();
  for (double* value : {&pivot_, &sum_, &squares_, &absolute_error_, &squared_error_})
    *value = reader.get<double>();
}

}  // namespace millrace
