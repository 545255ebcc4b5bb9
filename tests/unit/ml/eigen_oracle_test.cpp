// A network and its gradient against the same mathematics written with Eigen in double precision:
// an implementation that shares no kernel with ours.
#include <Eigen/Core>
#include <boost/test/unit_test.hpp>

#include "common/base/random.hpp"
#include "common/ml/layered_model.hpp"
#include "tests/support/seed.hpp"

namespace millrace {
namespace {

using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using Row = Eigen::RowVectorXd;

constexpr std::uint32_t kInputs = 9;
constexpr std::size_t kRows = 45;

LayeredModel network() {
  LayeredModel::Options options;
  options.hidden = {48, 32};
  options.head = Head::sigmoid;
  options.features.dense = kInputs;
  return LayeredModel(options);
}

MicroBatch random_batch() {
  MicroBatch batch(kRows, kInputs, 0);
  batch.rows = kRows;
  RandomStream random(test::seed(), 31);
  for (std::size_t r = 0; r < kRows; ++r) {
    for (std::uint32_t i = 0; i < kInputs; ++i) {
      batch.numeric_row(r)[i] = static_cast<float>(4.0 * random.uniform() - 2.0);
    }
    batch.labels[r] = static_cast<float>(random.below(2));
    batch.weights[r] = 1.0f;
    batch.offsets[r] = Offset(r);
  }
  return batch;
}

// Element (i, o) of a layer's weights, whichever way the layer keeps them.
std::size_t weight_at(const Layer& layer, std::size_t i, std::size_t o) {
  return layer.weights +
         (layer.is_narrow ? o * layer.input_stride + i : i * layer.output_stride + o);
}

Matrix weights_of(const Layer& layer, std::span<const float> values) {
  return Matrix::NullaryExpr(layer.inputs, layer.outputs, [&](Eigen::Index i, Eigen::Index o) {
    return static_cast<double>(
        values[weight_at(layer, static_cast<std::size_t>(i), static_cast<std::size_t>(o))]);
  });
}

Row intercepts_of(const Layer& layer, std::span<const float> values) {
  return Row::NullaryExpr(layer.outputs, [&](Eigen::Index o) {
    return static_cast<double>(values[layer.intercepts + static_cast<std::size_t>(o)]);
  });
}

struct Oracle {
  Row predictions;
  std::vector<Matrix> weights;  // gradients, by layer
  std::vector<Row> intercepts;
};

Oracle by_eigen(const LayeredModel& model, std::span<const float> theta, const MicroBatch& batch) {
  const auto& layers = model.layers();
  std::vector<Matrix> seen(1, Matrix(kRows, kInputs));  // what each layer reads
  for (std::size_t r = 0; r < kRows; ++r) {
    for (std::uint32_t i = 0; i < kInputs; ++i) {
      seen[0](static_cast<Eigen::Index>(r), i) = static_cast<double>(batch.numeric_row(r)[i]);
    }
  }
  Matrix out;
  for (std::size_t l = 0; l < layers.size(); ++l) {
    out = (seen[l] * weights_of(layers[l], theta)).rowwise() + intercepts_of(layers[l], theta);
    if (l + 1 < layers.size()) seen.push_back(out.cwiseMax(0.0));
  }
  Oracle result;
  result.predictions = (1.0 + (-out.array()).exp()).inverse().matrix().transpose();
  Matrix delta = result.predictions.transpose();
  for (std::size_t r = 0; r < kRows; ++r) {
    delta(static_cast<Eigen::Index>(r), 0) -= static_cast<double>(batch.labels[r]);
  }
  delta /= static_cast<double>(kRows);
  for (std::size_t l = layers.size(); l-- > 0;) {
    result.weights.insert(result.weights.begin(), seen[l].transpose() * delta);
    result.intercepts.insert(result.intercepts.begin(), delta.colwise().sum());
    if (l == 0) break;
    const Matrix through = delta * weights_of(layers[l], theta).transpose();
    delta = through.cwiseProduct((seen[l].array() > 0.0).cast<double>().matrix());
  }
  return result;
}

AlignedVector<float> random_parameters(const LayeredModel& model) {
  AlignedVector<float> theta(model.parameters().total());
  model.initialise(theta, 3);
  RandomStream random(test::seed(), 32);
  for (const Layer& layer : model.layers()) {
    for (std::size_t o = 0; o < layer.outputs; ++o) {
      theta[layer.intercepts + o] = static_cast<float>(random.uniform() - 0.5);
    }
  }
  return theta;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(ml_eigen_oracle)

BOOST_AUTO_TEST_CASE(a_network_and_its_gradient_agree_with_eigen_in_double_precision) {
  const LayeredModel model = network();
  const MicroBatch batch = random_batch();
  const AlignedVector<float> theta = random_parameters(model);
  Workspace workspace;
  Gradient gradient;
  std::vector<float> predictions(kRows);
  model.predict_and_gradient(batch, theta, workspace, 1, 0, gradient, predictions);
  const Oracle oracle = by_eigen(model, theta, batch);

  for (std::size_t r = 0; r < kRows; ++r) {
    BOOST_TEST(std::abs(static_cast<double>(predictions[r]) -
                        oracle.predictions(static_cast<Eigen::Index>(r))) < 2e-6);
  }
  for (std::size_t l = 0; l < model.layers().size(); ++l) {
    BOOST_TEST_CONTEXT("layer " << l) {
      const Layer& layer = model.layers()[l];
      const Matrix& weights = oracle.weights[l];
      BOOST_TEST(weights.norm() > 1e-3);  // nothing is trivially right
      BOOST_TEST((weights_of(layer, gradient.dense) - weights).norm() < 1e-5 * weights.norm());
      const Row& intercepts = oracle.intercepts[l];
      BOOST_TEST((intercepts_of(layer, gradient.dense) - intercepts).norm() <
                 1e-5 * intercepts.norm() + 1e-9);
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace millrace
