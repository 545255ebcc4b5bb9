// Speed of the kernels, the models' training step and the online trainers, on one core.
//
// Prints one line per figure. Compare ratios of one run: absolute figures depend on the machine and
// its other work.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>

#include "common/base/random.hpp"
#include "common/ml/kernels/kernels.hpp"
#include "common/ml/kernels/optimizer_kernels.hpp"
#include "common/ml/optimizer.hpp"

namespace {

using namespace millrace;  // NOLINT: a program of one file
using Clock = std::chrono::steady_clock;

AlignedVector<float> noise(std::size_t count, std::uint64_t key) {
  RandomStream random(1, key);
  AlignedVector<float> values(count);
  for (float& value : values) value = static_cast<float>(2.0 * random.uniform() - 1.0);
  return values;
}

// Seconds of one call: the best of many stretches of about 2 ms, since other work only slows.
template <typename Body>
double best_seconds(Body&& body) {
  const auto stretch = [&](std::size_t repeats) {
    const auto begin = Clock::now();
    for (std::size_t i = 0; i < repeats; ++i) body();
    return std::chrono::duration<double>(Clock::now() - begin).count() /
           static_cast<double>(repeats);
  };
  const double once = std::max(stretch(3), 1e-9);
  const auto repeats = static_cast<std::size_t>(std::max(1.0, 0.002 / once));
  double best = 1e9;
  for (int i = 0; i < 150; ++i) best = std::min(best, stretch(repeats));
  return best;
}

void bench_gemm(std::size_t rows, std::size_t depth, std::size_t columns) {
  const auto a = noise(rows * depth, 1);
  const auto b = noise(depth * columns, 2);
  AlignedVector<float> c(rows * columns);
  const kernels::Gemm task{.rows = rows,
                           .columns = columns,
                           .depth = depth,
                           .a = a.data(),
                           .a_row_stride = depth,
                           .b = b.data(),
                           .b_stride = columns,
                           .c = c.data(),
                           .c_stride = columns};
  const double seconds = best_seconds([&] { kernels::gemm(task); });
  std::printf("gemm %zux%zux%zu: %.1f GFLOP/s\n", rows, depth, columns,
              2e-9 * static_cast<double>(rows * depth * columns) / seconds);
}

void bench_adam(std::size_t count) {
  auto theta = noise(count, 3), m = noise(count, 4), v = noise(count, 5);
  for (float& value : v) value = value * value;
  const auto g = noise(count, 6);
  const kernels::StepTask task{.theta = theta.data(),
                               .gradient = g.data(),
                               .slot0 = m.data(),
                               .slot1 = v.data(),
                               .copy = nullptr,
                               .count = count};
  const kernels::StepRates rates{.rate = 1e-6f,
                                 .epsilon = 1e-8f,
                                 .one_minus_beta1 = 0.1f,
                                 .beta2 = 0.999f,
                                 .one_minus_beta2 = 0.001f};
  const double seconds = best_seconds([&] { kernels::adam_step(task, rates); });
  std::printf("adam %zu parameters: %.1f GB/s (28 bytes each)\n", count,
              28e-9 * static_cast<double>(count) / seconds);
}

MicroBatch batch_of(std::size_t rows, std::uint32_t columns, std::uint32_t classes) {
  MicroBatch batch(rows, columns, 0);
  batch.rows = rows;
  RandomStream random(1, 9);
  for (std::size_t r = 0; r < rows; ++r) {
    for (std::uint32_t i = 0; i < columns; ++i)
      batch.numeric_row(r)[i] = static_cast<float>(random.uniform() - 0.5);
    batch.labels[r] = static_cast<float>(random.below(classes));
    batch.offsets[r] = Offset(r);
  }
  return batch;
}

struct Job {
  Job(const ModelSpec& model_spec, const OptimizerSpec& optimizer_spec, std::uint32_t columns,
      Task task, std::uint32_t classes) {
    ModelInputs inputs;
    inputs.features.dense = columns;
    inputs.task = task;
    inputs.classes = classes;
    model = std::move(make_model(model_spec, inputs)).value();
    optimizer = std::move(make_optimizer(optimizer_spec)).value();
    online = std::move(make_online_trainer(model_spec, optimizer_spec, *model, *optimizer, inputs))
                 .value();
    state.theta.assign(model->parameters().total(), 0.0f);
    model->initialise(state.theta, 1);
    optimizer->initialise(state);
  }
  std::unique_ptr<const Model> model;
  std::unique_ptr<const Optimizer> optimizer;
  std::unique_ptr<const OnlineTrainer> online;
  ParameterState state;
  Workspace workspace;
  Gradient gradient;
};

void bench_mlp(std::size_t rows, std::vector<double> dropout) {
  const bool drops = !dropout.empty();
  OptimizerSpec adam;
  adam.kind = OptimizerKind::adam;
  adam.learning_rate = 1e-3;
  Job job({.kind = ModelKind::mlp, .layers = {128, 256, 128}, .dropout = std::move(dropout)}, adam,
          9, Task::binary, 2);
  const MicroBatch batch = batch_of(rows, 9, 2);
  std::vector<float> predictions(rows);
  const double seconds = best_seconds([&] {
    job.model->predict_and_gradient(batch, job.state.theta, job.workspace, 1, 0, job.gradient,
                                    predictions);
    job.optimizer->apply(job.model->parameters(), job.gradient, 1.0, job.model->intercepts(),
                         job.state);
  });
  std::printf("mlp 9-128-256-128-1, batch %zu%s, predict and train: %.0f rows/s\n", rows,
              drops ? ", dropout" : "", static_cast<double>(rows) / seconds);
  const double forward =
      best_seconds([&] { job.model->predict(batch, job.state.theta, job.workspace, predictions); });
  std::printf("mlp 9-128-256-128-1, batch %zu, predict: %.0f rows/s\n", rows,
              static_cast<double>(rows) / forward);
}

void bench_online(const char* name, ModelKind kind, OptimizerKind optimizer, Task task,
                  std::uint32_t classes, std::uint32_t columns, double power_t = 0.5) {
  OptimizerSpec spec;
  spec.kind = optimizer;
  spec.learning_rate = 0.01;
  spec.power_t = power_t;
  Job job({.kind = kind, .layers = {}, .dropout = {}}, spec, columns, task, classes);
  const MicroBatch batch = batch_of(256, columns, classes);
  std::vector<float> predictions(256 * job.model->outputs());
  std::vector<std::uint32_t> touched;
  const double seconds = best_seconds(
      [&] { job.online->train(batch, 1, 1.0, job.state, job.workspace, predictions, touched); });
  std::printf("online %s, %u inputs: %.2f M records/s\n", name, columns, 256e-6 / seconds);
}

}  // namespace

int main() {
  std::printf("target: %s\n", kernels::target_name());
  bench_gemm(1, 128, 256);
  bench_gemm(7, 128, 256);
  bench_gemm(32, 9, 128);
  bench_gemm(32, 128, 256);
  bench_gemm(32, 256, 128);
  bench_gemm(256, 512, 512);
  bench_adam(67'328);
  bench_adam(4'000'000);
  bench_mlp(1, {});
  bench_mlp(32, {});
  bench_mlp(32, {0.2, 0.4, 0.4});
  bench_mlp(256, {});
  bench_online("logistic sgd", ModelKind::logistic, OptimizerKind::sgd, Task::binary, 2, 54);
  bench_online("logistic sgd", ModelKind::logistic, OptimizerKind::sgd, Task::binary, 2, 8);
  bench_online("linear sgd", ModelKind::linear, OptimizerKind::sgd, Task::regression, 1, 54);
  bench_online("logistic adagrad", ModelKind::logistic, OptimizerKind::adagrad, Task::binary, 2,
               54);
  bench_online("logistic adam", ModelKind::logistic, OptimizerKind::adam, Task::binary, 2, 54);
  bench_online("logistic nag", ModelKind::logistic, OptimizerKind::nag, Task::binary, 2, 54);
  bench_online("logistic nag, power_t 0", ModelKind::logistic, OptimizerKind::nag, Task::binary, 2,
               54, 0.0);
  bench_online("softmax of 7 sgd", ModelKind::softmax, OptimizerKind::sgd, Task::multiclass, 7, 54);
  bench_online("softmax of 7 nag", ModelKind::softmax, OptimizerKind::nag, Task::multiclass, 7, 54);
  return 0;
}
