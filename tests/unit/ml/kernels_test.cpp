// Kernels against plain loops of fused operations, on every target.
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <limits>

#include "common/ml/kernels/optimizer_kernels.hpp"
#include "tests/unit/ml/each_target.hpp"

namespace millrace {
namespace {

using kernels::GemmStart;

struct Shape {
  std::size_t rows, depth, columns;
};
constexpr Shape kShapes[] = {{1, 1, 16},  {1, 9, 128}, {2, 7, 48},     {3, 54, 112}, {5, 33, 80},
                             {7, 16, 16}, {8, 9, 32},  {13, 128, 256}, {32, 9, 128}, {37, 65, 144}};

AlignedVector<float> run_gemm(const Shape& s, GemmStart start, bool relu, std::size_t rows) {
  const auto a = test::noise(s.rows * s.depth, 11);
  const auto b = test::noise(s.depth * s.columns, 12);
  const auto bias = test::noise(s.columns, 13);
  AlignedVector<float> c = test::noise(s.rows * s.columns, 14);
  kernels::gemm({.rows = rows,
                 .columns = s.columns,
                 .depth = s.depth,
                 .a = a.data(),
                 .a_row_stride = s.depth,
                 .b = b.data(),
                 .b_stride = s.columns,
                 .c = c.data(),
                 .c_stride = s.columns,
                 .start = start,
                 .bias = bias.data(),
                 .relu = relu});
  return c;
}

// One fused multiply-add per term, in ascending order.
AlignedVector<float> plain_gemm(const Shape& s, GemmStart start, bool relu) {
  const auto a = test::noise(s.rows * s.depth, 11);
  const auto b = test::noise(s.depth * s.columns, 12);
  const auto bias = test::noise(s.columns, 13);
  AlignedVector<float> c = test::noise(s.rows * s.columns, 14);
  for (std::size_t i = 0; i < s.rows; ++i) {
    for (std::size_t j = 0; j < s.columns; ++j) {
      float& out = c[i * s.columns + j];
      float sum = start == GemmStart::zero ? 0.0f : start == GemmStart::bias ? bias[j] : out;
      for (std::size_t k = 0; k < s.depth; ++k) {
        sum = std::fma(a[i * s.depth + k], b[k * s.columns + j], sum);
      }
      out = relu ? std::max(sum, 0.0f) : sum;
    }
  }
  return c;
}

float plain_dot(const AlignedVector<float>& a, const AlignedVector<float>& b, std::size_t count) {
  float lanes[16] = {};
  for (std::size_t i = 0; i < count; ++i) lanes[i % 16] = std::fma(a[i], b[i], lanes[i % 16]);
  for (std::size_t half = 8; half != 0; half /= 2) {
    for (std::size_t l = 0; l < half; ++l) lanes[l] += lanes[l + half];
  }
  return lanes[0];
}

}  // namespace

BOOST_AUTO_TEST_SUITE(ml_kernels)

BOOST_AUTO_TEST_CASE(gemm_is_one_fused_chain_per_output_on_every_target) {
  for (const Shape& s : kShapes) {
    for (const GemmStart start : {GemmStart::zero, GemmStart::bias, GemmStart::accumulate}) {
      const bool relu = start == GemmStart::bias;
      const auto expected = plain_gemm(s, start, relu);
      test::for_each_target([&] { BOOST_TEST((run_gemm(s, start, relu, s.rows) == expected)); });
    }
  }
}

BOOST_AUTO_TEST_CASE(gemm_gives_a_row_the_same_bits_in_any_batch) {
  const Shape s{37, 65, 144};
  test::for_each_target([&] {
    const auto all = run_gemm(s, GemmStart::bias, false, s.rows);
    for (const std::size_t rows : {1u, 2u, 3u, 6u, 7u, 11u, 36u}) {
      const auto some = run_gemm(s, GemmStart::bias, false, rows);
      BOOST_TEST(std::equal(
          all.begin(), all.begin() + static_cast<std::ptrdiff_t>(rows * s.columns), some.begin()));
    }
  });
}

BOOST_AUTO_TEST_CASE(gemm_reads_a_transposed_left_side) {
  // c = x^T y, as the gradient of weights.
  const std::size_t rows = 29, in = 19, out = 48;
  const auto x = test::noise(rows * in, 21);
  const auto y = test::noise(rows * out, 22);
  AlignedVector<float> expected(in * out, 0.0f);
  for (std::size_t i = 0; i < in; ++i) {
    for (std::size_t o = 0; o < out; ++o) {
      for (std::size_t r = 0; r < rows; ++r) {
        expected[i * out + o] = std::fma(x[r * in + i], y[r * out + o], expected[i * out + o]);
      }
    }
  }
  test::for_each_target([&] {
    AlignedVector<float> c(in * out, 7.0f);
    kernels::gemm({.rows = in,
                   .columns = out,
                   .depth = rows,
                   .a = x.data(),
                   .a_row_stride = 1,
                   .a_depth_stride = in,
                   .b = y.data(),
                   .b_stride = out,
                   .c = c.data(),
                   .c_stride = out});
    BOOST_TEST((c == expected));
  });
}

BOOST_AUTO_TEST_CASE(dot_adds_in_sixteen_lanes_and_one_tree) {
  const auto a = test::noise(200, 31);
  const auto b = test::noise(200, 32);
  for (const std::size_t count : {0u, 1u, 15u, 16u, 17u, 54u, 64u, 200u}) {
    const float expected = plain_dot(a, b, count);
    test::for_each_target([&] { BOOST_TEST(kernels::dot(a.data(), b.data(), count) == expected); });
  }
}

BOOST_AUTO_TEST_CASE(axpy_is_fused) {
  const auto x = test::noise(37, 41);
  const auto y = test::noise(37, 42);
  test::for_each_target([&] {
    AlignedVector<float> z = y;
    kernels::axpy(0.3f, x.data(), x.size(), z.data());
    for (std::size_t i = 0; i < x.size(); ++i) BOOST_TEST(z[i] == std::fma(0.3f, x[i], y[i]));
  });
}

BOOST_AUTO_TEST_CASE(narrow_scores_are_dots_whatever_the_number_of_rows) {
  const std::size_t inputs = 48, classes = 7;
  const auto x = test::noise(11 * inputs, 51);
  const auto w = test::noise(classes * inputs, 52);
  test::for_each_target([&] {
    for (const std::size_t rows : {1u, 3u, 4u, 6u, 11u}) {
      AlignedVector<float> scores(rows * 16, 0.25f);
      kernels::narrow_scores(x.data(), rows, inputs, w.data(), classes, inputs, scores.data(), 16);
      for (std::size_t r = 0; r < rows; ++r) {
        for (std::size_t c = 0; c < classes; ++c) {
          const float expected =
              0.25f + kernels::dot(x.data() + r * inputs, w.data() + c * inputs, inputs);
          BOOST_TEST(scores[r * 16 + c] == expected);
        }
      }
    }
  });
}

BOOST_AUTO_TEST_CASE(transpose_moves_every_element) {
  const std::size_t rows = 23, columns = 14;
  const auto x = test::noise(rows * columns, 61);
  test::for_each_target([&] {
    AlignedVector<float> y(columns * 32, 0.0f);
    kernels::transpose(x.data(), rows, columns, columns, y.data(), 32);
    for (std::size_t r = 0; r < rows; ++r) {
      for (std::size_t c = 0; c < columns; ++c) BOOST_TEST(y[c * 32 + r] == x[r * columns + c]);
    }
  });
}

BOOST_AUTO_TEST_CASE(column_sums_add_rows_in_order) {
  const auto x = test::noise(9 * 32, 71);
  test::check_same_on_every_target([&] {
    AlignedVector<float> sums(32, 1.0f);
    kernels::column_sums(x.data(), 9, 32, 32, true, sums.data());
    for (std::size_t c = 0; c < 32; ++c) {
      float expected = 1.0f;
      for (std::size_t r = 0; r < 9; ++r) expected += x[r * 32 + c];
      BOOST_TEST(sums[c] == expected);
    }
    return sums;
  });
}

BOOST_AUTO_TEST_CASE(values_beyond_the_bound_are_found_anywhere) {
  // In the unrolled part, at its edges, and in the tail.
  for (const std::size_t place : {0u, 15u, 16u, 63u, 64u, 68u}) {
    AlignedVector<float> values(69, 1e30f);
    for (const float good : {3.3e30f, -3.3e30f}) {
      values[place] = good;
      test::for_each_target(
          [&] { BOOST_TEST(kernels::all_bounded(values.data(), values.size())); });
    }
    for (const float bad : {std::numeric_limits<float>::quiet_NaN(),
                            std::numeric_limits<float>::infinity(), 3.5e30f, -3.5e30f}) {
      values[place] = bad;
      test::for_each_target(
          [&] { BOOST_TEST(!kernels::all_bounded(values.data(), values.size())); });
    }
  }
}

BOOST_AUTO_TEST_CASE(dropout_drops_the_share_asked_for_and_keys_matter) {
  const std::size_t count = 1 << 16;
  const auto share_kept = [&](std::uint64_t key) {
    AlignedVector<float> row(count, 1.0f);
    kernels::dropout_row(key, static_cast<std::uint32_t>(0.4 * (1 << 24)), 2.0f, count, row.data());
    return row;
  };
  const auto row = share_kept(99);
  const auto kept = std::count(row.begin(), row.end(), 2.0f);
  BOOST_TEST(std::count(row.begin(), row.end(), 0.0f) + kept == static_cast<std::ptrdiff_t>(count));
  // Five standard deviations of a binomial share.
  BOOST_TEST(std::abs(static_cast<double>(kept) / count - 0.6) < 5.0 * std::sqrt(0.24 / count));
  const auto other = share_kept(100);
  std::size_t both = 0;
  for (std::size_t i = 0; i < count; ++i) both += row[i] != 0.0f && other[i] != 0.0f;
  BOOST_TEST(std::abs(static_cast<double>(both) / count - 0.36) < 5.0 * std::sqrt(0.2304 / count));
  test::check_same_on_every_target([&] { return share_kept(99); });
}

BOOST_AUTO_TEST_CASE(optimiser_steps_have_the_same_bits_on_every_target) {
  const std::size_t count = 1003;
  const auto gradient = test::noise(count, 81);
  kernels::StepRates rates{.rate = 0.01f,
                           .l2 = 0.001f,
                           .epsilon = 1e-8f,
                           .one_minus_beta1 = 0.1f,
                           .beta2 = 0.999f,
                           .one_minus_beta2 = 0.001f,
                           .inverse_root_correction2 = 3.0f};
  const auto run = [&](auto&& step) {
    test::check_same_on_every_target([&] {
      AlignedVector<float> all = test::noise(3 * count, 82);
      for (std::size_t i = count; i < all.size(); ++i) all[i] = std::abs(all[i]);
      AlignedVector<float> copy(count);
      step(kernels::StepTask{.theta = all.data(),
                             .gradient = gradient.data(),
                             .slot0 = all.data() + count,
                             .slot1 = all.data() + 2 * count,
                             .copy = copy.data(),
                             .count = count,
                             .gradient_scale = 0.9f});
      BOOST_TEST(std::equal(copy.begin(), copy.end(), all.begin()));
      return all;
    });
  };
  run([&](const kernels::StepTask& t) { kernels::sgd_step(t, rates); });
  run([&](const kernels::StepTask& t) { kernels::adagrad_step(t, rates); });
  run([&](const kernels::StepTask& t) { kernels::adam_step(t, rates); });
  for (const float power : {0.0f, 0.3f, 0.5f}) {
    run([&](const kernels::StepTask& t) {
      BOOST_TEST(kernels::nag_scan(t, power) > 0.0);
      kernels::nag_step(t, rates, power);
    });
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace millrace
