// Nanoseconds per record of the pipeline's numeric kernel and of the evaluation, single-threaded,
// best of several runs.
//
// The shape is covtype's: 54 columns, 581,012 records in micro-batches, a copy of each batch being
// part of the time.
#include <chrono>
#include <cstdio>
#include <cstring>

#include "common/base/random.hpp"
#include "common/ml/evaluation/evaluation.hpp"
#include "common/pipeline/column_kernel.hpp"
#include "common/pipeline/pipeline.hpp"

namespace millrace {
namespace {

constexpr std::uint32_t kColumns = 54;
constexpr std::size_t kRecords = 581'012;
constexpr std::size_t kBatch = 256;
constexpr int kRuns = 7;

template <typename Work>
double best_nanoseconds(std::size_t records, const Work& work) {
  double best = 1e300;
  for (int run = 0; run < kRuns; ++run) {
    const auto begin = std::chrono::steady_clock::now();
    work();
    const std::chrono::duration<double, std::nano> spent = std::chrono::steady_clock::now() - begin;
    best = std::min(best, spent.count() / static_cast<double>(records));
  }
  return best;
}

Schema make_schema() {
  Schema schema;
  schema.task = Task::binary;
  schema.max_classes = 2;
  schema.fields.resize(kColumns + 1);
  for (std::uint32_t i = 0; i < kColumns; ++i) {
    schema.fields[i].name = "x" + std::to_string(i);
    schema.fields[i].index = i;
  }
  schema.fields[kColumns].name = "y";
  schema.fields[kColumns].role = FieldRole::label;
  return schema;
}

MicroBatch make_batch(double missing) {
  MicroBatch batch(kBatch, kColumns, 0);
  RandomStream random(1);
  batch.rows = kBatch;
  for (std::size_t row = 0; row < kBatch; ++row) {
    for (std::uint32_t i = 0; i < kColumns; ++i) {
      batch.numeric_row(row)[i] = random.uniform() < missing
                                      ? std::numeric_limits<float>::quiet_NaN()
                                      : static_cast<float>(random.uniform() * 100.0);
    }
    batch.labels[row] = random.uniform() < 0.4 ? 1.0f : 0.0f;
    batch.offsets[row] = Offset(row);
  }
  return batch;
}

void bench_pipeline(const char* name, double missing, bool learn) {
  std::vector<TransformSpec> transforms(2);
  transforms[1].kind = TransformKind::standardize;
  auto pipeline = Pipeline::compile(transforms, make_schema()).value();
  const MicroBatch source = make_batch(missing);
  MicroBatch batch = source;
  const Dictionary dictionary;
  const double spent = best_nanoseconds(kRecords, [&] {
    for (std::size_t done = 0; done < kRecords; done += kBatch) {
      std::memcpy(batch.numeric.data(), source.numeric.data(),
                  source.numeric.size() * sizeof(float));
      if (learn) {
        pipeline.learn_and_transform(batch, dictionary);
      } else {
        pipeline.transform(batch, dictionary);
      }
    }
  });
  std::printf("%-44s %7.1f ns/record\n", name, spent);
}

void bench_evaluation(const char* name, Task task, std::uint32_t classes) {
  MicroBatch batch = make_batch(0.0);
  RandomStream random(2);
  const std::size_t outputs = task == Task::multiclass ? classes : 1;
  std::vector<float> predictions(kBatch * outputs);
  for (auto& prediction : predictions) prediction = static_cast<float>(random.uniform());
  Evaluation evaluation(task, classes, 1'000);
  const double spent = best_nanoseconds(kRecords, [&] {
    for (std::size_t done = 0; done < kRecords; done += kBatch)
      evaluation.update(batch, predictions);
  });
  std::printf("%-44s %7.1f ns/record\n", name, spent);
}

}  // namespace
}  // namespace millrace

int main() {
  using namespace millrace;
  bench_pipeline("learn, impute, standardize 54 columns", 0.0, true);
  bench_pipeline("the same, 1 % missing", 0.01, true);
  bench_pipeline("the same, 10 % missing", 0.1, true);
  bench_pipeline("transform only", 0.0, false);
  bench_evaluation("evaluate binary", Task::binary, 2);
  bench_evaluation("evaluate 7 classes", Task::multiclass, 7);
  bench_evaluation("evaluate regression", Task::regression, 0);
}
