// One pass over a stretch of parameters for each optimiser, and the fused online trainers.
//
// Place: called by optimizer.cpp and online_trainer.cpp, dispatched like kernels.hpp, with the same
// promise: every target gives the same bits. Square roots and quotients are correctly rounded.
#pragma once

#include <cstddef>
#include <cstdint>

namespace millrace::kernels {

// What one step of an optimiser needs beside the parameters; each optimiser reads what it knows.
struct StepRates {
  float rate = 0.0f;  // adam: learning rate / (1 - beta1^t)
  float l2 = 0.0f;    // its gradient, l2 * w, is added
  float epsilon = 0.0f;
  float one_minus_beta1 = 0.0f;
  float beta2 = 0.0f;
  float one_minus_beta2 = 0.0f;
  float inverse_root_correction2 = 1.0f;  // 1 / sqrt(1 - beta2^t)
};

// Parameters [begin, begin + count) of the flat vectors.
struct StepTask {
  float* theta = nullptr;
  const float* gradient = nullptr;
  float* slot0 = nullptr;  // adagrad: sum of squares; adam: first moment; nag: sum of squares
  float* slot1 = nullptr;  // adam: second moment; nag: largest |input|
  float* copy = nullptr;   // when given, receives the new parameters too
  std::size_t count = 0;
  float gradient_scale = 1.0f;  // multiplies the gradient first: clipping
};
void sgd_step(const StepTask& task, const StepRates& rates);
// Duchi, Hazan and Singer 2011, as PyTorch 2: w -= rate g / (sqrt(G) + epsilon).
void adagrad_step(const StepTask& task, const StepRates& rates);
// Kingma and Ba 2015, Algorithm 1, as PyTorch 2: epsilon outside the corrected root.
void adam_step(const StepTask& task, const StepRates& rates);

// Ross, Mineiro and Langford 2013, Algorithm 2 (NAG), on the gradient of a batch: the scale of a
// coordinate is the largest |g| it has had. `nag_scan` learns scales and squares and returns the
// sum of g^2 / s^2, then `nag_step` moves the parameters by rate * g / (G^power s^(2 - 2 power)).
double nag_scan(const StepTask& task, float power);
void nag_step(const StepTask& task, const StepRates& rates, float power);

enum class OnlineLoss : std::uint8_t { squared, logistic, softmax };

// A micro-batch to be predicted and learned record by record by a model with one layer. Offsets
// count floats into theta and the slots: weights [classes, inputs] at 0, intercepts [classes],
// table [rows, table_width].
struct OnlineTask {
  std::size_t rows = 0;
  const float* x = nullptr;  // [rows, inputs]
  std::size_t x_stride = 0;
  const float* labels = nullptr;              // [rows]
  const float* weights = nullptr;             // [rows], importance
  const std::uint32_t* table_rows = nullptr;  // [rows, table_slots]
  std::size_t table_slots = 0;
  float* predictions = nullptr;  // [rows, outputs]

  OnlineLoss loss = OnlineLoss::logistic;
  std::size_t classes = 1;  // 1 unless softmax
  std::size_t active = 1;   // classes that take part
  std::size_t inputs = 0;   // a multiple of 16, padded with zeros
  std::size_t bias = 0;
  std::size_t table = 0;
  std::size_t table_width = 0;
  float* theta = nullptr;
  float* slot0 = nullptr;
  float* slot1 = nullptr;
  float* scratch = nullptr;  // [inputs + 3 * round_up(classes, 16)]

  double learning_rate = 0.0;
  double intercept_rate = 0.0;
  double l2 = 0.0;
  double clip = 0.0;
  double epsilon = 0.0;
  double beta1 = 0.0, beta2 = 0.0;
  double power_t = 0.5;
  double* scalars = nullptr;  // adam: steps; nag: N, t
};
void online_sgd(const OnlineTask& task);
void online_adagrad(const OnlineTask& task);
void online_adam(const OnlineTask& task);
void online_nag(const OnlineTask& task);

}  // namespace millrace::kernels
