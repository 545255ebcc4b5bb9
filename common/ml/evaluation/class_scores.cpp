#include "common/ml/evaluation/class_scores.hpp"

#include "common/base/check.hpp"
#include "common/base/math.hpp"

namespace millrace {
namespace {

// A probability that is not a number becomes the smallest.
double clip(double probability) {
  const double above = probability > kProbabilityMin ? probability : kProbabilityMin;
  return above < kProbabilityMax ? above : kProbabilityMax;
}

double ratio(std::uint64_t part, std::uint64_t whole) {
  return whole == 0 ? 0.0 : static_cast<double>(part) / static_cast<double>(whole);
}

// Most counts of a wide head are zero: only the others are written.
void put_sparse(ByteWriter& writer, const std::vector<std::uint64_t>& counts) {
  const auto used = counts.size() - static_cast<std::size_t>(std::ranges::count(counts, 0u));
  writer.put<std::uint64_t>(used);
  for (std::size_t i = 0; i < counts.size(); ++i) {
    if (counts[i] == 0) continue;
    writer.put(static_cast<std::uint32_t>(i));
    writer.put(counts[i]);
  }
}

void get_sparse(ByteReader& reader, std::vector<std::uint64_t>& counts) {
  const auto used = reader.get<std::uint64_t>();
  if (used > counts.size()) return reader.fail("more counts than cells");
  for (std::uint64_t i = 0; i < used && reader.is_ok(); ++i) {
    const auto cell = reader.get<std::uint32_t>();
    const auto count = reader.get<std::uint64_t>();
    if (cell >= counts.size()) return reader.fail("count outside its table");
    counts[cell] = count;
  }
}

}  // namespace

double WideSum::to_double() const {
  return static_cast<double>(high) * 0x1p64 + static_cast<double>(low);
}

BinaryScore score_binary(float probability, bool label) {
  const double one = clip(static_cast<double>(probability));
  const double log_one = deterministic_log(one);
  const double log_zero = deterministic_log(1.0 - one);
  const bool is_number = probability == probability;
  const double log_truth = label || !is_number ? log_one : log_zero;
  const double place = (log_one - log_zero + kLogitMax) * kBinsPerLogit;
  const double bounded = std::clamp(place, 0.0, ClassScores::kBins - 1.0);
  return {.loss = fixed_loss(-log_truth),
          .bin = static_cast<std::uint32_t>(static_cast<std::int32_t>(bounded)),
          .is_predicted = predicts_one(probability)};
}

std::uint32_t most_probable(const float* probabilities, std::uint32_t classes) {
  std::uint32_t best = 0;
  for (std::uint32_t i = 1; i < classes; ++i) {
    if (probabilities[i] > probabilities[best]) best = i;
  }
  return best;
}

ClassScores::ClassScores(bool is_binary, std::uint32_t classes)
    : is_binary_(is_binary),
      classes_(classes),
      confusion_(std::size_t{classes} * classes, 0),
      bins_(is_binary ? 2 * kBins : 0, 0) {}

std::uint64_t ClassScores::records() const {
  std::uint64_t records = 0;
  for (const auto count : confusion_) records += count;
  return records;
}

void ClassScores::merge(const ClassScores& other) {
  MILLRACE_CHECK(classes_ == other.classes_ && is_binary_ == other.is_binary_);
  for (std::size_t i = 0; i < confusion_.size(); ++i) confusion_[i] += other.confusion_[i];
  for (std::size_t i = 0; i < bins_.size(); ++i) bins_[i] += other.bins_[i];
  loss_.add(other.loss_);
  repeats_ += other.repeats_;
}

MetricsReport ClassScores::report() const {
  MetricsReport report;
  report.records = records();
  if (report.records == 0) return report;
  report.log_loss = loss_.to_double() * 0x1p-52 / static_cast<double>(report.records);
  report_per_class(report);
  const double repeats = ratio(repeats_, report.records);
  if (repeats < 1.0) {
    report.kappa_temporal = (*report.accuracy - repeats) / (1.0 - repeats);
  } else if (*report.accuracy == 1.0) {
    report.kappa_temporal = 0.0;  // no better than a baseline that is perfect
  }
  if (is_binary_) report_auc(report);
  return report;
}

void ClassScores::report_per_class(MetricsReport& report) const {
  std::vector<std::uint64_t> actual(classes_, 0), predicted(classes_, 0);
  std::uint64_t correct = 0;
  std::uint32_t width = is_binary_ ? 2 : 0;
  for (std::uint32_t i = 0; i < classes_; ++i) {
    for (std::uint32_t j = 0; j < classes_; ++j) {
      const auto count = confusion_[std::size_t{i} * classes_ + j];
      actual[i] += count;
      predicted[j] += count;
      if (count != 0) width = std::max({width, i + 1, j + 1});
    }
    correct += confusion_[std::size_t{i} * (classes_ + 1)];
  }
  double precision = 0.0, recall = 0.0, f1 = 0.0, chance = 0.0;
  std::uint32_t seen = 0;
  for (std::uint32_t i = 0; i < width; ++i) {
    const auto hits = confusion_[std::size_t{i} * (classes_ + 1)];
    chance += ratio(actual[i], report.records) * ratio(predicted[i], report.records);
    if (is_binary_ ? i != 1 : actual[i] + predicted[i] == 0) continue;
    ++seen;
    precision += ratio(hits, predicted[i]);
    recall += ratio(hits, actual[i]);
    f1 += ratio(2 * hits, actual[i] + predicted[i]);
  }
  report.accuracy = ratio(correct, report.records);
  report.precision = precision / seen;
  report.recall = recall / seen;
  report.f1 = f1 / seen;
  report.kappa = chance < 1.0 ? (*report.accuracy - chance) / (1.0 - chance) : 0.0;
  for (std::uint32_t i = 0; i < width; ++i) {
    const auto row = confusion_.begin() + static_cast<std::ptrdiff_t>(std::size_t{i} * classes_);
    report.confusion_matrix.emplace_back(row, row + width);
  }
}

// The share of (positive, negative) pairs in the right order; a pair within one bin counts a half,
// and is wrong by a half at most.
void ClassScores::report_auc(MetricsReport& report) const {
  std::uint64_t negatives = 0, positives = 0;
  double ordered = 0.0, shared = 0.0;
  for (std::uint32_t bin = 0; bin < kBins; ++bin) {
    const auto positive = static_cast<double>(bins_[kBins + bin]);
    ordered += positive * static_cast<double>(negatives);
    shared += positive * static_cast<double>(bins_[bin]);
    negatives += bins_[bin];
    positives += bins_[kBins + bin];
  }
  if (negatives == 0 || positives == 0) return;
  const double pairs = static_cast<double>(negatives) * static_cast<double>(positives);
  report.auc = (ordered + 0.5 * shared) / pairs;
  report.auc_error_bound = 0.5 * shared / pairs;
}

void ClassScores::encode(ByteWriter& writer) const {
  put_sparse(writer, confusion_);
  put_sparse(writer, bins_);
  writer.put(loss_.low);
  writer.put(loss_.high);
  writer.put(repeats_);
}

void ClassScores::decode(ByteReader& reader) {
  get_sparse(reader, confusion_);
  get_sparse(reader, bins_);
  loss_.low = reader.get<std::uint64_t>();
  loss_.high = reader.get<std::uint64_t>();
  repeats_ = reader.get<std::uint64_t>();
}

}  // namespace millrace
