// Sums from which every classification metric follows: confusion matrix, log loss, and for binary
// tasks the histogram of logits per class that gives the ROC AUC.
//
// Place: Evaluation holds one over the whole stream, and makes one from the rings to report the
// window. Integers only (the loss is a 128-bit fixed-point sum), so that merging is exact whatever
// the order.
#pragma once

#include <cstdint>
#include <vector>

#include "common/base/bytes.hpp"
#include "common/ml/evaluation/evaluation.hpp"

namespace millrace {

// A log loss as a multiple of 2^-52; one record's is at most -ln(1e-15) = 34.5.
using FixedLoss = std::uint64_t;

// A sum of non-negative 64-bit numbers that cannot overflow.
struct WideSum {
  std::uint64_t low = 0, high = 0;
  void add(std::uint64_t value) {
    low += value;
    high += low < value ? 1 : 0;
  }
  void add(const WideSum& other) {
    add(other.low);
    high += other.high;
  }
  double to_double() const;
};

// A probability is clipped to these as in River 0.26; one that is not a number costs the most.
inline constexpr double kProbabilityMin = 1e-15;
inline constexpr double kProbabilityMax = 1.0 - 1e-15;
// Logits beyond are counted in the outermost bins.
inline constexpr double kLogitMax = 16.0;

inline FixedLoss fixed_loss(double loss) {
  return static_cast<FixedLoss>(static_cast<std::int64_t>(loss * 0x1p52));
}

struct BinaryScore {
  FixedLoss loss = 0;
  std::uint32_t bin = 0;  // of the logit
  bool is_predicted = false;
};

// Class 1 is predicted when its probability is above 1/2 (River: the larger one, the first on a
// tie).
inline bool predicts_one(float probability) {
  return probability > 0.5f;
}

BinaryScore score_binary(float probability, bool label);
// The most probable class, the smallest id on a tie.
std::uint32_t most_probable(const float* probabilities, std::uint32_t classes);

class ClassScores {
 public:
  // Bins of 1/64 over logits in [-16, 16]; the first and last take what lies beyond.
  static constexpr std::uint32_t kBins = 2'048;

  ClassScores(bool is_binary, std::uint32_t classes);

  // Binary only, beside add_class.
  void add_bin(std::uint32_t label, std::uint32_t bin) { ++bins_[label * kBins + bin]; }
  void add_class(std::uint32_t label, std::uint32_t predicted, FixedLoss loss) {
    ++confusion_[std::size_t{label} * classes_ + predicted];
    loss_.add(loss);
  }
  // Records whose label is the one before it in its split: what predicting the last label gets
  // right.
  void add_repeats(std::uint64_t count) { repeats_ += count; }
  std::uint64_t repeats() const { return repeats_; }
  std::uint64_t records() const;

  void merge(const ClassScores& other);
  MetricsReport report() const;

  void encode(ByteWriter& writer) const;
  // Into scores made for the same task; fails the reader on anything that does not fit.
  void decode(ByteReader& reader);

 private:
  void report_per_class(MetricsReport& report) const;
  void report_auc(MetricsReport& report) const;

  bool is_binary_;
  std::uint32_t classes_;
  std::vector<std::uint64_t> confusion_;  // [actual, predicted]
  std::vector<std::uint64_t> bins_;       // [label, bin]; empty unless binary
  WideSum loss_;
  std::uint64_t repeats_ = 0;
};

inline constexpr double kBinsPerLogit = ClassScores::kBins / (2.0 * kLogitMax);

}  // namespace millrace
