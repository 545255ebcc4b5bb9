// Streams of labels and predictions for tests of the evaluation, also drawn by the script that made
// the reference figures (the same SplitMix64 stream in Python).
#pragma once

#include <vector>

#include "common/base/random.hpp"
#include "common/ml/evaluation/evaluation.hpp"

namespace millrace::test {

struct Stream {
  Task task = Task::binary;
  std::uint32_t classes = 2;
  std::vector<float> labels;
  std::vector<float> predictions;  // [labels, outputs]
  std::size_t outputs() const { return task == Task::multiclass ? classes : 1; }
};

// Labels in runs, so that predicting the last one is right most of the time.
inline Stream binary_stream(std::size_t records, std::uint64_t key = 7) {
  RandomStream random(key);
  Stream stream;
  bool label = false;
  for (std::size_t i = 0; i < records; ++i) {
    if (random.uniform() < 0.3) label = random.uniform() < 0.35;
    const double u = random.uniform();
    stream.labels.push_back(label ? 1.0f : 0.0f);
    stream.predictions.push_back(
        static_cast<float>(label ? 1 - 0.6 * u * u : 0.5 * u + 0.5 * u * u));
  }
  return stream;
}

// Five places, of which the class 3 is never seen.
inline Stream multiclass_stream(std::size_t records, std::uint64_t key = 8) {
  RandomStream random(key);
  Stream stream{Task::multiclass, 5, {}, {}};
  const std::uint32_t drawn[] = {0, 0, 1, 2, 4};
  std::uint32_t label = 0;
  for (std::size_t i = 0; i < records; ++i) {
    if (random.uniform() < 0.5) label = drawn[random.below(5)];
    double odds[5];
    for (double& value : odds) value = random.uniform();
    odds[3] = 0.0;
    odds[label] += 0.4;
    const double sum = odds[0] + odds[1] + odds[2] + odds[3] + odds[4];
    stream.labels.push_back(static_cast<float>(label));
    for (const double value : odds) stream.predictions.push_back(static_cast<float>(value / sum));
  }
  return stream;
}

// Labels around 10,000, so that naive sums of squares would cancel.
inline Stream value_stream(std::size_t records, std::uint64_t key = 9) {
  RandomStream random(key);
  Stream stream{Task::regression, 0, {}, {}};
  for (std::size_t i = 0; i < records; ++i) {
    const double value = 1e4 + 10 * random.uniform();
    stream.labels.push_back(static_cast<float>(value));
    stream.predictions.push_back(static_cast<float>(value + (random.uniform() - 0.5) * 4));
  }
  return stream;
}

// Scores the records [begin, end) as split `split`, in batches of `batch_size`.
inline void score(Evaluation& evaluation, const Stream& stream, std::size_t begin, std::size_t end,
                  std::uint32_t split = 0, std::size_t batch_size = 100) {
  for (std::size_t first = begin; first < end; first += batch_size) {
    MicroBatch batch(batch_size, 0, 0);
    batch.split = SplitId(split);
    batch.rows = std::min(batch_size, end - first);
    for (std::size_t row = 0; row < batch.rows; ++row) {
      batch.labels[row] = stream.labels[first + row];
      batch.offsets[row] = Offset(10 * (first + row));
    }
    const std::span<const float> predictions(stream.predictions);
    evaluation.update(batch,
                      predictions.subspan(first * stream.outputs(), batch.rows * stream.outputs()));
  }
}

inline Evaluation make_evaluation(const Stream& stream, std::uint32_t window = 1'000) {
  return Evaluation(stream.task, stream.classes, window);
}

inline Evaluation scored(const Stream& stream, std::uint32_t window = 1'000) {
  auto evaluation = make_evaluation(stream, window);
  score(evaluation, stream, 0, stream.labels.size());
  return evaluation;
}

inline Stream binary(std::vector<float> labels, std::vector<float> predictions) {
  return {Task::binary, 2, std::move(labels), std::move(predictions)};
}

inline Bytes encoded(const Evaluation& evaluation) {
  ByteWriter writer;
  evaluation.encode(writer);
  return std::move(writer).take();
}

}  // namespace millrace::test
