// Optimisers against PyTorch and Vowpal Wabbit, and their refusals.
#include <boost/test/unit_test.hpp>
#include <cmath>

#include "common/ml/optimizer.hpp"

namespace millrace {
namespace {

// Three steps from (0.5, -1.25, 2, 0) with the gradients below, as in the PyTorch 2.15.0 script
// that gave the constants:
//   w = torch.tensor([0.5, -1.25, 2., 0.], requires_grad=True); for g in gs: w.grad =
//   torch.tensor(g); o.step()
constexpr float kGradients[3][4] = {
    {0.1f, -2.0f, 0.0f, 3.0f}, {0.4f, 1.0f, -0.5f, -1.0f}, {-0.3f, 0.25f, 4.0f, 0.001f}};

// `rows` of the four parameters stand in table rows of width 1, the others in the dense block.
std::vector<float> three_steps(const OptimizerSpec& spec, bool in_table,
                               std::vector<float>* copied = nullptr) {
  const auto optimizer = make_optimizer(spec);
  BOOST_REQUIRE(optimizer.is_ok());
  ParameterLayout layout;
  layout.dense = 16;
  layout.table_rows = in_table ? 6 : 0;
  layout.table_width = 1;
  const std::size_t at = in_table ? 18 : 0;
  ParameterState state;
  state.theta.assign(layout.total(), 0.0f);
  const float start[4] = {0.5f, -1.25f, 2.0f, 0.0f};
  std::copy_n(start, 4, state.theta.begin() + static_cast<std::ptrdiff_t>(at));
  optimizer.value()->initialise(state);
  std::vector<float> copy(16);
  for (const auto& g : kGradients) {
    Gradient gradient;
    gradient.dense.assign(16, 0.0f);
    if (in_table) {
      gradient.rows = {2, 3, 4, 5};
      gradient.row_values.assign(g, g + 4);
    } else {
      std::copy_n(g, 4, gradient.dense.begin());
    }
    optimizer.value()->apply(layout, gradient, 1.0, {}, state, copy);
  }
  if (copied != nullptr) *copied = copy;
  return {state.theta.begin() + static_cast<std::ptrdiff_t>(at),
          state.theta.begin() + static_cast<std::ptrdiff_t>(at + 4)};
}

void check_steps(const OptimizerSpec& spec, const std::vector<double>& expected) {
  for (const bool in_table : {false, true}) {
    const auto w = three_steps(spec, in_table);
    for (std::size_t i = 0; i < 4; ++i)
      BOOST_TEST(std::abs(static_cast<double>(w[i]) - expected[i]) < 3e-7);
  }
}

struct VowpalRecord {
  float label;
  float x[3];
  float weight;
};
// The records of the script that gave Vowpal Wabbit's predictions (vowpalwabbit 9.11.9, "label
// weight | f0:x0 f1:x1 f2:x2").
constexpr VowpalRecord kVowpalRecords[] = {
    {1, {0.5f, -2.0f, 0.0f}, 1.0f},   {0, {4.0f, 0.25f, 1.0f}, 1.0f},
    {1, {-1.0f, 3.0f, 0.125f}, 2.0f}, {1, {0.0f, 0.0f, 8.0f}, 0.5f},
    {0, {2.0f, -0.5f, -3.0f}, 1.0f},  {0, {0.75f, 6.0f, 0.0f}, 3.0f},
    {1, {1.5f, 1.5f, 1.5f}, 1.0f}};

std::vector<float> vowpal_predictions(double rate, double power_t, ModelKind kind) {
  const bool is_regression = kind == ModelKind::linear;
  const ModelSpec model_spec{.kind = kind, .layers = {}, .dropout = {}};
  OptimizerSpec spec;
  spec.kind = OptimizerKind::nag;
  spec.learning_rate = rate;
  spec.power_t = power_t;
  ModelInputs inputs;
  inputs.features.dense = 3;
  inputs.task = is_regression ? Task::regression : Task::binary;
  const auto model = make_model(model_spec, inputs);
  const auto optimizer = make_optimizer(spec);
  const auto trainer =
      make_online_trainer(model_spec, spec, *model.value(), *optimizer.value(), inputs);
  MicroBatch batch(7, 3, 0);
  for (const VowpalRecord& record : kVowpalRecords) {
    std::copy_n(record.x, 3, batch.numeric_row(batch.rows));
    batch.labels[batch.rows] = is_regression ? record.label * 3.0f - 1.0f : record.label;
    batch.weights[batch.rows++] = record.weight;
  }
  ParameterState state;
  state.theta.assign(model.value()->parameters().total(), 0.0f);
  optimizer.value()->initialise(state);
  std::vector<float> predictions(7);
  Workspace workspace;
  std::vector<std::uint32_t> touched;
  trainer.value()->train(batch, 1, 1.0, state, workspace, predictions, touched);
  return predictions;
}

void check_vowpal(double rate, double power_t, ModelKind kind,
                  const std::vector<double>& expected) {
  const auto predictions = vowpal_predictions(rate, power_t, kind);
  for (std::size_t r = 0; r < expected.size(); ++r) {
    // Vowpal Wabbit's inverse square root is an approximation of the processor's, good to 12 bits.
    BOOST_TEST(std::abs(static_cast<double>(predictions[r]) - expected[r]) <
               2e-4 * std::max(1.0, std::abs(expected[r])));
  }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(ml_optimizer)

BOOST_AUTO_TEST_CASE(sgd_steps_as_pytorch) {
  OptimizerSpec spec;
  spec.learning_rate = 0.1;
  spec.l2 = 0.01;
  check_steps(spec, {0.478561491, -1.17155361, 1.64395595, -0.199600309});
}

BOOST_AUTO_TEST_CASE(adagrad_steps_as_pytorch) {
  OptimizerSpec spec;
  spec.kind = OptimizerKind::adagrad;
  spec.learning_rate = 0.1;
  spec.epsilon = 1e-10;
  check_steps(spec, {0.361820579, -1.20583248, 2.000772, -0.0684088469});
}

BOOST_AUTO_TEST_CASE(adam_steps_as_pytorch) {
  OptimizerSpec spec;
  spec.kind = OptimizerKind::adam;
  spec.learning_rate = 0.001;
  check_steps(spec, {0.497938931, -1.24860013, 2.00018144, -0.0017097909});
  spec.learning_rate = 0.01;
  spec.beta1 = 0.8;
  spec.beta2 = 0.9;
  spec.epsilon = 1e-6;
  spec.l2 = 0.1;
  check_steps(spec, {0.478075594, -1.23540831, 1.98649013, -0.016188411});
}

BOOST_AUTO_TEST_CASE(new_dense_parameters_are_copied_in_the_same_pass) {
  for (const OptimizerKind kind :
       {OptimizerKind::sgd, OptimizerKind::adagrad, OptimizerKind::adam, OptimizerKind::nag}) {
    OptimizerSpec spec;
    spec.kind = kind;
    std::vector<float> copied;
    const auto w = three_steps(spec, false, &copied);
    BOOST_TEST(std::equal(w.begin(), w.end(), copied.begin()));
  }
}

BOOST_AUTO_TEST_CASE(clipping_brings_the_norm_down_and_leaves_small_gradients) {
  OptimizerSpec spec;
  spec.learning_rate = 1.0;
  spec.clip = 0.5;
  const auto optimizer = make_optimizer(spec);
  const ParameterLayout layout{.dense = 16, .table_rows = 1, .table_width = 1};
  for (const float size : {0.1f, 100.0f}) {
    ParameterState state;
    state.theta.assign(17, 0.0f);
    optimizer.value()->initialise(state);
    Gradient gradient;
    gradient.dense.assign(16, 0.0f);
    gradient.dense[3] = 3.0f * size;
    gradient.rows = {0};
    gradient.row_values = {4.0f * size};
    optimizer.value()->apply(layout, gradient, 1.0, {}, state);
    const double norm =
        std::hypot(static_cast<double>(state.theta[3]), static_cast<double>(state.theta[16]));
    BOOST_TEST(std::abs(norm - std::min(0.5, 5.0 * static_cast<double>(size))) < 1e-6);
  }
}

BOOST_AUTO_TEST_CASE(a_gradient_within_its_bound_is_not_scaled) {
  Gradient gradient;
  gradient.dense.assign(16, 0.0f);
  gradient.dense[3] = 3.0f;
  gradient.rows = {0};
  gradient.row_values = {4.0f};
  BOOST_TEST(clip_factor(gradient, 0.0) == 1.0f);
  BOOST_TEST(clip_factor(gradient, 5.0) == 1.0f);
  BOOST_TEST(clip_factor(gradient, 2.5) == 0.5f);
}

BOOST_AUTO_TEST_CASE(intercepts_have_their_own_rate_and_no_l2) {
  OptimizerSpec spec;
  spec.learning_rate = 0.1;
  spec.intercept_learning_rate = 0.01;
  spec.l2 = 0.5;
  const auto optimizer = make_optimizer(spec);
  const ParameterLayout layout{.dense = 32, .table_rows = 0, .table_width = 0};
  std::vector<std::uint8_t> intercepts(32, 0);
  std::fill(intercepts.begin() + 16, intercepts.end(), std::uint8_t{1});
  ParameterState state;
  state.theta.assign(32, 1.0f);
  optimizer.value()->initialise(state);
  Gradient gradient;
  gradient.dense.assign(32, 1.0f);
  optimizer.value()->apply(layout, gradient, 2.0, intercepts, state);
  BOOST_TEST(std::abs(state.theta[0] - (1.0f - 0.2f * 1.5f)) < 1e-6f);
  BOOST_TEST(std::abs(state.theta[16] - (1.0f - 0.02f)) < 1e-6f);
}

BOOST_AUTO_TEST_CASE(online_nag_predicts_as_vowpal_wabbit) {
  check_vowpal(0.5, 0.5, ModelKind::logistic,
               {0.5, 0.8898046, 0.3848442, 0.1735966, 0.5656900, 0.5913011, 0.4414040});
  check_vowpal(5.0, 0.0, ModelKind::logistic,
               {0.5, 0.9884262, 0.1474633, 0.0001402, 0.5834883, 0.9547555, 0.0480026});
  check_vowpal(0.5, 0.25, ModelKind::logistic,
               {0.5, 0.7736711, 0.4340635, 0.2772484, 0.5317079, 0.6032823, 0.4167022});
  // With --min_prediction -1000 --max_prediction 1000: predictions are not held to the labels seen.
  check_vowpal(0.5, 0.5, ModelKind::linear,
               {0.0, 2.0793991, -0.4281465, -1.3198034, 0.2970650, 0.4492146, -0.0326341});
}

BOOST_AUTO_TEST_CASE(online_nag_leaves_a_confident_right_prediction_alone) {
  const ModelSpec model_spec{.kind = ModelKind::logistic, .layers = {}, .dropout = {}};
  OptimizerSpec spec;
  spec.kind = OptimizerKind::nag;
  spec.learning_rate = 5.0;
  spec.power_t = 0.0;
  ModelInputs inputs;
  inputs.features.dense = 1;
  const auto model = make_model(model_spec, inputs);
  const auto optimizer = make_optimizer(spec);
  const auto trainer =
      make_online_trainer(model_spec, spec, *model.value(), *optimizer.value(), inputs);
  MicroBatch batch(1, 1, 0);
  batch.rows = 1;
  batch.numeric_row(0)[0] = 1.0f;
  batch.labels[0] = 1.0f;
  Workspace workspace;
  std::vector<float> prediction(1);
  std::vector<std::uint32_t> touched;
  for (const float score : {10.0f, 17.0f, 25.0f, 36.0f, 48.0f, 90.0f}) {
    ParameterState state;
    state.theta.assign(model.value()->parameters().total(), 0.0f);
    optimizer.value()->initialise(state);
    trainer.value()->train(batch, 1, 1.0, state, workspace, prediction, touched);
    state.theta[0] = score;
    state.theta[16] = 0.0f;
    trainer.value()->train(batch, 1, 1.0, state, workspace, prediction, touched);
    BOOST_TEST(std::abs(state.theta[0] - score) < 1e-3f);
  }
}

BOOST_AUTO_TEST_CASE(nag_in_batches_does_not_depend_on_the_scale_of_a_coordinate) {
  OptimizerSpec spec;
  spec.kind = OptimizerKind::nag;
  spec.learning_rate = 0.5;
  for (const double power : {0.0, 0.25, 0.5}) {
    spec.power_t = power;
    const auto optimizer = make_optimizer(spec);
    const ParameterLayout layout{.dense = 16, .table_rows = 0, .table_width = 0};
    ParameterState state;
    state.theta.assign(16, 0.0f);
    optimizer.value()->initialise(state);
    for (const auto& g : kGradients) {
      Gradient gradient;
      gradient.dense.assign(16, 0.0f);
      gradient.dense[0] = g[1];
      gradient.dense[1] = g[1] * 1024.0f;
      optimizer.value()->apply(layout, gradient, 1.0, {}, state);
    }
    BOOST_TEST(std::abs(state.theta[0] - state.theta[1] * 1024.0f) <
               1e-4f * std::abs(state.theta[0]));
    BOOST_TEST(state.theta[0] != 0.0f);
    BOOST_TEST(state.theta[2] == 0.0f);
  }
}

BOOST_AUTO_TEST_CASE(slots_declare_how_they_merge) {
  OptimizerSpec spec;
  spec.kind = OptimizerKind::adam;
  const auto adam = make_optimizer(spec);
  BOOST_TEST((adam.value()->slots()[1].merge == SlotMerge::average_non_negative));
  BOOST_TEST((adam.value()->scalars()[0].merge == SlotMerge::average));
  spec.kind = OptimizerKind::nag;
  const auto nag = make_optimizer(spec);
  BOOST_TEST((nag.value()->slots()[0].merge == SlotMerge::sum));
  BOOST_TEST((nag.value()->slots()[1].merge == SlotMerge::max));
  BOOST_TEST(nag.value()->scalars().size() == 2u);
}

BOOST_AUTO_TEST_CASE(values_out_of_range_are_refused_by_name) {
  const auto refused = [](auto&& change, const char* name) {
    OptimizerSpec spec;
    change(spec);
    const auto result = make_optimizer(spec);
    BOOST_REQUIRE(!result.is_ok());
    BOOST_TEST((result.status().code() == Code::invalid_argument));
    BOOST_TEST(result.status().message().find(name) != std::string::npos);
  };
  refused([](OptimizerSpec& s) { s.learning_rate = 0.0; }, "learning_rate");
  refused([](OptimizerSpec& s) { s.learning_rate = std::nan(""); }, "learning_rate");
  refused([](OptimizerSpec& s) { s.l2 = -1.0; }, "l2");
  refused([](OptimizerSpec& s) { s.clip = -1.0; }, "clip");
  refused([](OptimizerSpec& s) { s.beta1 = 1.0; }, "beta1");
  refused([](OptimizerSpec& s) { s.beta2 = 1.0; }, "beta2");
  refused([](OptimizerSpec& s) { s.epsilon = 0.0; }, "epsilon");
  refused([](OptimizerSpec& s) { s.power_t = 1.5; }, "power_t");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace millrace
