// Models against closed forms, finite differences and their limits.
#include <boost/test/unit_test.hpp>
#include <cmath>

#include "common/base/limits.hpp"
#include "common/base/random.hpp"
#include "common/ml/model.hpp"
#include "tests/support/seed.hpp"

namespace millrace {
namespace {

struct Case {
  const char* name;
  ModelSpec spec;
  Task task;
  std::uint32_t classes;
  std::uint32_t dense;
  std::uint32_t slots;
};

std::vector<Case> cases() {
  const auto kind = [](ModelKind k) { return ModelSpec{.kind = k, .layers = {}, .dropout = {}}; };
  const auto mlp = [](std::vector<std::uint32_t> layers, std::vector<double> dropout) {
    return ModelSpec{
        .kind = ModelKind::mlp, .layers = std::move(layers), .dropout = std::move(dropout)};
  };
  return {{"linear", kind(ModelKind::linear), Task::regression, 1, 5, 2},
          {"logistic", kind(ModelKind::logistic), Task::binary, 2, 21, 0},
          {"logistic, table only", kind(ModelKind::logistic), Task::binary, 2, 0, 3},
          {"softmax", kind(ModelKind::softmax), Task::multiclass, 7, 5, 2},
          {"softmax, wide", kind(ModelKind::softmax), Task::multiclass, 20, 3, 1},
          {"mlp regression", mlp({11, 20}, {}), Task::regression, 1, 4, 0},
          {"mlp binary", mlp({33}, {0.3}), Task::binary, 2, 6, 2},
          {"mlp classes", mlp({16, 5}, {0.2, 0.4}), Task::multiclass, 4, 6, 1},
          {"mlp many classes", mlp({12}, {}), Task::multiclass, 19, 6, 0},
          {"mlp without hidden layers", mlp({}, {}), Task::multiclass, 18, 6, 1}};
}

std::unique_ptr<const Model> build(const Case& c) {
  ModelInputs inputs;
  inputs.features.dense = c.dense;
  inputs.features.table_slots = c.slots;
  inputs.features.table_rows = c.slots == 0 ? 0 : 9;
  inputs.task = c.task;
  inputs.classes = c.classes;
  auto model = make_model(c.spec, inputs);
  BOOST_REQUIRE(model.is_ok());
  return std::move(model).value();
}

MicroBatch random_batch(const Case& c, std::size_t rows, std::uint64_t key) {
  MicroBatch batch(rows, c.dense, c.slots);
  batch.rows = rows;
  RandomStream random(test::seed(), key);
  for (std::size_t r = 0; r < rows; ++r) {
    for (std::uint32_t i = 0; i < c.dense; ++i) {
      batch.numeric_row(r)[i] = static_cast<float>(2.0 * random.uniform() - 1.0);
    }
    for (std::uint32_t s = 0; s < c.slots; ++s) {
      batch.table_row(r)[s] =
          random.below(5) == 0 ? kNoRow : static_cast<std::uint32_t>(random.below(9));
    }
    const std::uint64_t label = random.below(c.task == Task::multiclass ? c.classes : 2);
    batch.labels[r] = c.task == Task::regression ? static_cast<float>(random.uniform())
                                                 : static_cast<float>(label);
    batch.weights[r] = static_cast<float>(0.25 + random.uniform());
    batch.offsets[r] = Offset(r * 100);
  }
  return batch;
}

// Parameters away from zero, so that no gradient is trivially right; padding stays 0.
AlignedVector<float> random_parameters(const Model& model, std::uint64_t seed) {
  AlignedVector<float> theta(model.parameters().total());
  model.initialise(theta, seed);
  return theta;
}

// The weighted mean loss, from scores in double precision: probabilities saturate, and their
// logarithms amplify the rounding of single precision.
double loss(const Model& model, const Case& c, const MicroBatch& batch,
            std::span<const float> theta) {
  Workspace workspace;
  std::vector<float> p(batch.rows * model.outputs());
  model.predict(batch, theta, workspace, p);
  double sum = 0.0, weights = 0.0;
  for (std::size_t r = 0; r < batch.rows; ++r) {
    const auto label = static_cast<double>(batch.labels[r]);
    const auto weight = static_cast<double>(batch.weights[r]);
    const float* row = p.data() + r * model.outputs();
    const auto first = static_cast<double>(row[0]);
    double value = 0.0;
    if (c.task == Task::regression) value = (first - label) * (first - label);
    if (c.task == Task::binary) value = -(label > 0.5 ? std::log(first) : std::log1p(-first));
    if (c.task == Task::multiclass)
      value = -std::log(static_cast<double>(row[static_cast<std::size_t>(label)]));
    sum += weight * value;
    weights += weight;
  }
  return sum / weights;
}

double value_at(const Model& model, const Gradient& gradient, std::size_t i) {
  const ParameterLayout layout = model.parameters();
  if (i < layout.dense) return static_cast<double>(gradient.dense[i]);
  const auto row = static_cast<std::uint32_t>((i - layout.dense) / layout.table_width);
  const auto found = std::lower_bound(gradient.rows.begin(), gradient.rows.end(), row);
  if (found == gradient.rows.end() || *found != row) return 0.0;
  const auto at = static_cast<std::size_t>(found - gradient.rows.begin());
  return static_cast<double>(
      gradient.row_values[at * layout.table_width + (i - layout.dense) % layout.table_width]);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(ml_model)

// Along random directions d: (loss(theta + h d) - loss(theta - h d)) / 2h = gradient . d. A
// direction that crosses the kink of a relu can differ, so the median of many counts.
BOOST_AUTO_TEST_CASE(gradients_agree_with_finite_differences) {
  for (Case c : cases()) {
    c.spec.dropout.clear();
    const auto model = build(c);
    const MicroBatch batch = random_batch(c, 37, 5);
    const auto theta = random_parameters(*model, 3);
    Workspace workspace;
    Gradient gradient;
    model->gradient(batch, theta, workspace, 1, 0, gradient);
    RandomStream random(test::seed(), 77);
    std::vector<double> errors;
    for (int trial = 0; trial < 25; ++trial) {
      constexpr double kStep = 1.0 / 1024;
      AlignedVector<float> up = theta, down = theta;
      double expected = 0.0;
      for (std::size_t i = 0; i < theta.size(); ++i) {
        // An MLP's padding is 0 and stays so; it is no parameter.
        if (c.spec.kind == ModelKind::mlp && theta[i] == 0.0f) continue;
        const float d = static_cast<float>(random.below(2) == 0 ? kStep : -kStep);
        up[i] += d;
        down[i] -= d;
        expected += value_at(*model, gradient, i) *
                    (static_cast<double>(up[i]) - static_cast<double>(down[i]));
      }
      const double measured = loss(*model, c, batch, up) - loss(*model, c, batch, down);
      errors.push_back(std::abs(measured - expected) / std::max(std::abs(expected), 1e-2));
    }
    std::nth_element(errors.begin(), errors.begin() + 12, errors.end());
    BOOST_TEST_CONTEXT(c.name) {
      BOOST_TEST(errors[12] < 1e-3);
    }
  }
}

BOOST_AUTO_TEST_CASE(logistic_gradient_is_the_mean_of_p_minus_y_times_x) {
  const Case c{
      "logistic", {.kind = ModelKind::logistic, .layers = {}, .dropout = {}}, Task::binary, 2, 3,
      1};
  const auto model = build(c);
  AlignedVector<float> theta(model->parameters().total(), 0.0f);
  MicroBatch batch(2, 3, 1);
  batch.rows = 2;
  batch.numeric_row(0)[0] = 2.0f;
  batch.numeric_row(1)[2] = -1.0f;
  batch.table_row(0)[0] = 4;
  batch.labels = {1.0f, 0.0f};
  batch.weights = {3.0f, 1.0f};
  Workspace workspace;
  Gradient gradient;
  model->gradient(batch, theta, workspace, 1, 0, gradient);
  // p = 1/2 for both; weights 3/4 and 1/4.
  BOOST_TEST(gradient.dense[0] == -0.5f * 2.0f * 0.75f);
  BOOST_TEST(gradient.dense[1] == 0.0f);
  BOOST_TEST(gradient.dense[2] == 0.5f * -1.0f * 0.25f);
  BOOST_TEST(gradient.dense[16] == -0.375f + 0.125f);
  BOOST_TEST((gradient.rows == std::vector<std::uint32_t>{4}));
  BOOST_TEST(gradient.row_values[0] == -0.375f);
}

BOOST_AUTO_TEST_CASE(reserved_classes_get_probability_zero_and_no_gradient) {
  for (const Case& c : cases()) {
    if (c.task != Task::multiclass) continue;
    const auto model = build(c);
    MicroBatch batch = random_batch(c, 9, 6);
    for (float& label : batch.labels) label = label > 1.0f ? 0.0f : label;
    batch.active_classes = 2;
    const auto theta = random_parameters(*model, 4);
    Workspace workspace;
    std::vector<float> p(9 * c.classes);
    model->predict(batch, theta, workspace, p);
    for (std::size_t i = 0; i < p.size(); ++i) {
      if (i % c.classes >= 2) BOOST_TEST(p[i] == 0.0f);
    }
    for (std::size_t r = 0; r < 9; ++r)
      BOOST_TEST(std::abs(p[r * c.classes] + p[r * c.classes + 1] - 1.0f) < 1e-6f);
  }
}

BOOST_AUTO_TEST_CASE(the_layout_counts_what_can_learn) {
  const Case c{
      "mlp", {.kind = ModelKind::mlp, .layers = {128, 256, 128}, .dropout = {}}, Task::binary, 2, 9,
      0};
  const auto model = build(c);
  BOOST_TEST(model->parameter_count() ==
             9u * 128 + 128 + 128 * 256 + 256 + 256 * 128 + 128 + 128 + 1);
  BOOST_TEST(model->parameters().dense % 16 == 0u);
  BOOST_TEST(model->intercepts().size() == model->parameters().dense);
}

BOOST_AUTO_TEST_CASE(hidden_weights_start_as_he_et_al_draw_them_and_intercepts_at_zero) {
  const Case c{
      "mlp", {.kind = ModelKind::mlp, .layers = {256}, .dropout = {}}, Task::regression, 1, 64, 0};
  const auto model = build(c);
  const auto theta = random_parameters(*model, 8);
  double squares = 0.0;
  for (std::size_t i = 0; i < 64 * 256; ++i) {
    BOOST_TEST_REQUIRE(std::abs(theta[i]) <= 0.30619f);  // sqrt(6 / 64)
    squares += static_cast<double>(theta[i]) * static_cast<double>(theta[i]);
  }
  // The variance of U(-b, b) is b^2 / 3; 16,384 draws give it to 2 %.
  BOOST_TEST(std::abs(squares / (64 * 256) * 3.0 * 64.0 / 6.0 - 1.0) < 0.04);
  for (std::size_t i = 0; i < model->intercepts().size(); ++i) {
    if (model->intercepts()[i] != 0) BOOST_TEST(theta[i] == 0.0f);
  }
}

BOOST_AUTO_TEST_CASE(kinds_and_tasks_that_do_not_fit_are_refused) {
  const auto refused = [](ModelSpec spec, Task task, std::uint32_t classes, const char* word) {
    ModelInputs inputs;
    inputs.features.dense = 4;
    inputs.task = task;
    inputs.classes = classes;
    const auto model = make_model(spec, inputs);
    BOOST_REQUIRE(!model.is_ok());
    BOOST_TEST((model.status().code() == Code::invalid_argument));
    BOOST_TEST(model.status().message().find(word) != std::string::npos);
    BOOST_TEST(!model.status().hint().empty());
  };
  const auto spec = [](ModelKind kind, std::vector<std::uint32_t> layers = {},
                       std::vector<double> dropout = {}) {
    return ModelSpec{.kind = kind, .layers = std::move(layers), .dropout = std::move(dropout)};
  };
  refused(spec(ModelKind::linear), Task::binary, 2, "linear");
  refused(spec(ModelKind::logistic), Task::multiclass, 3, "logistic");
  refused(spec(ModelKind::softmax), Task::regression, 0, "softmax");
  refused(spec(ModelKind::logistic, {8}), Task::binary, 2, "model.layers");
  refused(spec(ModelKind::mlp, {0}), Task::binary, 2, "width");
  refused(spec(ModelKind::mlp, {limits::kLayerWidthMax + 1}), Task::binary, 2, "width");
  refused(spec(ModelKind::mlp, {65536, 65536}), Task::binary, 2, "parameters");
  refused(spec(ModelKind::mlp, {8}, {0.1, 0.2}), Task::binary, 2, "dropout");
  refused(spec(ModelKind::mlp, {8}, {1.0}), Task::binary, 2, "dropout");
  refused(spec(ModelKind::softmax), Task::multiclass, limits::kClassesMax + 1, "classes");
  refused(spec(ModelKind::mlp, std::vector<std::uint32_t>(limits::kLayersMax, 1)), Task::binary, 2,
          "hidden layers");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace millrace
