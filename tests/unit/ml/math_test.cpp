// exp, log, log1p, sigmoid and softmax against the C library in double precision.
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <limits>

#include "common/ml/kernels/scalar_math.hpp"
#include "tests/unit/ml/each_target.hpp"

namespace millrace {
namespace {

using Kernel = void (*)(const float*, std::size_t, float*);

// Largest distance from the true value, in units of the last place of the single-precision result.
double worst_ulp(Kernel kernel, double (*truth)(double), double first, double last,
                 bool is_geometric = false) {
  constexpr std::size_t kCount = 200'003;
  AlignedVector<float> x(kCount), y(kCount);
  for (std::size_t i = 0; i < kCount; ++i) {
    const double share = static_cast<double>(i) / (kCount - 1);
    const double value =
        is_geometric ? first * std::pow(last / first, share) : first + (last - first) * share;
    x[i] = static_cast<float>(value);
  }
  kernel(x.data(), kCount, y.data());
  double worst = 0.0;
  for (std::size_t i = 0; i < kCount; ++i) {
    const double expected = truth(static_cast<double>(x[i]));
    const float rounded = std::abs(static_cast<float>(expected));
    const double ulp =
        static_cast<double>(std::nextafter(rounded, std::numeric_limits<float>::infinity())) -
        static_cast<double>(rounded);
    worst = std::max(worst, std::abs(static_cast<double>(y[i]) - expected) / ulp);
  }
  return worst;
}

double exp_truth(double x) {
  return std::exp(x);
}
double log_truth(double x) {
  return std::log(x);
}
double log1p_truth(double x) {
  return std::log1p(x);
}
double sigmoid_truth(double x) {
  return 1.0 / (1.0 + std::exp(-x));
}

double worst_relative(double (*ours)(double), double (*truth)(double), double first, double last) {
  double worst = 0.0;
  for (int i = 0; i <= 100'000; ++i) {
    const double x = first + (last - first) * i / 100'000;
    const double expected = truth(x);
    if (expected == 0.0) continue;
    worst = std::max(worst, std::abs(ours(x) - expected) / std::abs(expected));
  }
  return worst;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(ml_math)

BOOST_AUTO_TEST_CASE(vector_functions_are_within_two_ulp_and_sigmoid_within_two_and_a_half) {
  BOOST_TEST(worst_ulp(kernels::exp, exp_truth, -103.0, 88.7) <= 2.0);
  BOOST_TEST(worst_ulp(kernels::exp, exp_truth, -1.0, 1.0) <= 2.0);
  BOOST_TEST(worst_ulp(kernels::log, log_truth, 1e-37, 1e38, true) <= 2.0);
  BOOST_TEST(worst_ulp(kernels::log, log_truth, 0.5, 2.0) <= 2.0);
  BOOST_TEST(worst_ulp(kernels::log1p, log1p_truth, -0.99, 3.0) <= 2.0);
  BOOST_TEST(worst_ulp(kernels::log1p, log1p_truth, 1e-30, 1e30, true) <= 2.0);
  BOOST_TEST(worst_ulp(kernels::sigmoid, sigmoid_truth, -80.0, 80.0) <= 2.5);
  BOOST_TEST(worst_ulp(kernels::sigmoid, sigmoid_truth, -3.0, 3.0) <= 2.5);
}

BOOST_AUTO_TEST_CASE(vector_functions_have_the_same_bits_on_every_target) {
  auto x = test::noise(1003, 1);
  for (float& value : x) value *= 90.0f;
  for (const Kernel kernel : {kernels::exp, kernels::sigmoid, kernels::log, kernels::log1p}) {
    test::check_same_on_every_target([&] {
      AlignedVector<float> y(x.size());
      kernel(x.data(), x.size(), y.data());
      return y;
    });
  }
}

BOOST_AUTO_TEST_CASE(extremes_saturate_give_no_nan_and_no_certainty_of_one) {
  const AlignedVector<float> x = {-3e38f, -200.0f, -104.5f, 0.0f, 89.5f, 200.0f, 3e38f};
  AlignedVector<float> y(x.size());
  kernels::exp(x.data(), x.size(), y.data());
  BOOST_TEST(y[0] == 0.0f);
  BOOST_TEST(y[3] == 1.0f);
  BOOST_TEST(std::isinf(y[6]));
  kernels::sigmoid(x.data(), x.size(), y.data());
  BOOST_TEST(y[0] == 0.0f);
  BOOST_TEST(y[3] == 0.5f);
  BOOST_TEST(y[6] == 0x1.fffffep-1f);
}

BOOST_AUTO_TEST_CASE(scalar_functions_are_within_three_e_minus_15) {
  BOOST_TEST(worst_relative(kernels::stable_exp, exp_truth, -700.0, 700.0) < 3e-15);
  BOOST_TEST(worst_relative(kernels::stable_exp, exp_truth, -1.0, 1.0) < 1e-15);
  BOOST_TEST(worst_relative(kernels::stable_log, log_truth, 1e-6, 3.0) < 3e-15);
  BOOST_TEST(worst_relative(kernels::stable_log, log_truth, 1.0, 1e12) < 3e-15);
  BOOST_TEST(worst_relative(kernels::stable_log1p, log1p_truth, -0.9, 3.0) < 3e-15);
  BOOST_TEST(worst_relative(kernels::stable_sigmoid, sigmoid_truth, -600.0, 600.0) < 3e-15);
  BOOST_TEST(std::abs(kernels::stable_pow(0.999, 1000.0) / std::pow(0.999, 1000.0) - 1.0) < 1e-14);
  BOOST_TEST(kernels::stable_exp(-1e9) == 0.0);
  BOOST_TEST(std::isinf(kernels::stable_exp(1e9)));
}

BOOST_AUTO_TEST_CASE(softmax_sums_to_one_over_the_active_classes) {
  auto scores = test::noise(3 * 48, 2);
  for (float& value : scores) value *= 40.0f;
  for (const std::size_t active : {1u, 2u, 7u, 16u, 33u}) {
    test::check_same_on_every_target([&] {
      AlignedVector<float> p(3 * 33, -1.0f);
      kernels::softmax(scores.data(), 3, 48, active, 33, p.data(), 33);
      for (std::size_t r = 0; r < 3; ++r) {
        double sum = 0.0;
        for (std::size_t c = 0; c < 33; ++c) sum += static_cast<double>(p[r * 33 + c]);
        BOOST_TEST(std::abs(sum - 1.0) < 1e-6);
        for (std::size_t c = active; c < 33; ++c) BOOST_TEST(p[r * 33 + c] == 0.0f);
      }
      return p;
    });
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace millrace
